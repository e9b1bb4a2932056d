{# Low amount with high quantity is below the mean price of what sells, high amount with low quantity above it: the threshold
   "mean" has this as a consequence. #}
with totals as (
    select
        shop_id, business_date, scope,
        sum(cast(net_amount as decimal(38, 2))) as net_amount, sum(cast(net_quantity as decimal(38, 0))) as net_quantity
    from {{ ref('product_quadrant') }}
    where amount_share is not null
    group by shop_id, business_date, scope
)

select q.shop_id, q.business_date, q.scope, q.product_id, q.quadrant
from {{ ref('product_quadrant') }} as q
inner join totals as t
    on q.shop_id = t.shop_id and q.business_date = t.business_date and q.scope = t.scope
inner join {{ ref('int_goods__rule_day') }} as r
    on q.business_date = r.business_date
where
    r.threshold_method = 'mean'
    and (
        (q.quadrant = 'traffic' and cast(q.net_amount as double) * cast(t.net_quantity as double)
            >= cast(q.net_quantity as double) * cast(t.net_amount as double))
        or (q.quadrant = 'profit' and cast(q.net_amount as double) * cast(t.net_quantity as double)
            <= cast(q.net_quantity as double) * cast(t.net_amount as double))
    )
