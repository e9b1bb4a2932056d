-- Grain: views of live rooms from one source on a day (shop_id, business_date, traffic_source), from the aggregate where the
-- day has one, else from events, unidentified included (R29, R71). NULL = the aggregate's rows of the source carry no views.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_days_of': ['traffic', 'traffic_daily']}
) }}

with aggregate_days as (
    select distinct shop_id, business_date
    from {{ ref('stg_traffic_daily') }}
    where {{ changed_days('business_date') }}
),

event_views as (
    select shop_id, business_date, coalesce(traffic_source, 'other') as traffic_source, count(*) as views
    from {{ ref('stg_traffic_events') }}
    where {{ changed_days('business_date') }} and scene = 'live' and event_type = 'view'
    group by shop_id, business_date, coalesce(traffic_source, 'other')
)

select shop_id, business_date, coalesce(traffic_source, 'other') as traffic_source, cast(sum(views) as bigint) as views
from {{ ref('stg_traffic_daily') }}
where {{ changed_days('business_date') }} and scene = 'live'
group by shop_id, business_date, coalesce(traffic_source, 'other')
union all
select e.shop_id, e.business_date, e.traffic_source, cast(e.views as bigint) as views
from event_views as e
left join aggregate_days as a
    on e.shop_id = a.shop_id and e.business_date = a.business_date
where a.shop_id is null
