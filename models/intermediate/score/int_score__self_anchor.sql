-- Grain: the shop's own yardstick for periods ending in a month (shop_id, grain, month_on, indicator): P10, P50, P90 of its
-- earlier values (R40). A value counts when it could be judged, anchors or not: else no shop would ever start.
with rules as (
    select
        grain, self_periods, self_minimum_values, valid_from,
        lead(valid_from) over (partition by grain order by valid_from) as valid_before
    from {{ ref('operating_grains') }}
),

months as (
    select distinct shop_id, grain, cast(date_trunc('month', period_end) as date) as month_on
    from {{ ref('int_score__value') }}
),

-- Periods that start in [first_start, end_start): whole days, ISO weeks or months before the month.
spans as (
    select
        m.shop_id, m.grain, m.month_on, r.self_minimum_values,
        case m.grain
            when 'day' then m.month_on - r.self_periods
            when 'week' then cast(date_trunc('week', m.month_on) as date) - 7 * r.self_periods
            else cast(m.month_on - r.self_periods * interval '1' month as date)
        end as first_start,
        case when m.grain = 'week' then cast(date_trunc('week', m.month_on) as date) else m.month_on end as end_start
    from months as m
    inner join rules as r
        on m.grain = r.grain and m.month_on >= r.valid_from and (r.valid_before is null or m.month_on < r.valid_before)
)

select
    s.shop_id, s.grain, s.month_on, v.indicator,
    percentile_cont(0.1) within group (order by v.value) as floor_anchor,
    percentile_cont(0.5) within group (order by v.value) as average_anchor,
    percentile_cont(0.9) within group (order by v.value) as excellent_anchor
from spans as s
inner join {{ ref('int_score__value') }} as v
    on
        s.shop_id = v.shop_id and s.grain = v.grain
        and v.period_start >= s.first_start and v.period_start < s.end_start
where v.value_status = 'ok'
group by s.shop_id, s.grain, s.month_on, v.indicator, s.self_minimum_values
having count(*) >= s.self_minimum_values
