-- Grain: users in from_layer horizon_days before and in to_layer on the day (shop_id, business_date, horizon_days, from_layer,
-- to_layer); from_layer -1 = not known then. Cells without users have no row. Not additive over days.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_on': ['traffic', 'traffic_daily', 'sales', 'refunds', 'reviews']}
) }}

with days as (
    select shop_id, business_date, first_on
    from {{ ref('int_shop__calendar') }}
    where business_date >= {{ rebuild_from() }}
),

earlier as (
    select d.shop_id, d.business_date, h.horizon_days, s.layer as from_layer, s.users
    from days as d
    cross join {{ ref('audience_horizons') }} as h
    inner join {{ ref('int_audience__stock') }} as s
        on d.shop_id = s.shop_id and s.business_date = d.business_date - h.horizon_days
    where h.valid_from <= {{ run_date() }}
),

movers as (
    select m.shop_id, m.business_date, m.horizon_days, m.from_layer, m.to_layer, m.users
    from {{ ref('int_audience__flow_movers') }} as m
    inner join days as d
        on m.shop_id = d.shop_id and m.business_date = d.business_date
    where m.business_date - m.horizon_days >= d.first_on
),

-- Before the calendar nobody is known.
newcomers as (
    select d.shop_id, d.business_date, h.horizon_days, -1 as from_layer, s.layer as to_layer, s.users
    from days as d
    cross join {{ ref('audience_horizons') }} as h
    inner join {{ ref('int_audience__stock') }} as s
        on d.shop_id = s.shop_id and d.business_date = s.business_date
    where h.valid_from <= {{ run_date() }} and d.business_date - h.horizon_days < d.first_on
),

gone as (
    select shop_id, business_date, horizon_days, from_layer, sum(users) as users
    from movers
    group by shop_id, business_date, horizon_days, from_layer
),

-- Whoever never moved stays: the stock before less all who moved.
parts as (
    select shop_id, business_date, horizon_days, from_layer, to_layer, users
    from movers
    union all
    select shop_id, business_date, horizon_days, from_layer, to_layer, users
    from newcomers
    union all
    select
        e.shop_id, e.business_date, e.horizon_days, e.from_layer, e.from_layer as to_layer,
        e.users - coalesce(g.users, 0) as users
    from earlier as e
    left join gone as g
        on e.shop_id = g.shop_id and e.business_date = g.business_date
        and e.horizon_days = g.horizon_days and e.from_layer = g.from_layer
),

cells as (
    select shop_id, business_date, horizon_days, from_layer, to_layer, sum(users) as users
    from parts
    group by shop_id, business_date, horizon_days, from_layer, to_layer
)

select
    c.shop_id,
    c.business_date,
    c.horizon_days,
    cast(c.from_layer as smallint) as from_layer,
    cast(c.to_layer as smallint) as to_layer,
    cast(c.users as bigint) as users,
    cast(c.users as double) / nullif(cast(e.users as double), 0) as rate,
    {{ rule_version() }} as rule_version,
    cast('ok' as varchar) as data_status
from cells as c
left join earlier as e
    on c.shop_id = e.shop_id and c.business_date = e.business_date
    and c.horizon_days = e.horizon_days and c.from_layer = e.from_layer
where c.users > 0
