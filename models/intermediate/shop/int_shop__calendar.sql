-- Grain: one calendar day of a shop (shop_id, business_date), from its first order, event or aggregate row to the run's day,
-- without holes (R1).
with first_days as (
    select shop_id, min(created_on) as first_on
    from {{ ref('stg_orders') }}
    group by shop_id
    union all
    select shop_id, min(business_date) as first_on
    from {{ ref('int_traffic__shop_day') }}
    group by shop_id
),

shops as (
    select shop_id, min(first_on) as first_on
    from first_days
    group by shop_id
)

select
    s.shop_id,
    cast(d.business_date as date) as business_date,
    s.first_on
from shops as s,
    {{ days_between('s.first_on', run_date()) }} as d (business_date)
