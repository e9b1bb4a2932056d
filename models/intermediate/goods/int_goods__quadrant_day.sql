-- Grain: one product of a shop, scope and day (shop_id, business_date, scope, product_id): its class net of refunds and gross
-- (R44, R46, R47). class_code is NULL outside the four classes. Not additive over days.
{{ config(materialized='view') }}

with compared as (
    select
        p.shop_id, p.business_date, p.scope, p.product_id, p.net_amount, p.net_quantity, p.paid_amount, p.paid_quantity,
        p.net_amount > 0 and p.net_quantity > 0 as is_selling,
        coalesce(t.product_count, 0) as product_count, t.total_amount, t.total_quantity,
        coalesce(t.product_count >= t.minimum_products, false) as is_classed,
        coalesce(t.gross_product_count >= t.minimum_products, false) as is_classed_gross,
        p.net_amount * t.factor >= t.amount_threshold as amount_is_high,
        cast(p.net_quantity as decimal(19, 0)) * t.factor >= t.quantity_threshold as quantity_is_high,
        p.paid_amount * t.gross_factor >= t.gross_amount_threshold as gross_amount_is_high,
        cast(p.paid_quantity as decimal(19, 0)) * t.gross_factor >= t.gross_quantity_threshold as gross_quantity_is_high
    from {{ ref('int_goods__product_day') }} as p
    left join {{ ref('int_goods__quadrant_threshold') }} as t
        on p.shop_id = t.shop_id and p.business_date = t.business_date and p.scope = t.scope
)

select
    c.shop_id,
    c.business_date,
    c.scope,
    c.product_id,
    c.net_amount,
    c.net_quantity,
    c.paid_amount,
    c.paid_quantity,
    c.product_count,
    case when c.is_selling then cast(c.net_amount as double) / cast(nullif(c.total_amount, 0) as double) end as amount_share,
    case
        when c.is_selling then cast(c.net_quantity as double) / cast(nullif(c.total_quantity, 0) as double)
    end as quantity_share,
    case when c.is_selling and c.is_classed then s.class_code end as class_code,
    case when not c.is_selling then 'no_sales' when c.is_classed then s.quadrant end as quadrant,
    case when c.paid_amount = 0 then 'no_sales' when c.is_classed_gross then g.quadrant end as quadrant_gross
from compared as c
left join {{ ref('quadrant_strategy') }} as s
    on c.amount_is_high = s.amount_is_high and c.quantity_is_high = s.quantity_is_high
left join {{ ref('quadrant_strategy') }} as g
    on c.gross_amount_is_high = g.amount_is_high and c.gross_quantity_is_high = g.quantity_is_high
