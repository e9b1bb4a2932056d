-- Grain: one row of a cut of a day (shop_id, business_date, scene, traffic_source, author_id, content_id, product_id, cut).
-- Distinct people are not additive over days; over rows of one day the contract adds them (R29). Exports of several layouts show
-- the same traffic in different cuts: within a scene's day each column stands in the rows of the finest cut that carries it, and
-- is NULL in the others, so a column adds up over all rows.
with rows_of_cuts as (
    select
        shop_id, business_date, scene, traffic_source, author_id, content_id, product_id, impressions, views, viewers,
        watch_seconds, interactions, interacting_viewers, product_impressions, product_clicks, product_impression_users,
        product_click_users, add_to_cart_users, buyers, orders, units, paid_amount, new_followers, load_seq,
        coalesce(cut, 0) as cut
    from {{ source('raw', 'raw_traffic_daily') }}
    where business_date <= {{ run_date() }}
),

finest as (
    select
        shop_id, business_date, scene, traffic_source, author_id, content_id, product_id, impressions, views, viewers,
        watch_seconds, interactions, interacting_viewers, product_impressions, product_clicks, product_impression_users,
        product_click_users, add_to_cart_users, buyers, orders, units, paid_amount, new_followers, load_seq, cut,
        min(case when impressions is not null then cut end) over same_traffic as impressions_cut,
        min(case when views is not null then cut end) over same_traffic as views_cut,
        min(case when viewers is not null then cut end) over same_traffic as viewers_cut,
        min(case when watch_seconds is not null then cut end) over same_traffic as watch_seconds_cut,
        min(case when interactions is not null then cut end) over same_traffic as interactions_cut,
        min(case when interacting_viewers is not null then cut end) over same_traffic as interacting_viewers_cut,
        min(case when product_impressions is not null then cut end) over same_traffic as product_impressions_cut,
        min(case when product_clicks is not null then cut end) over same_traffic as product_clicks_cut,
        min(case when product_impression_users is not null then cut end) over same_traffic as product_impression_users_cut,
        min(case when product_click_users is not null then cut end) over same_traffic as product_click_users_cut,
        min(case when add_to_cart_users is not null then cut end) over same_traffic as add_to_cart_users_cut,
        min(case when buyers is not null then cut end) over same_traffic as buyers_cut,
        min(case when orders is not null then cut end) over same_traffic as orders_cut,
        min(case when units is not null then cut end) over same_traffic as units_cut,
        min(case when paid_amount is not null then cut end) over same_traffic as paid_amount_cut,
        min(case when new_followers is not null then cut end) over same_traffic as new_followers_cut
    from rows_of_cuts
    window same_traffic as (partition by shop_id, business_date, scene)
)

select
    shop_id, business_date, scene, traffic_source, author_id, content_id, product_id,
    case when cut = impressions_cut then impressions end as impressions,
    case when cut = views_cut then views end as views,
    case when cut = viewers_cut then viewers end as viewers,
    case when cut = watch_seconds_cut then watch_seconds end as watch_seconds,
    case when cut = interactions_cut then interactions end as interactions,
    case when cut = interacting_viewers_cut then interacting_viewers end as interacting_viewers,
    case when cut = product_impressions_cut then product_impressions end as product_impressions,
    case when cut = product_clicks_cut then product_clicks end as product_clicks,
    case when cut = product_impression_users_cut then product_impression_users end as product_impression_users,
    case when cut = product_click_users_cut then product_click_users end as product_click_users,
    case when cut = add_to_cart_users_cut then add_to_cart_users end as add_to_cart_users,
    case when cut = buyers_cut then buyers end as buyers,
    case when cut = orders_cut then orders end as orders,
    case when cut = units_cut then units end as units,
    case when cut = paid_amount_cut then paid_amount end as paid_amount,
    case when cut = new_followers_cut then new_followers end as new_followers,
    load_seq
from finest
