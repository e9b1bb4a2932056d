-- Grain: one day of a shop on which lines signed or due enter or leave the window of a rate, or change sides in it
-- (shop_id, business_date, measure): a log of net changes. Its running sum is int_experience__measure_day.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_on': ['sales', 'refunds', 'reviews', 'fulfilment', 'after_sales']}
) }}

-- A line counts from the day its payment and its delivery are both known (R52).
with signed as (
    select
        shop_id, bad_review_on, case when first_reason = 'quality' then first_applied_on end as quality_return_on,
        greatest(delivered_on, paid_on, rule_from) as starts_on, least(delivered_on + window_days, rule_until) as ends_on
    from {{ ref('int_experience__line') }}
    where delivered_on >= {{ rebuild_from() }} - {{ experience_window() }}
),

-- One whose money was back by the due day and that never came is left out, and comes back with its parcel (R57).
due as (
    select
        shop_id, case when delivered_at <= due_delivery_at then 1 else 0 end as is_punctual,
        greatest(due_on, paid_on, rule_from, case when fully_refunded_on <= due_on then delivered_on end) as starts_on,
        least(due_on + window_days, rule_until) as ends_on
    from {{ ref('int_experience__line') }}
    where
        due_on >= {{ rebuild_from() }} - {{ experience_window() }}
        and (fully_refunded_on is null or fully_refunded_on > due_on or delivered_on is not null)
),

spans as (
    select shop_id, 'bad_review_rate' as measure, 0 as numerator, 1 as denominator, starts_on, ends_on
    from signed
    union all
    select
        shop_id, 'bad_review_rate' as measure, 1 as numerator, 0 as denominator,
        greatest(starts_on, bad_review_on) as starts_on, ends_on
    from signed
    where bad_review_on is not null
    union all
    select shop_id, 'quality_return_rate' as measure, 0 as numerator, 1 as denominator, starts_on, ends_on
    from signed
    union all
    select
        shop_id, 'quality_return_rate' as measure, 1 as numerator, 0 as denominator,
        greatest(starts_on, quality_return_on) as starts_on, ends_on
    from signed
    where quality_return_on is not null
    union all
    select shop_id, 'delivery_on_time' as measure, is_punctual as numerator, 1 as denominator, starts_on, ends_on
    from due
)

{{ entering_and_leaving('spans') }}
