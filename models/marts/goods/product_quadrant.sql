-- Grain: one product of a shop, scope and day (shop_id, business_date, scope, product_id), from its listing or first payment
-- on. Not additive over days (windows overlap) nor over scopes (live is part of all).
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_on': ['sales', 'refunds', 'products', 'calendar']}
) }}
{%- set first_day = rebuild_from() %}

with product_days as (
    select
        q.shop_id, q.business_date, q.scope, q.product_id, q.net_amount, q.net_quantity, q.paid_amount, q.paid_quantity,
        q.product_count, q.amount_share, q.quantity_share, q.quadrant, q.quadrant_gross,
        coalesce(f.has_orders, false) as has_orders, r.provisional_days, r.tail_risk_days, r.tail_growth_days,
        case when q.business_date >= p.age_from then {{ day_diff('q.business_date', 'p.age_from') }} end as age_days
    from {{ ref('int_goods__quadrant_day') }} as q
    inner join {{ ref('int_goods__product_life') }} as p
        on q.shop_id = p.shop_id and q.product_id = p.product_id
    inner join {{ ref('int_goods__rule_day') }} as r
        on q.business_date = r.business_date
    left join {{ ref('int_shop__sources') }} as f
        on q.shop_id = f.shop_id
    where q.business_date >= {{ first_day }}
),

-- Confirmed in another class than the time before (R49).
confirmations as (
    select
        shop_id, business_date, scope, product_id, class_code,
        lag(class_code) over (partition by shop_id, scope, product_id order by business_date) as previous_code
    from {{ ref('int_goods__class_confirmed') }}
),

moves as (
    select
        c.shop_id, c.business_date, c.scope, c.product_id, s.quadrant as moved_from,
        case
            when n.amount_is_high = s.amount_is_high and n.quantity_is_high then 'quantity_rose'
            when n.amount_is_high = s.amount_is_high then 'quantity_fell'
            when n.quantity_is_high = s.quantity_is_high and n.amount_is_high then 'amount_rose'
            when n.quantity_is_high = s.quantity_is_high then 'amount_fell'
            when n.amount_is_high and n.quantity_is_high then 'both_rose'
            when not n.amount_is_high and not n.quantity_is_high then 'both_fell'
            when n.amount_is_high then 'amount_rose_quantity_fell'
            else 'amount_fell_quantity_rose'
        end as moved_because
    from confirmations as c
    inner join {{ ref('quadrant_strategy') }} as s
        on c.previous_code = s.class_code
    inner join {{ ref('quadrant_strategy') }} as n
        on c.class_code = n.class_code
    where c.class_code <> c.previous_code and c.business_date >= {{ first_day }}
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
    case when not d.has_orders then null when d.quadrant = 'no_sales' then '无动销' else z.quadrant_zh end as quadrant_zh,
    case when d.has_orders then d.quadrant_gross end as quadrant_gross,
    d.age_days < d.provisional_days as is_provisional,
    -- An old potential product that sells no more than it did; nothing then is 0 (R48).
    case
        when d.has_orders and d.quadrant is not null
            then d.quadrant = 'potential' and coalesce(d.age_days > d.tail_risk_days, false)
                and d.net_amount <= coalesce(b.net_amount, 0)
    end as is_tail_risk,
    m.moved_from,
    m.moved_because,
    cast(case when d.has_orders then d.paid_amount end as decimal(18, 2)) as paid_amount,
    cast(case when d.has_orders then d.paid_quantity end as bigint) as paid_quantity,
    case when d.has_orders then (d.quadrant is distinct from d.quadrant_gross) end as is_changed_by_refunds,
    {{ rule_version() }} as rule_version,
    case when not d.has_orders then 'missing_source' when d.quadrant is null then 'insufficient' else 'ok' end as data_status
from product_days as d
left join {{ ref('int_goods__product_day') }} as b
    on
        d.shop_id = b.shop_id and d.business_date - d.tail_growth_days = b.business_date and d.scope = b.scope
        and d.product_id = b.product_id
left join moves as m
    on
        d.shop_id = m.shop_id and d.business_date = m.business_date and d.scope = m.scope and d.product_id = m.product_id
left join {{ ref('quadrant_strategy') }} as z
    on d.quadrant = z.quadrant
