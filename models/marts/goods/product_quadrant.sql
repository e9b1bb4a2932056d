-- Grain: one product of a shop, scope and day (shop_id, business_date, scope, product_id), from its listing or first payment
-- on. Not additive over days (windows overlap) nor over scopes (live is part of all).
{{ config(
    materialized='incremental', incremental_strategy='replace_days', on_schema_change='fail',
    meta={'rebuild_on': ['sales', 'refunds', 'products', 'calendar', 'orders_presence']}
) }}

with classified as (
    select
        shop_id, business_date, scope, product_id, net_amount, net_quantity, paid_amount, paid_quantity,
        amount_share, quantity_share, quadrant, quadrant_gross
    from {{ ref('int_goods__quadrant_day') }}
    where business_date >= {{ rebuild_from() }}
),

product_counts as (
    select shop_id, business_date, scope, product_count
    from {{ ref('int_goods__quadrant_threshold') }}
    where basis = 'net' and business_date >= {{ rebuild_from() }}
),

-- Confirmed in another class than the time before (R49).
confirmations as (
    select
        shop_id, business_date, scope, product_id, class_code,
        lag(class_code) over (partition by shop_id, scope, product_id order by business_date) as previous_code
    from {{ ref('int_goods__class_confirmed') }}
),

moves as (
    select c.shop_id, c.business_date, c.scope, c.product_id, s.quadrant as moved_from
    from confirmations as c
    inner join {{ ref('quadrant_strategy') }} as s
        on c.previous_code = s.class_code
    where c.class_code <> c.previous_code and c.business_date >= {{ rebuild_from() }}
),

-- One row a product and day, sold or not.
product_days as (
    select
        c.shop_id, c.business_date, s.scope, p.product_id, coalesce(f.has_orders, false) as has_orders,
        r.provisional_days, r.tail_risk_days, r.tail_growth_days,
        case when c.business_date >= p.age_from then {{ day_diff('c.business_date', 'p.age_from') }} end as age_days
    from {{ ref('int_shop__calendar') }} as c
    inner join {{ ref('int_goods__product_life') }} as p
        on c.shop_id = p.shop_id and c.business_date >= p.starts_on
    inner join {{ ref('int_goods__rule') }} as r
        on c.business_date >= r.valid_from and c.business_date < coalesce(r.valid_to, {{ run_date() }} + 1)
    left join {{ ref('int_shop__sources') }} as f
        on c.shop_id = f.shop_id
    cross join (select 'all' as scope union all select 'live' as scope) as s
    where c.business_date >= {{ rebuild_from() }}
),

described as (
    select
        d.shop_id, d.business_date, d.scope, d.product_id, d.has_orders, d.age_days, d.provisional_days, d.tail_risk_days,
        d.business_date - d.tail_growth_days as compared_on,
        coalesce(k.net_amount, 0) as net_amount, coalesce(k.net_quantity, 0) as net_quantity,
        coalesce(k.paid_amount, 0) as paid_amount, coalesce(k.paid_quantity, 0) as paid_quantity,
        k.amount_share, k.quantity_share, coalesce(n.product_count, 0) as product_count,
        case when k.product_id is null then 'no_sales' else k.quadrant end as quadrant,
        case when k.product_id is null then 'no_sales' else k.quadrant_gross end as quadrant_gross
    from product_days as d
    left join classified as k
        on
            d.shop_id = k.shop_id and d.business_date = k.business_date and d.scope = k.scope
            and d.product_id = k.product_id
    left join product_counts as n
        on d.shop_id = n.shop_id and d.business_date = n.business_date and d.scope = n.scope
)

select
    d.shop_id,
    d.business_date,
    d.scope,
    d.product_id,
    cast(case when d.has_orders then d.net_amount end as decimal(18, 2)) as net_amount,
    cast(case when d.has_orders then d.net_quantity end as bigint) as net_quantity,
    d.amount_share,
    d.quantity_share,
    cast(case when d.has_orders then d.product_count end as bigint) as product_count,
    case when d.has_orders then d.quadrant end as quadrant,
    case
        when not d.has_orders then null
        when d.quadrant = 'no_sales' then '无动销'
        else z.quadrant_zh
    end as quadrant_zh,
    case when d.has_orders then d.quadrant_gross end as quadrant_gross,
    d.age_days < d.provisional_days as is_provisional,
    case
        when d.has_orders and d.quadrant is not null
            then d.quadrant = 'potential' and coalesce(d.age_days > d.tail_risk_days, false)
                and d.net_amount <= coalesce(b.net_amount, 0)
    end as is_tail_risk,
    m.moved_from,
    cast(case when d.has_orders then d.paid_amount end as decimal(18, 2)) as paid_amount,
    cast(case when d.has_orders then d.paid_quantity end as bigint) as paid_quantity,
    case when d.has_orders then d.quadrant is distinct from d.quadrant_gross end as is_changed_by_refunds,
    {{ rule_version() }} as rule_version,
    case
        when not d.has_orders then 'missing_source'
        when d.quadrant is null then 'insufficient'
        else 'ok'
    end as data_status
from described as d
left join {{ ref('int_goods__product_day') }} as b
    on
        d.quadrant = 'potential'
        and d.shop_id = b.shop_id and d.compared_on = b.business_date and d.scope = b.scope and d.product_id = b.product_id
left join moves as m
    on
        d.shop_id = m.shop_id and d.business_date = m.business_date and d.scope = m.scope and d.product_id = m.product_id
left join {{ ref('quadrant_strategy') }} as z
    on d.quadrant = z.quadrant
