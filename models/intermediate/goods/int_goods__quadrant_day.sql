-- Grain: one product with a line in the window of a day (shop_id, business_date, scope, product_id): its class net of refunds
-- and gross (R44, R46, R47). class_code is NULL outside the four classes. Not additive over days.
{{ config(materialized='view') }}

with compared as (
    select
        p.shop_id, p.business_date, p.scope, p.product_id, p.net_amount, p.net_quantity, p.paid_amount, p.paid_quantity,
        p.net_amount > 0 and p.net_quantity > 0 as is_selling,
        r.minimum_products, n.product_count, n.total_amount, n.total_quantity, g.product_count as gross_product_count,
        p.net_amount * n.amount_factor >= n.amount_threshold as amount_is_high,
        cast(p.net_quantity as decimal(19, 0)) * n.quantity_factor >= n.quantity_threshold as quantity_is_high,
        p.paid_amount * g.amount_factor >= g.amount_threshold as gross_amount_is_high,
        cast(p.paid_quantity as decimal(19, 0)) * g.quantity_factor >= g.quantity_threshold as gross_quantity_is_high
    from {{ ref('int_goods__product_day') }} as p
    inner join {{ ref('int_goods__rule') }} as r
        on p.business_date >= r.valid_from and p.business_date < coalesce(r.valid_to, {{ run_date() }} + 1)
    left join {{ ref('int_goods__quadrant_threshold') }} as n
        on
            p.shop_id = n.shop_id and p.business_date = n.business_date and p.scope = n.scope and n.basis = 'net'
    left join {{ ref('int_goods__quadrant_threshold') }} as g
        on
            p.shop_id = g.shop_id and p.business_date = g.business_date and p.scope = g.scope and g.basis = 'gross'
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
    case when c.is_selling then cast(c.net_amount as double) / cast(nullif(c.total_amount, 0) as double) end as amount_share,
    case
        when c.is_selling then cast(c.net_quantity as double) / cast(nullif(c.total_quantity, 0) as double)
    end as quantity_share,
    case when c.is_selling and c.product_count >= c.minimum_products then s.class_code end as class_code,
    case
        when not c.is_selling then 'no_sales'
        when c.product_count >= c.minimum_products then s.quadrant
    end as quadrant,
    case when c.gross_product_count >= c.minimum_products then x.quadrant end as quadrant_gross
from compared as c
left join {{ ref('quadrant_strategy') }} as s
    on c.amount_is_high = s.amount_is_high and c.quantity_is_high = s.quantity_is_high
left join {{ ref('quadrant_strategy') }} as x
    on c.gross_amount_is_high = x.amount_is_high and c.gross_quantity_is_high = x.quantity_is_high
