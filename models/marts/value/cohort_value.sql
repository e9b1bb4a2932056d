-- Grain: one complete calendar month of one monthly cohort (shop_id, cohort_month, months_since_first), as known on the run's day
-- alone (R104). Not additive: users and clv12 repeat on every row of a cohort, cumulative_per_user is a running mean.
with rules as (
    select
        max_by(minimum_users, valid_from) as minimum_users,
        max_by(minimum_cohorts, valid_from) as minimum_cohorts
    from {{ ref('value_cohort_rules') }}
    where valid_from <= {{ run_date() }}
),

steps as (
    select
        shop_id, cohort_month, months_since_first, users, clv_basis, net_amount, cumulated_net_amount, cumulated_value,
        lead(cumulated_value) over by_month as next_value,
        max(months_since_first) over (partition by shop_id, cohort_month) as last_month
    from {{ ref('int_value__cohort_month') }}
    window by_month as (partition by shop_id, cohort_month order by months_since_first)
),

-- Chain ladder: how the value of the large cohorts grew from one month to the next, all of them together.
factors as (
    select
        s.shop_id, s.months_since_first,
        case
            when count(*) >= max(r.minimum_cohorts) and sum(s.cumulated_value) > 0
                then cast(sum(s.next_value) as double) / cast(sum(s.cumulated_value) as double)
        end as factor
    from steps as s
    cross join rules as r
    where s.users >= r.minimum_users and s.next_value is not null
    group by s.shop_id, s.months_since_first
),

by_shop as (
    select
        shop_id,
        max(case when months_since_first = 0 then factor end) as f0,
        max(case when months_since_first = 1 then factor end) as f1,
        max(case when months_since_first = 2 then factor end) as f2,
        max(case when months_since_first = 3 then factor end) as f3,
        max(case when months_since_first = 4 then factor end) as f4,
        max(case when months_since_first = 5 then factor end) as f5,
        max(case when months_since_first = 6 then factor end) as f6,
        max(case when months_since_first = 7 then factor end) as f7,
        max(case when months_since_first = 8 then factor end) as f8,
        max(case when months_since_first = 9 then factor end) as f9,
        max(case when months_since_first = 10 then factor end) as f10
    from factors
    group by shop_id
),

-- Growth still to come after the last month known; one missing factor and there is none.
growth as (
    select
        shop_id,
        f10 as after_10,
        f9 * f10 as after_9,
        f8 * f9 * f10 as after_8,
        f7 * f8 * f9 * f10 as after_7,
        f6 * f7 * f8 * f9 * f10 as after_6,
        f5 * f6 * f7 * f8 * f9 * f10 as after_5,
        f4 * f5 * f6 * f7 * f8 * f9 * f10 as after_4,
        f3 * f4 * f5 * f6 * f7 * f8 * f9 * f10 as after_3,
        f2 * f3 * f4 * f5 * f6 * f7 * f8 * f9 * f10 as after_2,
        f1 * f2 * f3 * f4 * f5 * f6 * f7 * f8 * f9 * f10 as after_1,
        f0 * f1 * f2 * f3 * f4 * f5 * f6 * f7 * f8 * f9 * f10 as after_0
    from by_shop
),

-- Months 0 to 11 are the first year.
values_so_far as (
    select shop_id, cohort_month, users, least(last_month, 11) as known_month, cumulated_value
    from steps
    where months_since_first = least(last_month, 11)
),

lifetime as (
    select
        v.shop_id, v.cohort_month,
        cast(v.cumulated_value as double) / nullif(v.users, 0)
        * case v.known_month
            when 11 then 1.0
            when 10 then g.after_10 when 9 then g.after_9 when 8 then g.after_8 when 7 then g.after_7
            when 6 then g.after_6 when 5 then g.after_5 when 4 then g.after_4 when 3 then g.after_3
            when 2 then g.after_2 when 1 then g.after_1 else g.after_0
        end as clv12
    from values_so_far as v
    left join growth as g
        on v.shop_id = g.shop_id
)

select
    s.shop_id,
    s.cohort_month,
    s.months_since_first,
    s.users,
    s.net_amount,
    cast(s.cumulated_net_amount as double) / nullif(s.users, 0) as cumulative_per_user,
    cast(l.clv12 as double) as clv12,
    s.clv_basis,
    {{ rule_version() }} as rule_version,
    cast('ok' as varchar) as data_status
from steps as s
inner join lifetime as l
    on s.shop_id = l.shop_id and s.cohort_month = l.cohort_month
