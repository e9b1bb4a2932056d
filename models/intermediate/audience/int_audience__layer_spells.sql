-- Grain: one known user's day with a fact (shop_id, user_key, business_date): the layers the user holds from that day on, as
-- the day each is lost for good unless a later fact comes (left_5 <= left_4 … <= left_1), and the same before the day
-- (was_left_…). NULL = never held. next_on is the user's next such day.
{{ config(materialized='view') }}

with remembered as (
    select
        shop_id, user_key, business_date, base_on, a1_until, a2_until, a3_until, a4_until, a5_until,
        lead(business_date) over earlier as next_on,
        max(a1_until) over earlier as was_a1_until,
        max(a2_until) over earlier as was_a2_until,
        max(a3_until) over earlier as was_a3_until,
        max(a4_until) over earlier as was_a4_until,
        max(a5_until) over earlier as was_a5_until
    from {{ ref('int_audience__user_day') }}
    window earlier as (
        partition by shop_id, user_key order by business_date
        rows between unbounded preceding and 1 preceding
    )
),

known as (
    select
        shop_id, user_key, business_date, base_on, next_on,
        was_a1_until, was_a2_until, was_a3_until, was_a4_until, was_a5_until,
        greatest(was_a1_until, a1_until) as a1_until,
        greatest(was_a2_until, a2_until) as a2_until,
        greatest(was_a3_until, a3_until) as a3_until,
        greatest(was_a4_until, a4_until) as a4_until,
        greatest(was_a5_until, a5_until) as a5_until
    from remembered
)

-- A5 needs A4 as well; each lower layer is covered by the higher ones.
select
    shop_id, user_key, business_date, base_on, next_on,
    case when was_a4_until is not null and was_a5_until is not null then least(was_a4_until, was_a5_until) end as was_left_5,
    was_a4_until as was_left_4,
    greatest(was_a4_until, was_a3_until) as was_left_3,
    greatest(was_a4_until, was_a3_until, was_a2_until) as was_left_2,
    greatest(was_a4_until, was_a3_until, was_a2_until, was_a1_until) as was_left_1,
    case when a4_until is not null and a5_until is not null then least(a4_until, a5_until) end as left_5,
    a4_until as left_4,
    greatest(a4_until, a3_until) as left_3,
    greatest(a4_until, a3_until, a2_until) as left_2,
    greatest(a4_until, a3_until, a2_until, a1_until) as left_1
from known
