-- Grain: one review (shop_id, review_id, order_id), newest rating.
select
    shop_id, review_id, order_id, order_line_id, product_id, user_key, rating, logistics_rating, service_rating,
    created_at, cast(created_at as date) as created_on, load_seq
from {{ source('raw', 'raw_reviews') }}
where cast(created_at as date) <= {{ run_date() }}
