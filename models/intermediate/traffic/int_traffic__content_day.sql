-- Grain: one content with an impression on a day, in either source (shop_id, business_date, content_id; R31).
-- The two counts describe the same traffic in two exports: never add them.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_days_of': ['traffic', 'traffic_daily']}
) }}

with impressions as (
    select shop_id, business_date, content_id, count(*) as event_impressions, cast(0 as bigint) as aggregate_impressions
    from {{ ref('stg_traffic_events') }}
    where {{ changed_days('business_date') }} and event_type = 'impression' and content_id is not null
    group by shop_id, business_date, content_id
    union all
    select shop_id, business_date, content_id, 0 as event_impressions, sum(impressions) as aggregate_impressions
    from {{ ref('stg_traffic_daily') }}
    where {{ changed_days('business_date') }} and impressions > 0 and content_id is not null
    group by shop_id, business_date, content_id
)

select
    shop_id, business_date, content_id,
    cast(sum(event_impressions) as bigint) as event_impressions,
    cast(sum(aggregate_impressions) as bigint) as aggregate_impressions
from impressions
group by shop_id, business_date, content_id
