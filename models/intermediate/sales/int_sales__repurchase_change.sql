-- Grain: one day of a shop and window on which somebody began or ceased to be a buyer or a repeat buyer of the window
-- (shop_id, business_date, window_days): an append-only log of net changes. Its running sum is int_sales__repurchase_day.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_on': ['sales', 'refunds']}
) }}
{%- set first_day = rebuild_from() %}

-- Somebody of whom no occasion begins, is refunded or leaves the window in the days to compute changes nothing.
with leaving_days as (
    select cast(d.business_date as date) - w.window_days as paid_on, w.window_days
    from {{ ref('repurchase_windows') }} as w,
        {{ days_between(first_day, run_date()) }} as d (business_date)
),

moved_users as (
    select o.shop_id, o.user_key, d.window_days
    from {{ ref('int_sales__occasion') }} as o
    inner join leaving_days as d
        on o.paid_on = d.paid_on
    union
    select o.shop_id, o.user_key, w.window_days
    from {{ ref('int_sales__occasion') }} as o
    cross join {{ ref('repurchase_windows') }} as w
    where o.paid_on >= {{ first_day }} or (o.effective_until >= {{ first_day }} and o.effective_until <= {{ run_date() }})
),

-- An occasion lies in the window of every day from paid_on until the day before covers_until.
covers as (
    select
        o.shop_id, o.user_key, m.window_days, o.paid_on,
        least(o.paid_on + m.window_days, coalesce(o.effective_until, o.paid_on + m.window_days)) as covers_until
    from {{ ref('int_sales__occasion') }} as o
    inner join moved_users as m
        on o.shop_id = m.shop_id and o.user_key = m.user_key
),

first_cover as (
    select
        shop_id, user_key, window_days, paid_on, covers_until,
        max(covers_until) over (
            partition by shop_id, user_key, window_days
            order by paid_on
            rows between unbounded preceding and 1 preceding
        ) as covered_until
    from covers
    where covers_until >= {{ first_day }}
),

-- Two occasions cover the days from paid_on on that an earlier one covers too.
second_cover as (
    select
        shop_id, user_key, window_days, paid_on, covers_until, covered_until,
        case when covered_until > paid_on then least(covers_until, covered_until) end as twice_until,
        max(case when covered_until > paid_on then least(covers_until, covered_until) end) over (
            partition by shop_id, user_key, window_days
            order by paid_on
            rows between unbounded preceding and 1 preceding
        ) as covered_twice_until
    from first_cover
),

-- What each occasion adds to the days already covered once, and twice.
pieces as (
    select
        shop_id, window_days, 1 as is_buyer, 0 as is_repeat_buyer,
        greatest(paid_on, coalesce(covered_until, paid_on)) as begins_on, covers_until as ends_on
    from second_cover
    union all
    select
        shop_id, window_days, 0 as is_buyer, 1 as is_repeat_buyer,
        greatest(paid_on, coalesce(covered_twice_until, paid_on)) as begins_on, twice_until as ends_on
    from second_cover
    where twice_until is not null
),

changes as (
    select shop_id, window_days, begins_on as business_date, is_buyer, is_repeat_buyer
    from pieces
    where begins_on < ends_on
    union all
    select shop_id, window_days, ends_on as business_date, -is_buyer as is_buyer, -is_repeat_buyer as is_repeat_buyer
    from pieces
    where begins_on < ends_on
)

select
    shop_id,
    business_date,
    window_days,
    cast(sum(is_buyer) as bigint) as buyers_change,
    cast(sum(is_repeat_buyer) as bigint) as repeat_buyers_change
from changes
where business_date >= {{ first_day }} and business_date <= {{ run_date() }}
group by shop_id, business_date, window_days
having sum(is_buyer) <> 0 or sum(is_repeat_buyer) <> 0
