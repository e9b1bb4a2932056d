-- Grain: one user whose layer may change in this build (shop_id, user_key), and from which day on (start_on). A layer moves on a
-- day with a fact or on the day that what a fact held up runs out, so nobody else has to be looked at. Everybody with a fact on
-- a full refresh.
with spans as (
    select s.night_on, {{ run_date() }} as last_on, r.a1_days, r.a2_days, r.a3_days, r.a4_days, r.a5_days
    from {{ ref('int_audience__scope') }} as s
    cross join {{ ref('int_audience__rules') }} as r
),

shops as (
    select distinct shop_id, first_on
    from {{ ref('int_shop__calendar') }}
),

facts as (
    select t.shop_id, t.user_key
    from {{ ref('int_traffic__user_day') }} as t
    cross join spans as s
    where
        t.business_date >= {{ audience_scope('traffic_from') }}
        and (
            t.business_date between s.night_on and s.last_on
            or t.business_date + s.a1_days between s.night_on and s.last_on
            or t.business_date + s.a2_days between s.night_on and s.last_on
            or t.business_date + s.a3_days between s.night_on and s.last_on
        )
    union
    select t.shop_id, t.user_key
    from {{ ref('int_traffic__user_day') }} as t
    cross join spans as s
    where
        t.has_share and t.business_date >= {{ audience_scope('purchases_from') }}
        and t.business_date + s.a5_days between s.night_on and s.last_on
    union
    select o.shop_id, o.user_key
    from {{ ref('stg_orders') }} as o
    cross join spans as s
    where
        o.created_at >= {{ audience_scope('traffic_from') }}
        and (
            o.created_on between s.night_on and s.last_on
            or o.created_on + s.a3_days between s.night_on and s.last_on
        )
    union
    -- What was paid before the shop's calendar counts from its first day on.
    select o.shop_id, o.user_key
    from {{ ref('int_sales__occasion') }} as o
    inner join shops as c
        on o.shop_id = c.shop_id
    cross join spans as s
    where
        o.paid_on >= {{ audience_scope('purchases_from') }}
        and (
            greatest(o.paid_on, c.first_on) between s.night_on and s.last_on
            or o.paid_on + s.a4_days between s.night_on and s.last_on
            or o.paid_on + s.a5_days between s.night_on and s.last_on
            or o.effective_until between s.night_on and s.last_on
        )
    union
    select v.shop_id, coalesce(v.user_key, o.user_key) as user_key
    from {{ ref('stg_reviews') }} as v
    cross join spans as s
    left join {{ ref('stg_orders') }} as o
        on v.shop_id = o.shop_id and v.order_line_id = o.order_line_id
    where
        v.created_on >= {{ audience_scope('purchases_from') }}
        and (
            v.created_on between s.night_on and s.last_on
            or v.created_on + s.a5_days between s.night_on and s.last_on
        )
    union
    select shop_id, user_key
    from {{ ref('int_audience__late_users') }}
)

select f.shop_id, f.user_key, coalesce(l.start_on, s.night_on) as start_on
from facts as f
cross join spans as s
left join {{ ref('int_audience__late_users') }} as l
    on f.shop_id = l.shop_id and f.user_key = l.user_key
where f.user_key is not null
