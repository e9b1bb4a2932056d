-- Every customer with an effective purchase is in one cohort, and the cohorts' months hold what customers are worth, to the cent;
-- what began or was paid in the month that still runs is in no row yet (R104).
with months as (
    select cast(date_trunc('month', {{ run_date() }} + 1) as date) as running_month
),

cohorts as (
    select
        shop_id, sum(case when months_since_first = 0 then users else 0 end) as users, sum(net_amount) as net_amount
    from {{ ref('cohort_value') }}
    group by shop_id
),

customers as (
    select shop_id, sum(case when occasions > 0 then 1 else 0 end) as users, sum(net_amount) as net_amount
    from {{ ref('customer_value') }}
    group by shop_id
),

newcomers as (
    select shop_id, user_key
    from {{ ref('int_sales__occasion') }}
    where effective_until is null
    group by shop_id, user_key
    having min(paid_on) >= (select running_month from months)
),

refunds as (
    select shop_id, order_line_id, sum(counted_amount) as counted_amount
    from {{ ref('int_sales__refund') }}
    group by shop_id, order_line_id
),

-- The lines of the running month.
unripe as (
    select l.shop_id, sum(l.paid_amount - coalesce(r.counted_amount, 0)) as net_amount
    from {{ ref('stg_orders') }} as l
    left join refunds as r
        on l.shop_id = r.shop_id and l.order_line_id = r.order_line_id
    where l.is_paid_line and l.user_key is not null and l.paid_on >= (select running_month from months)
    group by l.shop_id
),

absent as (
    select shop_id, count(*) as users
    from newcomers
    group by shop_id
)

select
    k.shop_id, k.users, k.net_amount, c.users as cohort_users, c.net_amount as cohort_amount, a.users as absent_users,
    u.net_amount as unripe_amount
from customers as k
left join cohorts as c
    on k.shop_id = c.shop_id
left join absent as a
    on k.shop_id = a.shop_id
left join unripe as u
    on k.shop_id = u.shop_id
where
    k.users <> coalesce(c.users, 0) + coalesce(a.users, 0)
    or k.net_amount <> coalesce(c.net_amount, 0) + coalesce(u.net_amount, 0)
