-- Grain: views of one author's one content on a day (shop_id, business_date, author_id, content_id; both may be NULL), from the
-- aggregate where the shop's day has one, else from events, unidentified included (R29, R84). views NULL = the aggregate's
-- rows carry none. Additive.
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
    select shop_id, business_date, author_id, content_id, count(*) as views
    from {{ ref('stg_traffic_events') }}
    where {{ changed_days('business_date') }} and event_type = 'view'
    group by shop_id, business_date, author_id, content_id
)

select
    shop_id, business_date, author_id, content_id, cast('traffic_daily' as varchar) as traffic_basis,
    cast(sum(views) as bigint) as views
from {{ ref('stg_traffic_daily') }}
where {{ changed_days('business_date') }}
group by shop_id, business_date, author_id, content_id
union all
select
    e.shop_id, e.business_date, e.author_id, e.content_id, cast('traffic_events' as varchar) as traffic_basis,
    cast(e.views as bigint) as views
from event_views as e
left join aggregate_days as a
    on e.shop_id = a.shop_id and e.business_date = a.business_date
where a.shop_id is null
