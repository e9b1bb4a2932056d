-- Grain: one of the six sources of live-room views on a calendar day of a shop (shop_id, business_date, traffic_source), zeros
-- included. views add up over sources and days; displayed_share adds up to 100 over the six.
with paper as (
    select o.traffic_source, cast(r.value as double) / cast(sum(r.value) over () as double) as paper_share
    from {{ ref('sources_order') }} as o
    inner join {{ ref('paper_reference_figures') }} as r
        on o.paper_figure = r.figure
),

-- From the first traffic day on, a source without a record is a measured 0 (R3).
days as (
    select
        c.shop_id, c.business_date, o.traffic_source, o.traffic_source_zh, o.precedence,
        case
            when f.first_traffic_on is null or c.business_date < f.first_traffic_on then null
            when s.shop_id is null then 0
            else s.views
        end as views
    from {{ ref('int_shop__calendar') }} as c
    cross join {{ ref('sources_order') }} as o
    left join {{ ref('int_shop__sources') }} as f
        on c.shop_id = f.shop_id
    left join {{ ref('int_fields__source_day') }} as s
        on c.shop_id = s.shop_id and c.business_date = s.business_date and o.traffic_source = s.traffic_source
),

totals as (
    select shop_id, business_date, cast(sum(views) as bigint) as day_views
    from days
    group by shop_id, business_date
),

-- Whole percents first; what is left over goes to the largest remainders, ties by precedence.
parts as (
    select
        d.shop_id, d.business_date, d.traffic_source, d.traffic_source_zh, d.precedence, d.views,
        nullif(t.day_views, 0) as day_views,
        (100 * d.views) % nullif(t.day_views, 0) as remainder,
        (100 * d.views - (100 * d.views) % nullif(t.day_views, 0)) / nullif(t.day_views, 0) as whole_percent
    from days as d
    inner join totals as t
        on d.shop_id = t.shop_id and d.business_date = t.business_date
),

ranked as (
    select
        parts.*,
        row_number() over (partition by shop_id, business_date order by remainder desc nulls last, precedence asc) as place,
        100 - sum(cast(whole_percent as bigint)) over (partition by shop_id, business_date) as left_over
    from parts
)

select
    r.shop_id,
    r.business_date,
    r.traffic_source,
    cast(r.views as bigint) as views,
    cast(r.views as double) / cast(r.day_views as double) as share,
    cast(cast(r.whole_percent as bigint) + case when r.place <= r.left_over then 1 else 0 end as bigint) as displayed_share,
    cast(p.paper_share as double) as paper_share,
    r.traffic_source_zh,
    {{ rule_version() }} as rule_version,
    case when r.views is null then 'missing_source' else 'ok' end as data_status
from ranked as r
inner join paper as p
    on r.traffic_source = p.traffic_source
