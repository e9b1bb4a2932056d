-- Grain: one indicator of a calendar day of a shop (shop_id, business_date, indicator), all ten. Windows of 30 days ending on the
-- day: nothing adds up over days. contribution adds up over the indicators of one day to score_change.
with shares as (
    select
        p.shop_id, p.business_date, p.indicator, p.dimension, p.numerator, p.denominator, p.value, p.floor_anchor,
        p.average_anchor, p.excellent_anchor, p.benchmark_source, p.fraction, p.weight, p.points, p.data_status,
        case when t.experience_10 is not null then coalesce(p.points, 0) * d.scale end as scaled_points
    from {{ ref('int_experience__points') }} as p
    inner join {{ ref('int_experience__dimension') }} as d
        on p.shop_id = d.shop_id and p.business_date = d.business_date and p.dimension = d.dimension
    inner join {{ ref('int_experience__total') }} as t
        on p.shop_id = t.shop_id and p.business_date = t.business_date
)

select
    shop_id,
    business_date,
    indicator,
    numerator,
    denominator,
    value,
    fraction,
    cast(weight as double) as weight,
    points,
    dimension,
    floor_anchor,
    average_anchor,
    excellent_anchor,
    benchmark_source,
    scaled_points - lag(scaled_points) over (partition by shop_id, indicator order by business_date) as contribution,
    {{ rule_version() }} as rule_version,
    data_status
from shares
