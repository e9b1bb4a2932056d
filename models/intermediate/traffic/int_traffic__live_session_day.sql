-- Grain: one live session of a day (shop_id, business_date, content_id; NULL content = one session), from events (R32, R33).
-- Known viewers only. Viewers are people: they do not add up over sessions or days, the contract's ratios add them all the same.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_days_of': 'traffic'}
) }}

with people as (
    select
        shop_id, business_date, content_id, user_key,
        max(case when event_type = 'view' then 1 else 0 end) as has_viewed,
        max(case when event_type = 'view' then 0 else 1 end) as has_interacted,
        sum(case when event_type = 'view' then watch_seconds else 0 end) as watch_seconds
    from {{ ref('stg_traffic_events') }}
    where
        {{ changed_days('business_date') }}
        and scene = 'live'
        and event_type in ('view', 'like', 'comment', 'share', 'follow', 'fan_club_join', 'gift')
        and user_key is not null
    group by shop_id, business_date, content_id, user_key
)

select
    shop_id, business_date, content_id,
    cast(count(*) as bigint) as viewers,
    cast(sum(has_interacted) as bigint) as interacting_viewers,
    cast(sum(watch_seconds) as decimal(18, 3)) as watch_seconds
from people
where has_viewed = 1
group by shop_id, business_date, content_id
