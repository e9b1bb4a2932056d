-- Grain: one calendar day of a shop (shop_id, business_date): the three dimensions side by side and their sum. Not additive.
with dimensions as (
    select
        shop_id, business_date,
        max(case when dimension = 'product' then points end) as product_points,
        max(case when dimension = 'logistics' then points end) as logistics_points,
        max(case when dimension = 'service' then points end) as service_points,
        min(case when is_sourced then 1 else 0 end) as is_sourced
    from {{ ref('int_experience__dimension') }}
    group by shop_id, business_date
),

totals as (
    select
        shop_id, business_date, product_points, logistics_points, service_points,
        product_points + logistics_points + service_points as experience_10,
        is_sourced
    from dimensions
)

select
    shop_id, business_date, experience_10, product_points, logistics_points, service_points,
    case when experience_10 is not null then 'ok' when is_sourced = 1 then 'insufficient' else 'missing_source' end
        as data_status
from totals
