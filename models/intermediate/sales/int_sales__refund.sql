-- Grain: one succeeded refund of a paid line (shop_id, refund_id). Refunds of unpaid lines are ignored; orphans wait for
-- their line. Per line the money is capped at the payment in order of day, refund_id (R10), so that a later refund never
-- changes what an earlier day counted. counted_* add up; cumulated_amount does not.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_days_of': ['sales', 'refunded_sales'], 'day': 'paid_on'}
) }}

with refunds as (
    select
        r.shop_id, r.refund_id, r.order_line_id, r.kind, r.reason, r.succeeded_on as refunded_on,
        coalesce(r.refunded_at, r.reviewed_at, r.applied_at) as refunded_at, r.refund_amount,
        case when r.kind in ('refund_only', 'return_refund') then r.refund_quantity else 0 end as returned_quantity,
        o.product_id, o.paid_on, o.paid_at, o.paid_amount, o.quantity
    from {{ ref('stg_refunds') }} as r
    inner join {{ ref('stg_orders') }} as o
        on r.shop_id = o.shop_id and r.order_line_id = o.order_line_id
    where r.succeeded_on is not null and o.is_paid_line and {{ changed_days('o.paid_on') }}
),

cumulated as (
    select
        refunds.*,
        cast(sum(refund_amount) over so_far as decimal(38, 2)) as cumulated_amount,
        cast(sum(returned_quantity) over so_far as decimal(38, 0)) as cumulated_quantity
    from refunds
    window so_far as (
        partition by shop_id, order_line_id
        order by refunded_on, refund_id
        rows between unbounded preceding and current row
    )
),

-- What is left of the line's money and units before and after this refund; nothing is left once the money is back (R11, R12).
remainders as (
    select
        cumulated.*,
        greatest(paid_amount - (cumulated_amount - refund_amount), 0) as amount_before,
        greatest(paid_amount - cumulated_amount, 0) as amount_after,
        case
            when cumulated_amount - refund_amount >= paid_amount then 0
            else greatest(quantity - (cumulated_quantity - returned_quantity), 0)
        end as quantity_before,
        case when cumulated_amount >= paid_amount then 0 else greatest(quantity - cumulated_quantity, 0) end as quantity_after
    from cumulated
)

select
    shop_id, refund_id, order_line_id, product_id, kind, reason, refunded_on, refunded_at, paid_on, paid_at,
    refund_amount,
    cast(amount_before - amount_after as decimal(18, 2)) as counted_amount,
    cast(refund_amount - (amount_before - amount_after) as decimal(18, 2)) as excess_amount,
    cumulated_amount,
    cast(quantity_before - quantity_after as bigint) as counted_quantity,
    (cumulated_amount >= paid_amount) as is_fully_refunded
from remainders
