-- Grain: one measure of a calendar day of a shop (shop_id, business_date, measure): both sides of the rate over the window that
-- ends on the day, as known on it, zeros included. Not additive over days: the windows overlap.
with changes as (
    select shop_id, business_date, measure, numerator, denominator
    from {{ ref('int_experience__line_change') }}
    union all
    select shop_id, business_date, measure, numerator, denominator
    from {{ ref('int_experience__order_change') }}
    union all
    select shop_id, business_date, measure, numerator, denominator
    from {{ ref('int_experience__pickup_change') }}
    union all
    select shop_id, business_date, measure, numerator, denominator
    from {{ ref('int_experience__service_change') }}
),

measures as (
    select indicator as measure
    from {{ ref('experience_indicators') }}
    union
    select 'ccr' as measure
    union
    select 'nps' as measure
    union
    select 'nps_proxy_stars' as measure
),

first_days as (
    select shop_id, min(first_on) as first_on
    from {{ ref('int_shop__calendar') }}
    group by shop_id
),

-- What is dated before the shop's first day is known on it.
day_changes as (
    select
        c.shop_id, c.measure, greatest(c.business_date, f.first_on) as business_date,
        sum(c.numerator) as numerator, sum(c.denominator) as denominator
    from changes as c
    inner join first_days as f
        on c.shop_id = f.shop_id
    group by c.shop_id, c.measure, greatest(c.business_date, f.first_on)
)

select
    d.shop_id,
    d.business_date,
    m.measure,
    cast(sum(coalesce(c.numerator, 0)) over so_far as decimal(38, 0)) as numerator,
    cast(sum(coalesce(c.denominator, 0)) over so_far as decimal(38, 0)) as denominator
from {{ ref('int_shop__calendar') }} as d
cross join measures as m
left join day_changes as c
    on d.shop_id = c.shop_id and d.business_date = c.business_date and m.measure = c.measure
window so_far as (
    partition by d.shop_id, m.measure
    order by d.business_date
    rows between unbounded preceding and current row
)
