-- Grain: one indicator of a complete period (shop_id, grain, period_start, indicator).
-- points and contribution add up over the indicators of one period; nothing adds up over periods.
with totals as (
    select
        shop_id, grain, period_start, coverage, score_100,
        lag(period_start) over earlier as previous_start,
        lag(coverage) over earlier as previous_coverage,
        lag(score_100) over earlier as previous_score_100
    from {{ ref('int_score__total') }}
    window earlier as (partition by shop_id, grain order by period_start)
)

select
    p.shop_id,
    p.grain,
    p.period_start,
    p.indicator,
    p.numerator,
    p.denominator,
    p.value,
    p.floor_anchor,
    p.average_anchor,
    p.excellent_anchor,
    p.benchmark_source,
    p.fraction,
    cast(p.weight as double) as weight,
    p.points,
    case when t.score_100 is not null and t.previous_score_100 is not null then
        100 * coalesce(p.points, 0) / nullif(t.coverage, 0)
        - 100 * coalesce(b.points, 0) / nullif(t.previous_coverage, 0)
    end as contribution,
    {{ rule_version() }} as rule_version,
    p.data_status
from {{ ref('int_score__points') }} as p
inner join totals as t
    on p.shop_id = t.shop_id and p.grain = t.grain and p.period_start = t.period_start
left join {{ ref('int_score__points') }} as b
    on
        p.shop_id = b.shop_id and p.grain = b.grain and p.indicator = b.indicator
        and t.previous_start = b.period_start
