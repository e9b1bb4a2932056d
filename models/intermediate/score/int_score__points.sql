-- Grain: one indicator of a complete period (shop_id, grain, period_start, indicator) with its anchors and points (R39–R41b).
-- Points add up over the indicators of one period, not over periods.
with candidates as (
    select
        v.shop_id, v.grain, v.period_start, v.indicator, 'industry' as benchmark_source, 1 as precedence, b.valid_from,
        0 as is_general, b.floor_anchor, b.average_anchor, b.excellent_anchor
    from {{ ref('int_score__value') }} as v
    inner join {{ ref('stg_benchmarks') }} as b
        on
            v.shop_id = b.shop_id and v.indicator = b.indicator and v.grain = b.grain
            and v.period_end >= b.valid_from and v.period_end <= coalesce(b.valid_to, {{ never() }})
    where b.subject = 'operating_score'
    union all
    select
        v.shop_id, v.grain, v.period_start, v.indicator, 'target' as benchmark_source, 2 as precedence, t.valid_from,
        case when t.shop_id is null then 1 else 0 end as is_general, t.floor_anchor, t.average_anchor, t.excellent_anchor
    from {{ ref('int_score__value') }} as v
    inner join {{ ref('operating_targets') }} as t
        on
            (v.shop_id = t.shop_id or t.shop_id is null) and v.indicator = t.indicator and v.grain = t.grain
            and v.period_end >= t.valid_from and v.period_end <= coalesce(t.valid_to, {{ never() }})
    union all
    select
        v.shop_id, v.grain, v.period_start, v.indicator, 'self' as benchmark_source, 3 as precedence, a.month_on as valid_from,
        0 as is_general, a.floor_anchor, a.average_anchor, a.excellent_anchor
    from {{ ref('int_score__value') }} as v
    inner join {{ ref('int_score__self_anchor') }} as a
        on
            v.shop_id = a.shop_id and v.grain = a.grain and v.indicator = a.indicator
            and cast(date_trunc('month', v.period_end) as date) = a.month_on
),

ranked as (
    select
        candidates.*,
        row_number() over (
            partition by shop_id, grain, period_start, indicator
            order by precedence asc, valid_from desc, is_general asc
        ) as place
    from candidates
),

rules as (
    select average_fraction, valid_from, lead(valid_from) over (order by valid_from) as valid_before
    from {{ ref('operating_rules') }}
),

-- Impressions and contents are compared as ln(1 + x), their anchors too; an anchor of -1 or less has no logarithm.
scaled as (
    select
        v.shop_id, v.grain, v.period_start, v.period_end, v.indicator, v.sort_order, v.half, v.weight, v.numerator,
        v.denominator, v.value, v.value_status, r.benchmark_source, r.floor_anchor, r.average_anchor, r.excellent_anchor,
        cast(u.average_fraction as double) as average_fraction,
        case when not v.is_logarithmic then v.value when v.value > -1 then ln(1 + v.value) end as z,
        case when not v.is_logarithmic then r.floor_anchor when r.floor_anchor > -1 then ln(1 + r.floor_anchor) end as z_floor,
        case when not v.is_logarithmic then r.average_anchor
            when r.average_anchor > -1 then ln(1 + r.average_anchor) end as z_average,
        case when not v.is_logarithmic then r.excellent_anchor
            when r.excellent_anchor > -1 then ln(1 + r.excellent_anchor) end as z_excellent
    from {{ ref('int_score__value') }} as v
    inner join rules as u
        on v.period_end >= u.valid_from and (u.valid_before is null or v.period_end < u.valid_before)
    left join ranked as r
        on
            v.shop_id = r.shop_id and v.grain = r.grain and v.period_start = r.period_start and v.indicator = r.indicator
            and r.place = 1
),

fractions as (
    select
        scaled.*,
        {{ anchored_fraction() }} as fraction
    from scaled
)

select
    shop_id, grain, period_start, period_end, indicator, sort_order, half, weight, numerator, denominator, value,
    floor_anchor, average_anchor, excellent_anchor, benchmark_source,
    cast(fraction as double) as fraction,
    cast(weight as double) * cast(fraction as double) as points,
    case when value_status = 'ok' and fraction is null then 'insufficient' else value_status end as data_status
from fractions
