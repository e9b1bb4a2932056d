-- Grain: one order line (shop_id, order_line_id), gifts and unpaid ones included: is_paid_line says which carry money (R9).
-- A paid line is effective on d when paid_on <= d and (fully_refunded_on is null or d < fully_refunded_on): one that was
-- refunded on or before its pay day never is (R11).
{{ config(materialized='view') }}

with refunded as (
    select
        shop_id, order_line_id,
        min(case when is_fully_refunded then refunded_on end) as fully_refunded_on
    from {{ ref('int_sales__refund') }}
    group by shop_id, order_line_id
)

select
    o.shop_id, o.order_line_id, o.order_id, o.user_key, o.product_id, o.scene, o.entry, o.author_id, o.content_id,
    o.campaign_id, o.ad_id, o.is_gift, o.is_paid_line, o.created_on, o.paid_on, o.paid_at, o.quantity, o.paid_amount,
    r.fully_refunded_on,
    (o.is_paid_line and (r.fully_refunded_on is null or r.fully_refunded_on > o.paid_on)) as is_ever_effective,
    (o.is_paid_line and coalesce(o.status, '') = 'closed' and r.order_line_id is null) as is_closed_without_refund
from {{ ref('stg_orders') }} as o
left join refunded as r
    on o.shop_id = r.shop_id and o.order_line_id = r.order_line_id
