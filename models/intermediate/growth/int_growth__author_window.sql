-- Grain: one author of a shop with a view or a paid line in the window ending on the day (shop_id, business_date, author_id;
-- R82). Gross and net of the lines paid in the window, refunds dated on or before the day taken off, and the author's views.
-- Not additive over days: windows overlap.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_on': ['sales', 'refunds', 'traffic', 'traffic_daily']}
) }}
{%- set first_day = rebuild_from() %}
{%- set window_days = growth_rule('author_window_days') %}

with shops as (
    select shop_id, min(first_on) as first_on
    from {{ ref('int_shop__calendar') }}
    group by shop_id
),

lines as (
    select shop_id, order_line_id, author_id, paid_on, paid_amount
    from {{ ref('stg_orders') }}
    where is_paid_line and author_id is not null and paid_on > {{ first_day }} - {{ window_days }}
),

-- A fact counts from counts_on until the day before leaves_on.
facts as (
    select
        shop_id, author_id, paid_on as counts_on, paid_on + {{ window_days }} as leaves_on,
        paid_amount, paid_amount as net_amount, 0 as views, 0 as event_rows, 0 as aggregate_rows, 0 as silent_rows
    from lines
    union all
    select
        l.shop_id, l.author_id, greatest(r.refunded_on, l.paid_on) as counts_on, l.paid_on + {{ window_days }} as leaves_on,
        0 as paid_amount, -r.counted_amount as net_amount, 0 as views, 0 as event_rows, 0 as aggregate_rows, 0 as silent_rows
    from lines as l
    inner join {{ ref('int_sales__refund') }} as r
        on l.shop_id = r.shop_id and l.order_line_id = r.order_line_id
    union all
    select
        shop_id, author_id, business_date as counts_on, business_date + {{ window_days }} as leaves_on,
        0 as paid_amount, 0 as net_amount, coalesce(views, 0) as views,
        case when traffic_basis = 'traffic_events' then 1 else 0 end as event_rows,
        case when traffic_basis = 'traffic_daily' and views is not null then 1 else 0 end as aggregate_rows,
        case when views is null then 1 else 0 end as silent_rows
    from {{ ref('int_traffic__view_day') }}
    where author_id is not null and business_date > {{ first_day }} - {{ window_days }}
),

stays as (
    select
        f.shop_id, f.author_id, greatest(f.counts_on, s.first_on, {{ first_day }}) as enters_on, f.leaves_on,
        f.paid_amount, f.net_amount, f.views, f.event_rows, f.aggregate_rows, f.silent_rows
    from facts as f
    inner join shops as s
        on f.shop_id = s.shop_id
    where greatest(f.counts_on, s.first_on, {{ first_day }}) < f.leaves_on
),

steps as (
    select
        shop_id, author_id, enters_on as business_date, paid_amount, net_amount, views, event_rows, aggregate_rows, silent_rows
    from stays
    union all
    select
        shop_id, author_id, leaves_on as business_date, -paid_amount as paid_amount, -net_amount as net_amount,
        -views as views, -event_rows as event_rows, -aggregate_rows as aggregate_rows, -silent_rows as silent_rows
    from stays
),

day_steps as (
    select
        shop_id, author_id, business_date, sum(paid_amount) as paid_amount, sum(net_amount) as net_amount,
        sum(views) as views, sum(event_rows) as event_rows, sum(aggregate_rows) as aggregate_rows,
        sum(silent_rows) as silent_rows
    from steps
    where business_date <= {{ run_date() }}
    group by shop_id, author_id, business_date
),

states as (
    select
        shop_id, author_id, business_date as starts_on,
        coalesce(lead(business_date) over by_day - 1, {{ run_date() }}) as ends_on,
        sum(paid_amount) over so_far as paid_amount,
        sum(net_amount) over so_far as net_amount,
        sum(views) over so_far as views,
        sum(event_rows) over so_far as event_rows,
        sum(aggregate_rows) over so_far as aggregate_rows,
        sum(silent_rows) over so_far as silent_rows
    from day_steps
    window
        by_day as (partition by shop_id, author_id order by business_date),
        so_far as (
            partition by shop_id, author_id order by business_date
            rows between unbounded preceding and current row
        )
)

select
    s.shop_id,
    cast(d.business_date as date) as business_date,
    s.author_id,
    cast(s.paid_amount as decimal(18, 2)) as paid_amount,
    cast(s.net_amount as decimal(18, 2)) as net_amount,
    -- Nothing but aggregate rows without views: not measured (R29).
    cast(case when s.event_rows + s.aggregate_rows > 0 or s.silent_rows = 0 then s.views end as bigint) as views,
    case
        when s.event_rows > 0 and s.aggregate_rows > 0 then 'mixed'
        when s.event_rows > 0 then 'traffic_events'
        when s.aggregate_rows > 0 then 'traffic_daily'
    end as gpm_basis,
    case when s.views >= r.author_minimum_views
        then cast(1000 * cast(s.paid_amount as decimal(18, 2)) as double) / cast(s.views as double) end as gpm
from states as s
cross join {{ ref('int_growth__rule') }} as r,
    {{ days_between('s.starts_on', 's.ends_on') }} as d (business_date)
where s.paid_amount > 0 or s.views > 0
