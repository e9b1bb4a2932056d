-- Grain: one calendar month, complete on the run's day, of one cohort (shop_id, cohort_month, months_since_first), as known
-- on the run's day (R104). users is the cohort's size on every row: never add it; net_amount adds up, cumulated_* do not.
with cohorts as (
    select shop_id, user_key, cast(date_trunc('month', min(first_effective_on)) as date) as cohort_month
    from {{ ref('int_value__customer_month') }}
    where first_effective_on is not null
    group by shop_id, user_key
),

sizes as (
    select shop_id, cohort_month, count(*) as users
    from cohorts
    group by shop_id, cohort_month
),

sales as (
    select
        c.shop_id, c.cohort_month, m.paid_month,
        sum(m.net_amount) as net_amount, sum(m.contribution) as contribution,
        sum(m.lines_without_margin) as lines_without_margin
    from cohorts as c
    inner join {{ ref('int_value__customer_month') }} as m
        on c.shop_id = m.shop_id and c.user_key = m.user_key
    group by c.shop_id, c.cohort_month, m.paid_month
),

-- One line without a margin, in whatever month, and the whole shop is valued by revenue.
bases as (
    select shop_id, case when sum(lines_without_margin) = 0 then 'contribution' else 'revenue' end as clv_basis
    from sales
    group by shop_id
),

shops as (
    select shop_id, min(cohort_month) as first_month
    from sizes
    group by shop_id
),

-- A month is complete on its last day.
months as (
    select s.shop_id, cast(date_trunc('month', cast(d.business_date as date)) as date) as sales_month
    from shops as s,
        {{ days_between('s.first_month', run_date()) }} as d (business_date)
    where day(cast(d.business_date as date) + 1) = 1
),

cells as (
    select
        z.shop_id, z.cohort_month, z.users, b.clv_basis,
        (year(m.sales_month) - year(z.cohort_month)) * 12 + month(m.sales_month) - month(z.cohort_month)
            as months_since_first,
        coalesce(s.net_amount, 0) as net_amount,
        -- One scale in both branches: the common type of two wide decimals would round the contribution to cents.
        coalesce(
            case when b.clv_basis = 'contribution' then s.contribution else cast(s.net_amount as decimal(38, 8)) end, 0
        ) as value_amount
    from sizes as z
    inner join months as m
        on z.shop_id = m.shop_id and z.cohort_month <= m.sales_month
    inner join bases as b
        on z.shop_id = b.shop_id
    left join sales as s
        on z.shop_id = s.shop_id and z.cohort_month = s.cohort_month and m.sales_month = s.paid_month
)

select
    shop_id,
    cohort_month,
    cast(months_since_first as bigint) as months_since_first,
    cast(users as bigint) as users,
    clv_basis,
    cast(net_amount as decimal(18, 2)) as net_amount,
    cast(sum(net_amount) over so_far as decimal(18, 2)) as cumulated_net_amount,
    cast(sum(value_amount) over so_far as decimal(38, 8)) as cumulated_value
from cells
window so_far as (
    partition by shop_id, cohort_month
    order by months_since_first
    rows between unbounded preceding and current row
)
