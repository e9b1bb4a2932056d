-- Grain: one content with a view or a cost in the window ending on the day (shop_id, business_date, content_id). window_… are of
-- the window; the other sums run from the first day on, as the day knows them (R101, R102). Not additive over days.
-- flow_per_mille and gpm are given only where a role may be observed.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_on': ['traffic', 'traffic_daily', 'sales', 'refunds', 'reviews', 'ad_spend']}
) }}
{%- set first_day = rebuild_from() %}
{%- set window_days = growth_rule('content_window_days') %}

with shops as (
    select shop_id, min(first_on) as first_on
    from {{ ref('int_shop__calendar') }}
    group by shop_id
),

facts as (
    select
        shop_id, content_id, business_date, views, 0 as ripe_users, 0 as a3_flow_users, 0 as paid_amount, 0 as cost_amount
    from {{ ref('int_traffic__view_day') }}
    where content_id is not null and views > 0
    union all
    select
        shop_id, content_id, business_date, 0 as views, ripe_users, a3_flow_users, 0 as paid_amount, 0 as cost_amount
    from {{ ref('int_growth__ripe_day') }}
    union all
    select
        shop_id, content_id, paid_on as business_date, 0 as views, 0 as ripe_users, 0 as a3_flow_users, paid_amount,
        0 as cost_amount
    from {{ ref('stg_orders') }}
    where is_paid_line and content_id is not null
    union all
    select
        shop_id, content_id, business_date, 0 as views, 0 as ripe_users, 0 as a3_flow_users, 0 as paid_amount, cost_amount
    from {{ ref('stg_ad_spend') }}
    where content_id is not null and cost_amount > 0
),

-- What lies before the first day to compute is summed up on it.
placed as (
    select
        f.shop_id, f.content_id, f.views, f.ripe_users, f.a3_flow_users, f.paid_amount, f.cost_amount,
        greatest(f.business_date, s.first_on, {{ first_day }}) as business_date,
        f.business_date + {{ window_days }} as leaves_on
    from facts as f
    inner join shops as s
        on f.shop_id = s.shop_id
),

steps as (
    select
        shop_id, content_id, business_date, views, ripe_users, a3_flow_users, paid_amount,
        case when leaves_on > business_date then views else 0 end as window_views,
        case when leaves_on > business_date then cost_amount else 0 end as window_cost
    from placed
    union all
    select
        shop_id, content_id, leaves_on as business_date, 0 as views, 0 as ripe_users, 0 as a3_flow_users, 0 as paid_amount,
        -views as window_views, -cost_amount as window_cost
    from placed
    where leaves_on > business_date and (views > 0 or cost_amount > 0)
),

day_steps as (
    select
        shop_id, content_id, business_date, sum(views) as views, sum(ripe_users) as ripe_users,
        sum(a3_flow_users) as a3_flow_users, sum(paid_amount) as paid_amount, sum(window_views) as window_views,
        sum(window_cost) as window_cost
    from steps
    where business_date <= {{ run_date() }}
    group by shop_id, content_id, business_date
),

states as (
    select
        shop_id, content_id, business_date as starts_on,
        coalesce(lead(business_date) over by_day - 1, {{ run_date() }}) as ends_on,
        cast(sum(views) over so_far as bigint) as views,
        cast(sum(ripe_users) over so_far as bigint) as ripe_users,
        cast(sum(a3_flow_users) over so_far as bigint) as a3_flow_users,
        cast(sum(paid_amount) over so_far as decimal(18, 2)) as paid_amount,
        cast(sum(window_views) over so_far as bigint) as window_views,
        cast(sum(window_cost) over so_far as decimal(18, 2)) as window_cost
    from day_steps
    window
        by_day as (partition by shop_id, content_id order by business_date),
        so_far as (
            partition by shop_id, content_id order by business_date
            rows between unbounded preceding and current row
        )
)

-- One division each, of whole numbers: equal ratios are equal doubles, so that ties with the median hold.
select
    s.shop_id,
    cast(d.business_date as date) as business_date,
    s.content_id,
    s.window_views,
    s.window_cost,
    case when s.views >= r.content_minimum_views and s.ripe_users > 0
        then cast(1000 * s.a3_flow_users as double) / cast(s.views as double) end as flow_per_mille,
    case when s.views >= r.content_minimum_views and s.ripe_users > 0
        then cast(1000 * s.paid_amount as double) / cast(s.views as double) end as gpm
from states as s
cross join {{ ref('int_growth__rule') }} as r,
    {{ days_between('s.starts_on', 's.ends_on') }} as d (business_date)
where s.window_views > 0 or s.window_cost > 0
