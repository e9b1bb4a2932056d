-- Grain: one review (shop_id, review_id, order_id), newest rating. An export that names no order line means the only line of its
-- order and product; where there are several, it means none.
with unplaced as (
    select shop_id, order_id, product_id
    from {{ source('raw', 'raw_reviews') }}
    where is_line_by_product and order_line_id is null
    group by shop_id, order_id, product_id
),

only_lines as (
    select o.shop_id, o.order_id, o.product_id, max(o.order_line_id) as order_line_id
    from {{ source('raw', 'raw_orders') }} as o
    inner join unplaced as u
        on o.shop_id = u.shop_id and o.order_id = u.order_id and o.product_id = u.product_id
    group by o.shop_id, o.order_id, o.product_id
    having count(*) = 1
)

select
    r.shop_id, r.review_id, r.order_id,
    case when r.is_line_by_product then coalesce(r.order_line_id, l.order_line_id) else r.order_line_id end as order_line_id,
    r.product_id, r.user_key, r.rating, r.logistics_rating, r.service_rating,
    r.created_at, cast(r.created_at as date) as created_on, r.load_seq
from {{ source('raw', 'raw_reviews') }} as r
left join only_lines as l
    on r.shop_id = l.shop_id and r.order_id = l.order_id and r.product_id = l.product_id
where cast(r.created_at as date) <= {{ run_date() }}
