-- Grain: one known user's day with one content (shop_id, business_date, user_key, content_id; NULL = content unknown): whether
-- and when it was seen live, a bag of it joined, or the shop followed there (R91, R108). People: not additive. In day order.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_days_of': 'traffic'}
) }}

select
    shop_id,
    business_date,
    user_key,
    content_id,
    max(case when event_type = 'view' then 1 else 0 end) = 1 as has_viewed,
    max(case when event_type = 'lucky_bag_join' then 1 else 0 end) = 1 as has_joined_bag,
    min(case when event_type = 'view' and scene = 'live' then occurred_at end) as live_viewed_at,
    min(case when event_type in ('follow', 'fan_club_join') then occurred_at end) as followed_at
from {{ ref('stg_traffic_events') }}
where
    {{ changed_days('business_date') }}
    and user_key is not null
    and (
        event_type in ('follow', 'fan_club_join')
        or (event_type in ('view', 'lucky_bag_join') and (content_id is not null or scene = 'live'))
    )
group by shop_id, business_date, user_key, content_id
order by business_date
