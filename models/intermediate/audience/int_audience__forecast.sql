-- Grain: one layer some days ahead, as seen from one day of a shop with enough history (shop_id, business_date, horizon_days,
-- layer). users add up over layers, never over days.
-- The daily moves of the last 28 days as a Markov chain: x(t+1) = x(t)·P + n. The constant state -1 (always 1) carries n, so
-- that one matrix holds both and 30 days are a few squarings.
{{ config(
    materialized='incremental', incremental_strategy='replace_days', on_schema_change='fail',
    meta={'rebuild_on': ['traffic', 'traffic_daily', 'sales', 'refunds', 'reviews']}
) }}

with rules as (
    select max_by(history_days, valid_from) as history_days
    from {{ ref('audience_forecast_rules') }}
    where valid_from <= {{ run_date() }}
),

-- The days to write and those whose moves stand behind the earliest of them.
days as (
    select c.shop_id, c.business_date
    from {{ ref('int_shop__calendar') }} as c
    cross join rules as r
    where c.business_date >= {{ rebuild_from() }} - r.history_days
),

stock as (
    select s.shop_id, s.business_date, s.layer, s.users, s.entered
    from {{ ref('int_audience__stock') }} as s
    inner join days as d
        on s.shop_id = d.shop_id and s.business_date = d.business_date
),

-- The 1-day flow: who moved, and who stayed.
flow as (
    select m.shop_id, m.business_date, m.from_layer, m.to_layer, m.users
    from {{ ref('int_audience__daily_moves') }} as m
    inner join days as d
        on m.shop_id = d.shop_id and m.business_date = d.business_date
    union all
    select shop_id, business_date, layer as from_layer, layer as to_layer, users - entered as users
    from stock
),

cells as (
    select d.shop_id, d.business_date, f.layer as from_layer, t.layer as to_layer
    from days as d
    cross join (
        select layer from {{ ref('audience_layers') }}
        union all
        select -1 as layer
    ) as f
    cross join {{ ref('audience_layers') }} as t
),

counted as (
    select
        c.shop_id, c.business_date, c.from_layer, c.to_layer,
        sum(coalesce(f.users, 0)) over (
            partition by c.shop_id, c.from_layer, c.to_layer order by c.business_date
            rows between unbounded preceding and current row
        ) as users
    from cells as c
    left join flow as f
        on
            c.shop_id = f.shop_id and c.business_date = f.business_date
            and c.from_layer = f.from_layer and c.to_layer = f.to_layer
),

-- All that left a layer or stayed in it is its stock of the days before.
windows as (
    select
        c.shop_id, c.business_date, c.from_layer, c.to_layer, r.history_days,
        c.users - p.users as users,
        sum(c.users - p.users) over (partition by c.shop_id, c.business_date, c.from_layer) as stock
    from counted as c
    cross join rules as r
    inner join counted as p
        on
            c.shop_id = p.shop_id and p.business_date = c.business_date - r.history_days
            and c.from_layer = p.from_layer and c.to_layer = p.to_layer
),

power_1 as (
    select
        shop_id, business_date, from_layer, to_layer, 1 as exponent,
        case
            when from_layer = -1 then cast(users as double) / history_days
            when stock > 0 then cast(users as double) / cast(stock as double)
            -- Nobody was in the layer: it stays as it is.
            when from_layer = to_layer then 1.0
            else 0.0
        end as share
    from windows
    union all
    select distinct shop_id, business_date, -1 as from_layer, -1 as to_layer, 1 as exponent, 1.0 as share
    from windows
),

power_2 as ({{ twice_as_far('power_1') }}),

power_4 as ({{ twice_as_far('power_2') }}),

power_8 as ({{ twice_as_far('power_4') }}),

power_16 as ({{ twice_as_far('power_8') }}),

powers as (
    select shop_id, business_date, from_layer, to_layer, exponent, share
    from power_1
    union all
    select shop_id, business_date, from_layer, to_layer, exponent, share
    from power_2
    union all
    select shop_id, business_date, from_layer, to_layer, exponent, share
    from power_4
    union all
    select shop_id, business_date, from_layer, to_layer, exponent, share
    from power_8
    union all
    select shop_id, business_date, from_layer, to_layer, exponent, share
    from power_16
),

today as (
    select s.shop_id, s.business_date, h.horizon_days, s.layer, cast(s.users as double) as users
    from stock as s
    inner join {{ ref('audience_forecast_steps') }} as h
        on h.step = 1
    where s.business_date >= {{ rebuild_from() }}
    union all
    select d.shop_id, d.business_date, h.horizon_days, -1 as layer, 1.0 as users
    from days as d
    inner join {{ ref('audience_forecast_steps') }} as h
        on h.step = 1
    where d.business_date >= {{ rebuild_from() }}
),

moved_1 as ({{ moved_on('today', 1) }}),

moved_2 as ({{ moved_on('moved_1', 2) }}),

moved_3 as ({{ moved_on('moved_2', 3) }}),

moved_4 as ({{ moved_on('moved_3', 4) }})

select
    shop_id, business_date, horizon_days,
    cast(layer as smallint) as layer,
    users
from moved_4
where layer >= 0
