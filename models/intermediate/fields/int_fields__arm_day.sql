-- Grain: one calendar day of a shop (shop_id, business_date): the four arms of the synergy window and their buyers, among the
-- users known on the day (R75). Stocks: not additive over days; the four arms add up to the known users.
with changes as (
    select
        shop_id, business_date,
        sum(case when has_own_touch and not has_marketing_touch then users_change else 0 end) as own_users,
        sum(case when has_own_touch and not has_marketing_touch and has_bought then users_change else 0 end) as own_buyers,
        sum(case when has_marketing_touch and not has_own_touch then users_change else 0 end) as marketing_users,
        sum(case when has_marketing_touch and not has_own_touch and has_bought then users_change else 0 end)
            as marketing_buyers,
        sum(case when has_own_touch and has_marketing_touch then users_change else 0 end) as both_users,
        sum(case when has_own_touch and has_marketing_touch and has_bought then users_change else 0 end) as both_buyers,
        sum(case when not has_own_touch and not has_marketing_touch then users_change else 0 end) as neither_buyers
    from {{ ref('int_fields__arm_change') }}
    group by shop_id, business_date
),

known as (
    select shop_id, business_date, sum(users) as known_users
    from {{ ref('int_audience__stock') }}
    group by shop_id, business_date
),

days as (
    select
        c.shop_id, c.business_date, coalesce(k.known_users, 0) as known_users,
        sum(coalesce(m.own_users, 0)) over so_far as own_users,
        sum(coalesce(m.own_buyers, 0)) over so_far as own_buyers,
        sum(coalesce(m.marketing_users, 0)) over so_far as marketing_users,
        sum(coalesce(m.marketing_buyers, 0)) over so_far as marketing_buyers,
        sum(coalesce(m.both_users, 0)) over so_far as both_users,
        sum(coalesce(m.both_buyers, 0)) over so_far as both_buyers,
        sum(coalesce(m.neither_buyers, 0)) over so_far as neither_buyers
    from {{ ref('int_shop__calendar') }} as c
    left join known as k
        on c.shop_id = k.shop_id and c.business_date = k.business_date
    left join changes as m
        on c.shop_id = m.shop_id and c.business_date = m.business_date
    window so_far as (
        partition by c.shop_id order by c.business_date
        rows between unbounded preceding and current row
    )
)

select
    shop_id,
    business_date,
    cast(known_users - own_users - marketing_users - both_users as bigint) as neither_users,
    cast(neither_buyers as bigint) as neither_buyers,
    cast(own_users as bigint) as own_users,
    cast(own_buyers as bigint) as own_buyers,
    cast(marketing_users as bigint) as marketing_users,
    cast(marketing_buyers as bigint) as marketing_buyers,
    cast(both_users as bigint) as both_users,
    cast(both_buyers as bigint) as both_buyers
from days
