-- Grain: one rate on one calendar day of a shop (shop_id, business_date, indicator), complete, and its benchmark. Not additive.
-- Written whole: benchmarks and campaigns are not dated by their delivery and move the medians of the days after them.
with rules as (
    select
        max_by(benchmark_days, valid_from) as benchmark_days,
        max_by(minimum_benchmark_days, valid_from) as minimum_benchmark_days,
        cast(max_by(gap_below, valid_from) as double) as gap_below
    from {{ ref('audience_health_rules') }}
    where valid_from <= {{ run_date() }}
),

rates as (
    select c.shop_id, c.business_date, i.indicator, i.bottleneck_order
    from {{ ref('int_shop__calendar') }} as c
    cross join {{ ref('audience_health_indicators') }} as i
),

imported as (
    select r.shop_id, r.business_date, r.indicator, max_by(b.average_anchor, b.valid_from) as benchmark
    from rates as r
    inner join {{ ref('stg_benchmarks') }} as b
        on
            r.shop_id = b.shop_id and r.indicator = b.indicator
            and r.business_date >= b.valid_from and (b.valid_to is null or r.business_date <= b.valid_to)
    where b.subject = 'audience' and b.grain = 'day'
    group by r.shop_id, r.business_date, r.indicator
),

-- The value of a day without a campaign speaks for each of the benchmark_days after it.
spoken as (
    select v.shop_id, cast(d.business_date as date) as business_date, v.indicator, v.value
    from {{ ref('int_audience__health_value') }} as v
    left join {{ ref('int_campaign__day') }} as k
        on v.shop_id = k.shop_id and v.business_date = k.business_date
    cross join rules as r,
        {{ days_between('v.business_date + 1', 'v.business_date + r.benchmark_days') }} as d (business_date)
    where k.shop_id is null
),

own as (
    select shop_id, business_date, indicator, median(value) as benchmark, count(*) as days
    from spoken
    group by shop_id, business_date, indicator
),

compared as (
    select
        r.shop_id, r.business_date, r.indicator, r.bottleneck_order, v.value, u.gap_below,
        coalesce(i.benchmark, case when o.days >= u.minimum_benchmark_days then o.benchmark end) as benchmark
    from rates as r
    cross join rules as u
    left join {{ ref('int_audience__health_value') }} as v
        on r.shop_id = v.shop_id and r.business_date = v.business_date and r.indicator = v.indicator
    left join imported as i
        on r.shop_id = i.shop_id and r.business_date = i.business_date and r.indicator = i.indicator
    left join own as o
        on r.shop_id = o.shop_id and r.business_date = o.business_date and r.indicator = o.indicator
),

-- What is equal on paper is equal here: the last bits of a quotient decide neither a gap nor who is lowest. A benchmark that is
-- not above 0 judges nothing: nobody lies under it.
judged as (
    select
        shop_id, business_date, indicator, bottleneck_order, value, benchmark,
        case when benchmark > 0 then round(value / nullif(benchmark, 0), 9) end as ratio,
        case when benchmark > 0 then round(value / nullif(benchmark, 0) - gap_below, 9) < 0 end as is_short,
        round(value - gap_below * benchmark, 9) < 0 as is_gap
    from compared
),

ranked as (
    select
        shop_id, business_date, indicator, bottleneck_order, value, benchmark, ratio, is_short, is_gap,
        row_number() over (
            partition by shop_id, business_date, bottleneck_order is null
            order by ratio nulls last, bottleneck_order nulls last
        ) as place
    from judged
)

select
    shop_id, business_date, indicator, value, benchmark, is_gap,
    coalesce(bottleneck_order is not null and place = 1 and is_short, false) as is_bottleneck
from ranked
