-- What was paid is what the lines say, refunds by pay date and by refund date are the refunds counted, buyers are new or returning.
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

-- The two sides differ by what has no day of its own: a refund dated before the payment, a line paid before the calendar.
refunds as (
    select
        r.shop_id,
        sum(case when p.business_date is not null then r.counted_amount else 0 end) as by_pay_date,
        sum(case when f.business_date is not null and r.paid_on <= r.refunded_on then r.counted_amount else 0 end)
            as by_refund_date
    from {{ ref('int_sales__refund') }} as r
    left join {{ ref('int_shop__calendar') }} as p
        on r.shop_id = p.shop_id and r.paid_on = p.business_date
    left join {{ ref('int_shop__calendar') }} as f
        on r.shop_id = f.shop_id and r.refunded_on = f.business_date
    group by r.shop_id
)

select d.shop_id
from days as d
left join lines as l
    on d.shop_id = l.shop_id
left join refunds as r
    on d.shop_id = r.shop_id
where
    d.paid_amount <> coalesce(l.paid_amount, 0)
    or d.refund_by_pay_date <> coalesce(r.by_pay_date, 0)
    or d.refund_by_refund_date <> coalesce(r.by_refund_date, 0)
    or d.has_bad_day = 1
