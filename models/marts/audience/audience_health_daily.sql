-- Grain: one calendar day of a shop (shop_id, business_date). Stocks, rates and flags of one day: nothing adds up over days.
with rules as (
    select max_by(leaky_days, valid_from) as leaky_days
    from {{ ref('audience_health_rules') }}
    where valid_from <= {{ run_date() }}
),

rates as (
    select
        shop_id, business_date,
        max(case when indicator = 'deep_share' then value end) as deep_share,
        max(case when indicator = 'up_rate_1' then value end) as up_rate_1,
        max(case when indicator = 'up_rate_2' then value end) as up_rate_2,
        max(case when indicator = 'up_rate_3' then value end) as up_rate_3,
        max(case when indicator = 'up_rate_4' then value end) as up_rate_4,
        max(case when indicator = 'a3_ratio' then value end) as a3_ratio,
        max(case when indicator = 'a5_ratio' then value end) as a5_ratio,
        max(case when indicator = 'deep_share' then benchmark end) as benchmark_deep_share,
        max(case when indicator = 'up_rate_1' then benchmark end) as benchmark_up_rate_1,
        max(case when indicator = 'up_rate_2' then benchmark end) as benchmark_up_rate_2,
        max(case when indicator = 'up_rate_3' then benchmark end) as benchmark_up_rate_3,
        max(case when indicator = 'up_rate_4' then benchmark end) as benchmark_up_rate_4,
        max(case when indicator = 'a3_ratio' then benchmark end) as benchmark_a3_ratio,
        max(case when indicator = 'a5_ratio' then benchmark end) as benchmark_a5_ratio,
        max(case when is_bottleneck then indicator end) as bottleneck,
        max(case when indicator = 'a3_ratio' then cast(is_gap as integer) end) = 1 as a3_thin,
        max(case when indicator = 'a5_ratio' then cast(is_gap as integer) end) = 1 as repurchase_gap
    from {{ ref('int_audience__health_rate') }}
    group by shop_id, business_date
),

assets as (
    select shop_id, business_date, sum(case when layer > 0 then users else 0 end) as asset
    from {{ ref('int_audience__stock') }}
    group by shop_id, business_date
),

-- Whether more users fell out of A1 to A5 than came in.
drains as (
    select
        shop_id, business_date,
        sum(case when from_layer > 0 and to_layer = 0 then users else 0 end)
        > sum(case when from_layer <= 0 and to_layer > 0 then users else 0 end) as is_drain
    from {{ ref('int_audience__daily_moves') }}
    group by shop_id, business_date
),

-- Such days counted up from the calendar's first.
drained as (
    select
        c.shop_id, c.business_date, c.first_on,
        sum(case when d.is_drain then 1 else 0 end) over (
            partition by c.shop_id order by c.business_date rows between unbounded preceding and current row
        ) as days
    from {{ ref('int_shop__calendar') }} as c
    left join drains as d
        on c.shop_id = d.shop_id and c.business_date = d.business_date
),

leaks as (
    select
        d.shop_id, d.business_date,
        case
            when {{ day_diff('d.business_date', 'd.first_on') }} >= r.leaky_days - 1
                then d.days - coalesce(p.days, 0) = r.leaky_days
        end as leaky
    from drained as d
    cross join rules as r
    left join drained as p
        on d.shop_id = p.shop_id and p.business_date = d.business_date - r.leaky_days
)

select
    l.shop_id,
    l.business_date,
    case when s.names_users then cast(a.asset as bigint) end as asset,
    r.deep_share,
    r.up_rate_1, r.up_rate_2, r.up_rate_3, r.up_rate_4,
    r.a3_ratio,
    r.a5_ratio,
    r.benchmark_deep_share,
    r.benchmark_up_rate_1, r.benchmark_up_rate_2, r.benchmark_up_rate_3, r.benchmark_up_rate_4,
    r.benchmark_a3_ratio,
    r.benchmark_a5_ratio,
    r.bottleneck,
    r.a3_thin,
    case when s.names_users then l.leaky end as leaky,
    r.repurchase_gap,
    {{ rule_version() }} as rule_version,
    cast(case when s.names_users then 'ok' else 'missing_source' end as varchar) as data_status
from leaks as l
inner join rates as r
    on l.shop_id = r.shop_id and l.business_date = r.business_date
inner join assets as a
    on l.shop_id = a.shop_id and l.business_date = a.business_date
left join {{ ref('int_shop__sources') }} as s
    on l.shop_id = s.shop_id
