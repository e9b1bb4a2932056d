-- Grain: one order line (shop_id, order_line_id), current version, with the facts dated on or before the run's day.
with lines as (
    select
        shop_id, order_line_id, order_id, user_key, product_id, sku_id, product_name,
        quantity, list_amount, paid_amount, merchant_discount, platform_discount, commission_amount, coupon_amount,
        created_at, cast(created_at as date) as created_on,
        case when cast(paid_at as date) <= {{ run_date() }} then paid_at end as paid_at,
        case when cast(paid_at as date) <= {{ run_date() }} then cast(paid_at as date) end as paid_on,
        promised_ship_at, shipped_at, picked_up_at, due_delivery_at, delivered_at, finished_at,
        status, scene, entry, author_id, content_id, campaign_id, ad_id,
        coalesce(is_gift, false) as is_gift, coalesce(is_presale, false) as is_presale, load_seq
    from {{ source('raw', 'raw_orders') }}
)

select
    shop_id, order_line_id, order_id, user_key, product_id, sku_id, product_name,
    quantity, list_amount, paid_amount, merchant_discount, platform_discount, commission_amount, coupon_amount,
    created_at, created_on, paid_at, paid_on,
    promised_ship_at, shipped_at, picked_up_at, due_delivery_at, delivered_at, finished_at,
    status, scene, entry, author_id, content_id, campaign_id, ad_id, is_gift, is_presale,
    (paid_on is not null and paid_amount > 0 and not is_gift) as is_paid_line,
    load_seq
from lines
where created_on <= {{ run_date() }} or paid_on is not null
