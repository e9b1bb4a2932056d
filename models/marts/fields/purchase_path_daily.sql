-- Grain: one path class and scene of a shop's pay date on which something was paid (shop_id, business_date, path_class, scene).
-- paid_amount and marketing_amount add up over rows and days; orders and buyers do not.
with cells as (
    select
        l.shop_id, l.business_date, l.path_class, l.scene, l.field,
        sum(l.paid_amount) as paid_amount,
        sum(case when l.is_marketing then l.paid_amount else 0 end) as marketing_amount,
        count(distinct l.order_id) as orders,
        count(distinct l.user_key) as buyers
    from {{ ref('int_fields__line_class') }} as l
    inner join {{ ref('int_shop__calendar') }} as c
        on l.shop_id = c.shop_id and l.business_date = c.business_date
    group by l.shop_id, l.business_date, l.path_class, l.scene, l.field
),

-- Days with a line whose scene the platform names only tomorrow.
pending as (
    select shop_id, paid_on as business_date
    from {{ ref('stg_orders') }}
    where is_paid_line and is_scene_pending
    group by shop_id, paid_on
),

totals as (
    select shop_id, business_date, sum(paid_amount) as day_amount
    from cells
    group by shop_id, business_date
)

select
    c.shop_id,
    c.business_date,
    c.path_class,
    c.scene,
    c.field,
    cast(c.paid_amount as decimal(18, 2)) as paid_amount,
    cast(c.marketing_amount as decimal(18, 2)) as marketing_amount,
    cast(c.orders as bigint) as orders,
    cast(case when f.names_users then c.buyers end as bigint) as buyers,
    cast(c.paid_amount as double) / cast(nullif(t.day_amount, 0) as double) as amount_share,
    p.path_class_zh,
    case when d.shop_id is null then 'ok' else 'immature' end as scene_status,
    {{ rule_version() }} as rule_version,
    'ok' as data_status
from cells as c
inner join totals as t
    on c.shop_id = t.shop_id and c.business_date = t.business_date
inner join {{ ref('paths_classes') }} as p
    on c.path_class = p.path_class
inner join {{ ref('int_shop__sources') }} as f
    on c.shop_id = f.shop_id
left join pending as d
    on c.shop_id = d.shop_id and c.business_date = d.business_date
