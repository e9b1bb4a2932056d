-- Grain: one indicator of a calendar day of a shop (shop_id, business_date, indicator) with its anchors and points (R63).
-- Points add up over the indicators of one dimension and day, not over days.
with indicators as (
    select
        indicator, sort_order, dimension, weight, is_lower_better, valid_from,
        coalesce(lead(valid_from) over (partition by indicator order by valid_from), {{ run_date() }} + 1) as valid_until
    from {{ ref('experience_indicators') }}
),

starters as (
    select
        indicator, floor_anchor, average_anchor, excellent_anchor, valid_from,
        coalesce(lead(valid_from) over (partition by indicator order by valid_from), {{ run_date() }} + 1) as valid_until
    from {{ ref('experience_anchors') }}
),

values_of_the_day as (
    select
        v.shop_id, v.business_date, i.indicator, i.sort_order, i.dimension, i.weight, i.is_lower_better,
        v.numerator, v.denominator, v.value, v.value_status
    from {{ ref('int_experience__value') }} as v
    inner join indicators as i
        on v.measure = i.indicator and v.business_date >= i.valid_from and v.business_date < i.valid_until
),

-- Of the imported lines in force the newest.
industry as (
    select
        v.shop_id, v.business_date, v.indicator, b.floor_anchor, b.average_anchor, b.excellent_anchor,
        row_number() over (partition by v.shop_id, v.business_date, v.indicator order by b.valid_from desc) as place
    from values_of_the_day as v
    inner join {{ ref('stg_benchmarks') }} as b
        on
            v.shop_id = b.shop_id and v.indicator = b.indicator and b.subject = 'experience_score' and b.grain = 'day'
            and v.business_date >= b.valid_from and v.business_date <= coalesce(b.valid_to, {{ never() }})
),

anchored as (
    select
        v.shop_id, v.business_date, v.indicator, v.sort_order, v.dimension, v.weight, v.is_lower_better,
        v.numerator, v.denominator, v.value, v.value_status,
        case when b.indicator is not null then 'industry' when s.indicator is not null then 'starter' end as benchmark_source,
        case when b.indicator is not null then b.floor_anchor else s.floor_anchor end as floor_anchor,
        case when b.indicator is not null then b.average_anchor else s.average_anchor end as average_anchor,
        case when b.indicator is not null then b.excellent_anchor else s.excellent_anchor end as excellent_anchor
    from values_of_the_day as v
    left join industry as b
        on v.shop_id = b.shop_id and v.business_date = b.business_date and v.indicator = b.indicator and b.place = 1
    left join starters as s
        on v.indicator = s.indicator and v.business_date >= s.valid_from and v.business_date < s.valid_until
),

-- Where lower is better the anchors fall; turned round, one formula serves both.
scaled as (
    select
        a.*,
        cast(r.average_fraction as double) as average_fraction,
        case when a.is_lower_better then -a.value else a.value end as z,
        case when a.is_lower_better then -a.floor_anchor else a.floor_anchor end as z_floor,
        case when a.is_lower_better then -a.average_anchor else a.average_anchor end as z_average,
        case when a.is_lower_better then -a.excellent_anchor else a.excellent_anchor end as z_excellent
    from anchored as a
    inner join {{ ref('int_experience__rule') }} as r
        on a.business_date >= r.valid_from and a.business_date < r.valid_until
),

fractions as (
    select
        scaled.*,
        {{ anchored_fraction() }} as fraction
    from scaled
)

select
    shop_id, business_date, indicator, sort_order, dimension, weight, numerator, denominator, value,
    floor_anchor, average_anchor, excellent_anchor, benchmark_source,
    cast(fraction as double) as fraction,
    cast(weight as double) * cast(fraction as double) as points,
    case when value_status = 'ok' and fraction is null then 'insufficient' else value_status end as data_status
from fractions
