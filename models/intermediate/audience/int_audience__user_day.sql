-- Grain: one known user's day with a fact that speaks for a layer (shop_id, user_key, business_date), and until when
-- (exclusive) that day alone holds each layer up. What lies before the first day to compute (base_on + 1) is folded into
-- one row dated base_on: of the past only what still holds matters.
{{ config(materialized='view') }}

with shops as (
    select distinct shop_id, first_on
    from {{ ref('int_shop__calendar') }}
),

-- History starts with the shop's calendar (R22): an order paid before the first day counts from that day on, if it still holds.
purchases as (
    select
        p.shop_id, p.user_key, p.a3_until,
        greatest(p.business_date, s.first_on) as business_date,
        case when p.a4_until > s.first_on then p.a4_until end as a4_until,
        case when p.a5_until > s.first_on then p.a5_until end as a5_until
    from {{ ref('int_audience__purchase_day') }} as p
    inner join shops as s
        on p.shop_id = s.shop_id
),

facts as (
    select
        shop_id, user_key, business_date, a1_until, a2_until, a3_until,
        cast(null as date) as a4_until, cast(null as date) as a5_until
    from {{ ref('int_audience__traffic_day') }}
    union all
    select
        shop_id, user_key, business_date, cast(null as date) as a1_until, cast(null as date) as a2_until, a3_until,
        a4_until, a5_until
    from purchases
),

placed as (
    select
        f.shop_id, f.user_key,
        u.start_on - 1 as base_on, greatest(f.business_date, u.start_on - 1) as business_date,
        f.a1_until, f.a2_until, f.a3_until, f.a4_until, f.a5_until
    from facts as f
    inner join {{ ref('int_audience__due_users') }} as u
        on f.shop_id = u.shop_id and f.user_key = u.user_key
)

select
    shop_id, user_key, business_date, max(base_on) as base_on,
    max(a1_until) as a1_until, max(a2_until) as a2_until, max(a3_until) as a3_until,
    max(a4_until) as a4_until, max(a5_until) as a5_until
from placed
group by shop_id, user_key, business_date
