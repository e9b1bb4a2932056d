-- Grain: one order line (shop_id, order_line_id), current version, with the facts dated on or before the run's day. A buyer that
-- the export hides is the one of the merchant's own map; author and commission are those of the alliance report, if it has any.
with lines as (
    select
        o.shop_id, o.order_line_id, o.order_id, coalesce(o.user_key, m.user_key) as user_key, o.product_id, o.sku_id,
        o.product_name, o.quantity, o.list_amount, o.paid_amount, o.merchant_discount, o.platform_discount,
        coalesce(c.commission_amount, o.commission_amount) as commission_amount, o.coupon_amount,
        o.created_at, cast(o.created_at as date) as created_on, o.paid_at as payment_at,
        case when cast(o.paid_at as date) <= {{ run_date() }} then o.paid_at end as paid_at,
        case when cast(o.paid_at as date) <= {{ run_date() }} then cast(o.paid_at as date) end as paid_on,
        o.promised_ship_at, o.shipped_at, o.picked_up_at, o.due_delivery_at, o.delivered_at, o.finished_at,
        o.status, o.scene, o.entry, coalesce(c.author_id, o.author_id) as author_id, o.content_id, o.campaign_id, o.ad_id,
        coalesce(o.is_gift, false) as is_gift, coalesce(o.is_presale, false) as is_presale,
        coalesce(o.is_scene_pending, false) as is_scene_pending, o.load_seq
    from {{ source('raw', 'raw_orders') }} as o
    left join {{ source('raw', 'raw_buyer_map') }} as m
        on o.shop_id = m.shop_id and o.order_id = m.order_id
    left join {{ source('raw', 'raw_order_commissions') }} as c
        on o.shop_id = c.shop_id and o.order_line_id = c.order_line_id
)

select
    shop_id, order_line_id, order_id, user_key, product_id, sku_id, product_name,
    quantity, list_amount, paid_amount, merchant_discount, platform_discount, commission_amount, coupon_amount,
    created_at, created_on, paid_at, paid_on, payment_at,
    promised_ship_at, shipped_at, picked_up_at, due_delivery_at, delivered_at, finished_at,
    status, scene, entry, author_id, content_id, campaign_id, ad_id, is_gift, is_presale, is_scene_pending,
    (paid_on is not null and paid_amount > 0 and not is_gift) as is_paid_line,
    load_seq
from lines
where created_on <= {{ run_date() }} or paid_on is not null
