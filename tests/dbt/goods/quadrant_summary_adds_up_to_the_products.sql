-- The four classes hold what the classed products hold, product by product and yuan by yuan.
with products as (
    select shop_id, business_date, scope, quadrant, count(*) as products, sum(net_amount) as net_amount
    from {{ ref('product_quadrant') }}
    where quadrant <> 'no_sales'
    group by shop_id, business_date, scope, quadrant
)

select s.shop_id, s.business_date, s.scope, s.quadrant
from {{ ref('quadrant_summary_daily') }} as s
left join products as p
    on s.shop_id = p.shop_id and s.business_date = p.business_date and s.scope = p.scope and s.quadrant = p.quadrant
where
    s.data_status = 'ok'
    and (s.products <> coalesce(p.products, 0) or s.net_amount <> coalesce(p.net_amount, 0))
