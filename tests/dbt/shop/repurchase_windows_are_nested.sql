-- A wider window holds the buyers of a narrower one, and a repeat buyer is a buyer.
select shop_id, business_date
from {{ ref('repurchase_daily') }}
where
    buyers_30d > buyers_90d or buyers_90d > buyers_180d or buyers_180d > buyers_365d
    or repeat_buyers_30d > repeat_buyers_90d or repeat_buyers_90d > repeat_buyers_180d
    or repeat_buyers_180d > repeat_buyers_365d
    or repeat_buyers_30d > buyers_30d or repeat_buyers_90d > buyers_90d
    or repeat_buyers_180d > buyers_180d or repeat_buyers_365d > buyers_365d
    or repeat_buyers_30d < 0
