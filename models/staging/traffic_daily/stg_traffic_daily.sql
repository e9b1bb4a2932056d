-- Grain: one cut of a day's traffic (shop_id, business_date, scene, traffic_source, author_id, content_id, product_id).
-- Distinct people are not additive over days; over rows of one day the contract adds them (R29).
select
    shop_id, business_date, scene, traffic_source, author_id, content_id, product_id, impressions, views, viewers,
    watch_seconds, interactions, interacting_viewers, product_impressions, product_clicks, product_impression_users,
    product_click_users, add_to_cart_users, buyers, orders, units, paid_amount, new_followers, load_seq
from {{ source('raw', 'raw_traffic_daily') }}
where business_date <= {{ run_date() }}
