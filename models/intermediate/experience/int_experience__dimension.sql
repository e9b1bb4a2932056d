-- Grain: one dimension of a calendar day of a shop (shop_id, business_date, dimension): its points, scaled to the full weight
-- when enough of it is scored (R63). Dimensions add up to the score of a day, not over days.
with sums as (
    select
        shop_id, business_date, dimension,
        sum(weight) as full_weight,
        sum(case when points is not null then weight else 0 end) as scored_weight,
        sum(case when data_status <> 'missing_source' then weight else 0 end) as sourced_weight,
        -- As decimals, so that the sum does not depend on the order of its parts.
        cast(sum(cast(points as decimal(38, 15))) as double) as points
    from {{ ref('int_experience__points') }}
    group by shop_id, business_date, dimension
),

judged as (
    select
        s.*,
        s.scored_weight > 0 and s.scored_weight >= r.minimum_scored_share * s.full_weight as is_scored,
        -- Could the absent sources alone forbid the dimension, were all the rest scored?
        s.sourced_weight > 0 and s.sourced_weight >= r.minimum_scored_share * s.full_weight as is_sourced
    from sums as s
    inner join {{ ref('int_experience__rule') }} as r
        on s.business_date >= r.valid_from and s.business_date < r.valid_until
)

select
    shop_id, business_date, dimension, is_scored, is_sourced,
    case when is_scored then cast(full_weight as double) / cast(scored_weight as double) end as scale,
    case when is_scored then points * cast(full_weight as double) / cast(scored_weight as double) end as points
from judged
