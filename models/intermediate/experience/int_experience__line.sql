-- Grain: one paid line and period of the rules (shop_id, order_line_id, rule_from): when it was delivered, due, fully
-- refunded, first asked about and badly reviewed. Refunded lines stay (R51). The readers take what a day knew of it (R2).
{{ config(materialized='view') }}

with refunded as (
    select shop_id, order_line_id, min(refunded_on) as fully_refunded_on
    from {{ ref('int_sales__refund') }}
    where is_fully_refunded
    group by shop_id, order_line_id
),

-- The reason a buyer gave first; success is not needed (R54).
applications as (
    select
        shop_id, order_line_id, applied_on, reason,
        row_number() over (partition by shop_id, order_line_id order by applied_at, refund_id) as place
    from {{ ref('stg_refunds') }}
    where coalesce(status, '') not in ('rejected', 'cancelled') and coalesce(kind, '') <> 'price_protection'
),

-- Only a review that names the line counts (R53).
bad_reviews as (
    select v.shop_id, v.order_line_id, r.valid_from as rule_from, min(v.created_on) as bad_review_on
    from {{ ref('stg_reviews') }} as v
    cross join {{ ref('int_experience__rule') }} as r
    where v.order_line_id is not null and v.rating <= r.bad_review_stars
    group by v.shop_id, v.order_line_id, r.valid_from
)

select
    o.shop_id, o.order_line_id, o.order_id, o.paid_on,
    o.due_delivery_at, cast(o.due_delivery_at as date) as due_on,
    o.delivered_at, cast(o.delivered_at as date) as delivered_on,
    f.fully_refunded_on,
    a.applied_on as first_applied_on, a.reason as first_reason,
    b.bad_review_on,
    r.valid_from as rule_from, r.valid_until as rule_until, r.window_days
from {{ ref('stg_orders') }} as o
cross join {{ ref('int_experience__rule') }} as r
left join refunded as f
    on o.shop_id = f.shop_id and o.order_line_id = f.order_line_id
left join applications as a
    on o.shop_id = a.shop_id and o.order_line_id = a.order_line_id and a.place = 1
left join bad_reviews as b
    on o.shop_id = b.shop_id and o.order_line_id = b.order_line_id and r.valid_from = b.rule_from
where o.is_paid_line
