-- Grain: one day of a shop with a paid line (shop_id, business_date), by pay date, gross. Not additive over days: buyers and
-- orders (a split payment counts on each of its days).
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_on': ['sales']}
) }}
{%- set first_day = rebuild_from() %}

with rules as (
    select valid_from, lead(valid_from) over (order by valid_from) as valid_to, new_buyer_days
    from {{ ref('sales_buyers') }}
),

amounts as (
    select
        o.shop_id, o.paid_on as business_date,
        count(distinct o.order_id) as orders,
        sum(o.quantity) as units,
        sum(o.paid_amount) as paid_amount,
        coalesce(sum(o.paid_amount) filter (where o.user_key is not null), 0) as known_buyers_amount
    from {{ ref('stg_orders') }} as o
    where o.is_paid_line and {{ paid_since("o", first_day) }}
    group by o.shop_id, o.paid_on
),

day_buyers as (
    select o.shop_id, o.user_key, o.paid_on
    from {{ ref('stg_orders') }} as o
    where o.is_paid_line and o.user_key is not null and {{ paid_since("o", first_day) }}
    group by o.shop_id, o.user_key, o.paid_on
),

recent_buyers as (
    select shop_id, user_key
    from day_buyers
    group by shop_id, user_key
),

-- What those buyers bought in the days looked back, whether refunded or not (R86).
purchases as (
    select o.shop_id, o.user_key, o.paid_on
    from {{ ref('stg_orders') }} as o
    inner join recent_buyers as b
        on o.shop_id = b.shop_id and o.user_key = b.user_key
    where
        o.is_paid_line
        and o.paid_on >= {{ first_day }} - (select max(new_buyer_days) from rules)
    group by o.shop_id, o.user_key, o.paid_on
),

purchase_gaps as (
    select
        shop_id, user_key, paid_on,
        lag(paid_on) over (partition by shop_id, user_key order by paid_on) as previous_paid_on
    from purchases
),

buyers as (
    select
        g.shop_id, g.paid_on as business_date,
        count(*) as buyers,
        count(*) filter (where g.previous_paid_on >= g.paid_on - r.new_buyer_days) as returning_buyers
    from purchase_gaps as g
    inner join rules as r
        on g.paid_on >= r.valid_from and g.paid_on < coalesce(r.valid_to, {{ run_date() }} + 1)
    where g.paid_on >= {{ first_day }}
    group by g.shop_id, g.paid_on
)

select
    a.shop_id,
    a.business_date,
    cast(a.orders as bigint) as orders,
    cast(a.units as bigint) as units,
    cast(a.paid_amount as decimal(18, 2)) as paid_amount,
    cast(a.known_buyers_amount as decimal(18, 2)) as known_buyers_amount,
    cast(coalesce(b.buyers, 0) as bigint) as buyers,
    cast(coalesce(b.returning_buyers, 0) as bigint) as returning_buyers
from amounts as a
left join buyers as b
    on a.shop_id = b.shop_id and a.business_date = b.business_date
