-- Grain: one behaviour of one user (shop_id, event_id); user_key NULL = unidentified. Immutable: the first delivery stays.
select
    shop_id, event_id, occurred_at, business_date, cast(event_type as varchar) as event_type, user_key,
    cast(scene as varchar) as scene, cast(traffic_source as varchar) as traffic_source, author_id, content_id,
    product_id, campaign_id, coalesce(watch_seconds, 0) as watch_seconds,
    coalesce(is_complete_play, false) as is_complete_play, load_seq
from {{ source('raw', 'raw_traffic_events') }}
where business_date <= {{ run_date() }}
