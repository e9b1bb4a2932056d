-- Grain: one business date of any shop's calendar (business_date) with the quadrant's rules in force on it.
with dates as (
    select business_date
    from {{ ref('int_shop__calendar') }}
    group by business_date
)

select
    d.business_date,
    r.threshold_method, r.cumulative_share, r.minimum_products,
    r.provisional_days, r.tail_risk_days, r.tail_growth_days, r.confirmation_days
from dates as d
inner join {{ ref('int_goods__rule') }} as r
    on d.business_date >= r.valid_from and d.business_date < coalesce(r.valid_to, d.business_date + 1)
