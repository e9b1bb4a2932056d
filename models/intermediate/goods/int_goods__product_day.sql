-- Grain: one product of a shop, scope and day (shop_id, business_date, scope, product_id), from its listing or first payment
-- on, sold or not (R44). Sums of the lines paid in W(30): gross, and net of their refunds dated on or before the day (R45).
-- Not additive over days: windows overlap.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_on': ['sales', 'refunds', 'products', 'calendar']}
) }}
{%- set first_day = rebuild_from() %}

with shops as (
    select shop_id, min(first_on) as first_on
    from {{ ref('int_shop__calendar') }}
    group by shop_id
),

-- A line is in the window from enters_on until the day before leaves_on, cut to the rule's period and to the days to compute.
stays as (
    select
        l.shop_id, l.order_line_id, l.product_id, l.quantity, l.paid_amount,
        coalesce(l.scene, '') = 'live' as is_live,
        greatest(l.paid_on, r.valid_from, c.first_on, {{ first_day }}) as enters_on,
        least(l.paid_on + r.window_days, coalesce(r.valid_to, {{ run_date() }} + 1)) as leaves_on
    from {{ ref('stg_orders') }} as l
    inner join shops as c
        on l.shop_id = c.shop_id
    cross join {{ ref('int_goods__rule') }} as r
    where
        l.is_paid_line and l.paid_on + r.window_days > {{ first_day }}
        and {{ paid_since("l", first_day ~ " - " ~ most_goods_days('window_days')) }}
),

refunds as (
    select
        s.shop_id, s.product_id, s.is_live, greatest(f.refunded_on, s.enters_on) as counts_on, s.leaves_on,
        f.counted_amount, f.counted_quantity
    from stays as s
    inner join {{ ref('int_sales__refund') }} as f
        on s.shop_id = f.shop_id and s.order_line_id = f.order_line_id and f.refunded_on < s.leaves_on
    where s.enters_on < s.leaves_on
),

-- What each fact adds to the running sums when it enters, and takes out again when its line leaves.
steps as (
    select
        shop_id, product_id, is_live, enters_on as business_date,
        paid_amount as net_amount, quantity as net_quantity, paid_amount, quantity as paid_quantity
    from stays
    where enters_on < leaves_on
    union all
    select
        shop_id, product_id, is_live, leaves_on as business_date,
        -paid_amount as net_amount, -quantity as net_quantity, -paid_amount as paid_amount, -quantity as paid_quantity
    from stays
    where enters_on < leaves_on
    union all
    select
        shop_id, product_id, is_live, counts_on as business_date,
        -counted_amount as net_amount, -counted_quantity as net_quantity, 0 as paid_amount, 0 as paid_quantity
    from refunds
    union all
    select
        shop_id, product_id, is_live, leaves_on as business_date,
        counted_amount as net_amount, counted_quantity as net_quantity, 0 as paid_amount, 0 as paid_quantity
    from refunds
),

scopes as (
    select 'all' as scope
    union all
    select 'live' as scope
),

changes as (
    select
        s.shop_id, p.scope, s.product_id, s.business_date, s.net_amount, s.net_quantity, s.paid_amount, s.paid_quantity
    from steps as s
    inner join scopes as p
        on p.scope = 'all' or s.is_live
    where s.business_date <= {{ run_date() }}
    union all
    select
        l.shop_id, p.scope, l.product_id, greatest(l.starts_on, c.first_on, {{ first_day }}) as business_date,
        0 as net_amount, 0 as net_quantity, 0 as paid_amount, 0 as paid_quantity
    from {{ ref('int_goods__product_life') }} as l
    inner join shops as c
        on l.shop_id = c.shop_id
    cross join scopes as p
    where l.starts_on <= {{ run_date() }}
),

day_changes as (
    select
        shop_id, scope, product_id, business_date,
        sum(net_amount) as net_amount, sum(net_quantity) as net_quantity,
        sum(paid_amount) as paid_amount, sum(paid_quantity) as paid_quantity
    from changes
    group by shop_id, scope, product_id, business_date
),

states as (
    select
        shop_id, scope, product_id, business_date as starts_on,
        coalesce(lead(business_date) over by_day - 1, {{ run_date() }}) as ends_on,
        sum(net_amount) over so_far as net_amount,
        sum(net_quantity) over so_far as net_quantity,
        sum(paid_amount) over so_far as paid_amount,
        sum(paid_quantity) over so_far as paid_quantity
    from day_changes
    window
        by_day as (partition by shop_id, scope, product_id order by business_date),
        so_far as (
            partition by shop_id, scope, product_id
            order by business_date
            rows between unbounded preceding and current row
        )
)

select
    s.shop_id,
    cast(d.business_date as date) as business_date,
    s.scope,
    s.product_id,
    cast(s.net_amount as decimal(18, 2)) as net_amount,
    cast(s.net_quantity as bigint) as net_quantity,
    cast(s.paid_amount as decimal(18, 2)) as paid_amount,
    cast(s.paid_quantity as bigint) as paid_quantity
from states as s,
    {{ days_between('s.starts_on', 's.ends_on') }} as d (business_date)
