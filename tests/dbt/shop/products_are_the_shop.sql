-- On the run's day what products net in their window is what the shop nets on the window's days: both take off every refund known
-- by then (R45, R85). Earlier days differ: the shop's day is restated, a product's is as it was known.
with windows as (
    select window_days
    from {{ ref('int_goods__rule') }}
    where valid_from <= {{ run_date() }} and coalesce(valid_to > {{ run_date() }}, true)
),

products as (
    select shop_id, sum(net_amount) as net_amount
    from {{ ref('product_quadrant') }}
    where scope = 'all' and business_date = {{ run_date() }}
    group by shop_id
),

days as (
    select s.shop_id, sum(s.net_amount) as net_amount
    from {{ ref('shop_daily') }} as s
    cross join windows as w
    where s.business_date > {{ run_date() }} - w.window_days
    group by s.shop_id
    -- A younger shop may hold a payment dated before its first day.
    having count(*) = max(w.window_days)
)

select d.shop_id, d.net_amount, p.net_amount as products_amount
from days as d
left join products as p
    on d.shop_id = p.shop_id
where coalesce(d.net_amount, 0) <> coalesce(p.net_amount, 0)
