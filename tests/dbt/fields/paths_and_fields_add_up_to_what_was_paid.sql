-- Path rows and field classes of a day each add up to the shop's paid amount, to the cent.
with paths as (
    select shop_id, business_date, sum(paid_amount) as paid_amount
    from {{ ref('purchase_path_daily') }}
    group by shop_id, business_date
),

classes as (
    select shop_id, business_date, sum(paid_amount) as paid_amount
    from {{ ref('field_matrix_daily') }}
    group by shop_id, business_date
)

select s.shop_id, s.business_date, s.paid_amount, p.paid_amount as paths_amount, c.paid_amount as classes_amount
from {{ ref('shop_daily') }} as s
left join paths as p
    on s.shop_id = p.shop_id and s.business_date = p.business_date
left join classes as c
    on s.shop_id = c.shop_id and s.business_date = c.business_date
where
    coalesce(s.paid_amount, 0) <> coalesce(p.paid_amount, 0)
    or coalesce(s.paid_amount, 0) <> coalesce(c.paid_amount, 0)
