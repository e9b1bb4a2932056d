-- Grain: one known user's calendar month with a paid line (shop_id, user_key, paid_month), as known on the run's day: net of all
-- refunds so far, whenever they came. Additive over months: a pay date lies in one month. contribution is NULL where a line has
-- no margin: lines_without_margin says how many. A night computes the months whose lines, refunds or margins changed.
{{ config(
    materialized='incremental', incremental_strategy='replace_months',
    meta={'rebuild_days_of': ['sales', 'refunded_sales', 'valued_sales'], 'month': 'paid_month'}
) }}

with refunds as (
    select
        shop_id, order_line_id,
        sum(counted_amount) as refunded_amount,
        sum(counted_quantity) as returned_quantity
    from {{ ref('int_sales__refund') }}
    group by shop_id, order_line_id
),

lines as (
    select
        l.shop_id, l.user_key, l.paid_on, l.fully_refunded_on is null as is_effective,
        cast(l.paid_amount - coalesce(r.refunded_amount, 0) as decimal(18, 2)) as net_amount,
        l.quantity - coalesce(r.returned_quantity, 0) as net_quantity,
        p.margin_rate, p.unit_cost
    from {{ ref('int_sales__line') }} as l
    left join refunds as r
        on l.shop_id = r.shop_id and l.order_line_id = r.order_line_id
    left join {{ ref('stg_products') }} as p
        on l.shop_id = p.shop_id and l.product_id = p.product_id
    where l.is_paid_line and l.user_key is not null and {{ changed_months('l.paid_on') }}
),

-- A margin rate goes before a unit cost where a product has both (R104).
valued_lines as (
    select
        shop_id, user_key, paid_on, is_effective, net_amount,
        case
            when margin_rate is not null then cast(net_amount * try_cast(margin_rate as decimal(20, 12)) as decimal(38, 8))
            when unit_cost is not null then cast(net_amount - unit_cost * net_quantity as decimal(38, 8))
        end as contribution
    from lines
)

select
    shop_id,
    user_key,
    cast(date_trunc('month', paid_on) as date) as paid_month,
    min(paid_on) as first_paid_on,
    max(paid_on) as last_paid_on,
    min(case when is_effective then paid_on end) as first_effective_on,
    cast(count(distinct case when is_effective then paid_on end) as bigint) as occasions,
    cast(sum(net_amount) as decimal(18, 2)) as net_amount,
    cast(sum(contribution) as decimal(38, 8)) as contribution,
    cast(sum(case when contribution is null then 1 else 0 end) as bigint) as lines_without_margin
from valued_lines
group by shop_id, user_key, cast(date_trunc('month', paid_on) as date)
