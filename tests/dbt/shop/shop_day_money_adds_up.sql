-- What was paid is what the lines say, refunds by pay date and by refund date are the same yuan, and buyers are new or returning.
with days as (
    select
        shop_id, sum(paid_amount) as paid_amount, sum(refund_by_pay_date) as refund_by_pay_date,
        sum(refund_by_refund_date) as refund_by_refund_date,
        max(case when buyers <> new_buyers + returning_buyers or net_amount > paid_amount or net_amount < 0 then 1 else 0 end)
            as has_bad_day
    from {{ ref('shop_daily') }}
    group by shop_id
),

lines as (
    select l.shop_id, sum(l.paid_amount) as paid_amount
    from {{ ref('int_sales__line') }} as l
    inner join {{ ref('int_shop__calendar') }} as c
        on l.shop_id = c.shop_id and l.paid_on = c.business_date
    where l.is_paid_line
    group by l.shop_id
),

-- Dated before the payment a refund has a pay date and no refund date of its own.
early_refunds as (
    select shop_id, sum(counted_amount) as counted_amount
    from {{ ref('int_sales__refund') }}
    where refunded_on < paid_on
    group by shop_id
)

select d.shop_id
from days as d
left join lines as l
    on d.shop_id = l.shop_id
left join early_refunds as e
    on d.shop_id = e.shop_id
where
    d.paid_amount <> coalesce(l.paid_amount, 0)
    or d.refund_by_pay_date <> d.refund_by_refund_date + coalesce(e.counted_amount, 0)
    or d.has_bad_day = 1
