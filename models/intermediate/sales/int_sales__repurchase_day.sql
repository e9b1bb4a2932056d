-- Grain: one calendar day of a shop and window (shop_id, business_date, window_days): users with at least one, and at least
-- two, occasions in W(window_days) effective on the day (R36, R89). Not additive over days nor over windows.
with shops as (
    select shop_id, min(first_on) as first_on
    from {{ ref('int_shop__calendar') }}
    group by shop_id
),

changes as (
    select
        l.shop_id, l.window_days, greatest(l.business_date, f.first_on) as business_date,
        sum(l.buyers_change) as buyers_change, sum(l.repeat_buyers_change) as repeat_buyers_change
    from {{ ref('int_sales__repurchase_change') }} as l
    inner join shops as f
        on l.shop_id = f.shop_id
    group by l.shop_id, l.window_days, greatest(l.business_date, f.first_on)
)

select
    d.shop_id,
    d.business_date,
    w.window_days,
    cast(sum(coalesce(c.buyers_change, 0)) over so_far as bigint) as buyers,
    cast(sum(coalesce(c.repeat_buyers_change, 0)) over so_far as bigint) as repeat_buyers
from {{ ref('int_shop__calendar') }} as d
inner join {{ ref('repurchase_windows') }} as w
    on d.business_date >= w.valid_from
left join changes as c
    on d.shop_id = c.shop_id and d.business_date = c.business_date and w.window_days = c.window_days
window so_far as (
    partition by d.shop_id, w.window_days
    order by d.business_date
    rows between unbounded preceding and current row
)
