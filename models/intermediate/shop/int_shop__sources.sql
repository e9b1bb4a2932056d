-- Grain: one shop (shop_id): which feeds it has ever delivered (presence is not dated, R3), and since when it has traffic (R3b).
with presence as (
    select
        shop_id,
        max(case when feed = 'orders' then 1 else 0 end) = 1 as has_orders,
        max(case when feed = 'refunds' then 1 else 0 end) = 1 as has_refunds,
        max(case when feed = 'reviews' then 1 else 0 end) = 1 as has_reviews,
        max(case when feed = 'contents' then 1 else 0 end) = 1 as has_contents,
        max(case when feed = 'ad_spend' then 1 else 0 end) = 1 as has_ad_spend,
        max(case when feed = 'service_sessions' then 1 else 0 end) = 1 as has_service_sessions,
        max(case when feed = 'nps_surveys' then 1 else 0 end) = 1 as has_nps_surveys,
        max(case when feed = 'members' then 1 else 0 end) = 1 as has_members,
        max(case when feed = 'lucky_bags' then 1 else 0 end) = 1 as has_lucky_bags,
        max(case when feed = 'campaigns' then 1 else 0 end) = 1 as has_campaigns,
        max(case when feed in ('orders', 'traffic_events') and rows_with_user > 0 then 1 else 0 end) = 1 as names_users
    from {{ source('control', 'feed_presence') }}
    where rows_held > 0
    group by shop_id
),

traffic as (
    select
        shop_id,
        min(business_date) as first_traffic_on,
        min(case when event_rows > 0 then business_date end) as first_event_on
    from {{ ref('int_traffic__shop_day') }}
    group by shop_id
)

select
    p.shop_id, p.has_orders, p.has_refunds, p.has_reviews, p.has_contents, p.has_ad_spend, p.names_users,
    p.has_service_sessions, p.has_nps_surveys, p.has_members, p.has_lucky_bags, p.has_campaigns,
    t.first_traffic_on, t.first_event_on
from presence as p
left join traffic as t
    on p.shop_id = t.shop_id
