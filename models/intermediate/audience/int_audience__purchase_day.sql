-- Grain: what a known user's orders, reviews and shares of one day hold up (shop_id, user_key, business_date), and until when
-- (exclusive). a5_until holds only while A4 holds too. Facts that cannot reach a day of int_audience__scope are left
-- out, and users who are not due.
{{ config(materialized='view') }}

with occasions as (
    select o.shop_id, o.user_key, o.paid_on as business_date, o.effective_until
    from {{ ref('int_sales__occasion') }} as o
    inner join {{ ref('int_audience__due_users') }} as u
        on o.shop_id = u.shop_id and o.user_key = u.user_key
    where o.paid_on >= {{ audience_scope('purchases_from') }}
),

order_days as (
    select distinct shop_id, user_key, created_on as business_date
    from {{ ref('stg_orders') }}
    where
        user_key is not null and not is_gift
        and created_at >= {{ audience_scope('traffic_from') }} and created_on <= {{ run_date() }}
),

liked as (
    select v.shop_id, v.order_line_id, v.user_key, v.created_on as business_date
    from {{ ref('stg_reviews') }} as v
    cross join {{ ref('int_audience__rules') }} as r
    where v.rating >= r.liked_from_rating and v.created_on >= {{ audience_scope('purchases_from') }}
),

-- A review of any product of the shop; without a user of its own it speaks for the user of its line (R17).
liked_days as (
    select shop_id, user_key, business_date
    from liked
    where user_key is not null
    union
    select l.shop_id, o.user_key, l.business_date
    from liked as l
    inner join {{ ref('stg_orders') }} as o
        on l.shop_id = o.shop_id and l.order_line_id = o.order_line_id
    where l.user_key is null and o.user_key is not null
),

buyers as (
    select distinct shop_id, user_key
    from occasions
),

share_days as (
    select t.shop_id, t.user_key, t.business_date
    from {{ ref('int_traffic__user_day') }} as t
    inner join buyers as b
        on t.shop_id = b.shop_id and t.user_key = b.user_key
    where t.has_share and t.business_date >= {{ audience_scope('purchases_from') }}
),

facts as (
    select
        shop_id, user_key, business_date, effective_until,
        1 as is_occasion, 0 as is_order, 0 as is_liked, 0 as is_share
    from occasions
    union all
    select
        shop_id, user_key, business_date, cast(null as date) as effective_until,
        0 as is_occasion, 1 as is_order, 0 as is_liked, 0 as is_share
    from order_days
    union all
    select
        shop_id, user_key, business_date, cast(null as date) as effective_until,
        0 as is_occasion, 0 as is_order, 1 as is_liked, 0 as is_share
    from liked_days
    union all
    select
        shop_id, user_key, business_date, cast(null as date) as effective_until,
        0 as is_occasion, 0 as is_order, 0 as is_liked, 1 as is_share
    from share_days
),

days as (
    select
        f.shop_id, f.user_key, f.business_date,
        case when max(f.is_order) = 1 then f.business_date + max(r.a3_days) end as a3_until,
        case when max(f.is_occasion) = 1
            then least(f.business_date + max(r.a4_days), max(f.effective_until)) end as a4_until,
        case when max(f.is_occasion) = 1
            then least(f.business_date + max(r.a5_days), max(f.effective_until)) end as occasion_until,
        case when max(f.is_liked) = 1 then f.business_date + max(r.a5_days) end as liked_until,
        case when max(f.is_share) = 1 then f.business_date + max(r.a5_days) end as share_until
    from facts as f
    inner join {{ ref('int_audience__due_users') }} as u
        on f.shop_id = u.shop_id and f.user_key = u.user_key
    cross join {{ ref('int_audience__rules') }} as r
    group by f.shop_id, f.user_key, f.business_date
),

-- The longest any occasion before the day lasts.
remembered as (
    select
        shop_id, user_key, business_date, a3_until, a4_until, occasion_until, liked_until, share_until,
        max(occasion_until) over (
            partition by shop_id, user_key order by business_date
            rows between unbounded preceding and 1 preceding
        ) as earlier_until
    from days
)

-- A second occasion lasts as long as the shorter of the two; a share as long as a purchase made by then (R18).
select
    shop_id, user_key, business_date, a3_until, a4_until,
    greatest(
        liked_until,
        case when occasion_until is not null and earlier_until is not null then least(occasion_until, earlier_until) end,
        case
            when share_until is not null and coalesce(occasion_until, earlier_until) is not null
                then least(share_until, greatest(occasion_until, earlier_until))
        end
    ) as a5_until
from remembered
