-- Grain: one author with a view or a paid line in the window ending on the day (shop_id, business_date, author_id; R82). Nothing
-- here is additive over days: windows overlap. Growth looks at what was published for the day growth_days before (R103).
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_on': ['sales', 'refunds', 'traffic', 'traffic_daily', 'authors', 'contents', 'users', 'author_audience']}
) }}
{%- set first_day = rebuild_from() %}

with days as (
    select shop_id, business_date, author_id, paid_amount, net_amount, views, gpm, gpm_basis
    from {{ ref('int_growth__author_window') }}
    where business_date >= {{ first_day }}
),

-- Contents of the last days by topic; one without a topic is one of all.
topics as (
    select d.shop_id, d.business_date, d.author_id, c.topic, count(*) as contents
    from days as d
    cross join {{ ref('int_growth__rule') }} as r
    inner join {{ ref('stg_contents') }} as c
        on
            d.shop_id = c.shop_id and d.author_id = c.author_id
            and c.published_on <= d.business_date and c.published_on > d.business_date - r.vertical_days
    group by d.shop_id, d.business_date, d.author_id, c.topic
),

verticals as (
    select
        t.shop_id, t.business_date, t.author_id,
        sum(t.contents) >= max(r.vertical_contents)
            and max(case when t.topic is not null then cast(t.contents as decimal(18, 2)) else 0 end)
            >= cast(sum(t.contents) as decimal(18, 0)) * max(r.vertical_share) as is_vertical
    from topics as t
    cross join {{ ref('int_growth__rule') }} as r
    group by t.shop_id, t.business_date, t.author_id
),

sale_days as (
    select distinct shop_id, author_id, paid_on, year(paid_on) * 12 + month(paid_on) as paid_month
    from {{ ref('stg_orders') }}
    where is_paid_line and author_id is not null
),

long_terms as (
    select
        d.shop_id, d.business_date, d.author_id,
        count(distinct s.paid_month) >= max(r.long_term_sale_months)
            and max(s.paid_on) >= d.business_date - max(r.long_term_last_days) as is_long_term
    from days as d
    cross join {{ ref('int_growth__rule') }} as r
    inner join sale_days as s
        on
            d.shop_id = s.shop_id and d.author_id = s.author_id and s.paid_on <= d.business_date
            and s.paid_month > year(d.business_date) * 12 + month(d.business_date) - r.long_term_months
    group by d.shop_id, d.business_date, d.author_id
),

newest_tiers as (
    select tier, max_by(minimum_followers, valid_from) as minimum_followers, max_by(tier_zh, valid_from) as tier_zh
    from {{ ref('author_tiers') }}
    where valid_from <= {{ run_date() }}
    group by tier
),

tiers as (
    select
        tier, tier_zh, minimum_followers,
        coalesce(lead(minimum_followers) over (order by minimum_followers), 9223372036854775807) as next_minimum_followers
    from newest_tiers
),

-- The logarithm of each ratio of now to then, NULL unless both sides are above 0.
ratios as (
    select
        d.shop_id, d.business_date, d.author_id, now.followers,
        case when d.net_amount > 0 and b.net_amount > 0
            then ln(cast(d.net_amount as double) / cast(b.net_amount as double)) end as net_growth,
        case when d.gpm > 0 and b.gpm > 0 then ln(d.gpm / b.gpm) end as gpm_growth,
        case when now.followers > 0 and past.followers > 0
            then ln(cast(now.followers as double) / cast(past.followers as double)) end as followers_growth,
        cast(r.growth_limit as double) as growth_limit, cast(r.net_weight as double) as net_weight,
        cast(r.gpm_weight as double) as gpm_weight, cast(r.followers_weight as double) as followers_weight
    from days as d
    cross join {{ ref('int_growth__rule') }} as r
    left join {{ ref('int_growth__author_window') }} as b
        on d.shop_id = b.shop_id and d.author_id = b.author_id and b.business_date = d.business_date - r.growth_days
    left join {{ ref('int_fields__author_spell') }} as now
        on
            d.shop_id = now.shop_id and d.author_id = now.author_id
            and now.snapshot_on <= d.business_date and d.business_date < coalesce(now.valid_to, {{ never() }})
    left join {{ ref('int_fields__author_spell') }} as past
        on
            d.shop_id = past.shop_id and d.author_id = past.author_id
            and past.snapshot_on <= d.business_date - r.growth_days
            and d.business_date - r.growth_days < coalesce(past.valid_to, {{ never() }})
),

-- What is missing gives its weight to the rest; nothing there, no growth.
growths as (
    select
        shop_id, business_date, author_id, followers,
        (
            net_weight * greatest(-growth_limit, least(growth_limit, coalesce(net_growth, 0)))
            + gpm_weight * greatest(-growth_limit, least(growth_limit, coalesce(gpm_growth, 0)))
            + followers_weight * greatest(-growth_limit, least(growth_limit, coalesce(followers_growth, 0)))
        ) / nullif(
            case when net_growth is null then 0 else net_weight end
            + case when gpm_growth is null then 0 else gpm_weight end
            + case when followers_growth is null then 0 else followers_weight end, 0
        ) as growth
    from ratios
)

select
    d.shop_id,
    d.business_date,
    d.author_id,
    t.tier,
    case when f.has_contents then coalesce(v.is_vertical, false) end as is_vertical,
    cast(case when f.has_orders then d.paid_amount end as decimal(18, 2)) as paid_amount,
    cast(case when f.has_orders then d.net_amount end as decimal(18, 2)) as net_amount,
    -- Before the shop's first traffic nothing was measured (R3).
    cast(case when d.business_date >= f.first_traffic_on then d.views end as bigint) as views,
    case when f.has_orders then d.gpm end as gpm,
    d.gpm_basis,
    g.growth,
    m.audience_match,
    case when f.has_orders then coalesce(l.is_long_term, false) end as is_long_term,
    cast(g.followers as bigint) as followers,
    t.tier_zh,
    {{ rule_version() }} as rule_version,
    cast(case when f.has_orders then 'ok' else 'missing_source' end as varchar) as data_status
from days as d
inner join {{ ref('int_shop__sources') }} as f
    on d.shop_id = f.shop_id
inner join growths as g
    on d.shop_id = g.shop_id and d.business_date = g.business_date and d.author_id = g.author_id
left join tiers as t
    on g.followers >= t.minimum_followers and g.followers < t.next_minimum_followers
left join verticals as v
    on d.shop_id = v.shop_id and d.business_date = v.business_date and d.author_id = v.author_id
left join long_terms as l
    on d.shop_id = l.shop_id and d.business_date = l.business_date and d.author_id = l.author_id
left join {{ ref('int_growth__author_match') }} as m
    on d.shop_id = m.shop_id and d.business_date = m.business_date and d.author_id = m.author_id
