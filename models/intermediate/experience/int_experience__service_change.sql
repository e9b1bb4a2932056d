-- Grain: one day of a shop on which chats, answered refunds, reviews or survey answers enter or leave the window of a measure
-- (shop_id, business_date, measure): a log of net changes. review_hours counts microseconds here, nps and nps_proxy_stars
-- promoters less detractors. The running sum is int_experience__measure_day.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_on': ['sales', 'reviews', 'after_sales', 'service_sessions', 'nps_surveys']}
) }}

with chats as (
    select
        s.shop_id, s.opened_on, r.valid_from, r.valid_until, r.window_days,
        hour(s.opened_at) between r.reply_first_hour and r.reply_last_hour and s.human_turns is not null as is_timed,
        s.reply_seconds + r.unanswered_seconds * s.unanswered_turns as reply_seconds, s.human_turns,
        case when s.rating is not null then 1 else 0 end as is_rated,
        case when s.rating <= r.dissatisfied_rating then 1 else 0 end as is_dissatisfied
    from {{ ref('stg_service_sessions') }} as s
    cross join {{ ref('int_experience__rule') }} as r
    where s.kind = 'im' and s.opened_on >= {{ rebuild_from() }} - {{ experience_window() }}
),

-- The clock of a request of the night starts in the morning; an answer before that took no time (R60).
answered_refunds as (
    select
        f.shop_id, f.reviewed_at, f.succeeded_on, r.valid_from, r.valid_until, r.window_days,
        greatest(f.succeeded_on, o.paid_on, f.applied_on, cast(f.reviewed_at as date)) as known_on,
        case
            when hour(f.applied_at) >= r.quiet_from_hour
                then cast(f.applied_on + 1 as timestamp) + r.quiet_until_hour * interval '1' hour
            when hour(f.applied_at) < r.quiet_until_hour
                then cast(f.applied_on as timestamp) + r.quiet_until_hour * interval '1' hour
            else f.applied_at
        end as clock_at
    from {{ ref('stg_refunds') }} as f
    inner join {{ ref('stg_orders') }} as o
        on f.shop_id = o.shop_id and f.order_line_id = o.order_line_id
    cross join {{ ref('int_experience__rule') }} as r
    where
        o.is_paid_line and f.reviewed_at is not null
        and f.succeeded_on >= {{ rebuild_from() }} - {{ experience_window() }}
),

stars as (
    select
        v.shop_id, v.created_on, r.valid_from, r.valid_until, r.window_days,
        case when v.rating >= r.promoter_stars then 1 else 0 end as is_promoter,
        case when v.rating < r.passive_stars then 1 else 0 end as is_detractor
    from {{ ref('stg_reviews') }} as v
    cross join {{ ref('int_experience__rule') }} as r
    where v.created_on >= {{ rebuild_from() }} - {{ experience_window() }}
),

answers as (
    select
        n.shop_id, n.answered_on, r.valid_from, r.valid_until, r.window_days,
        case when n.score >= r.promoter_score then 1 else 0 end as is_promoter,
        case when n.score <= r.detractor_score then 1 else 0 end as is_detractor
    from {{ ref('stg_nps_surveys') }} as n
    cross join {{ ref('int_experience__rule') }} as r
    where n.answered_on >= {{ rebuild_from() }} - {{ experience_window() }}
),

spans as (
    select
        shop_id, 'reply_seconds' as measure, greatest(opened_on, valid_from) as starts_on,
        least(opened_on + window_days, valid_until) as ends_on,
        sum(reply_seconds) as numerator, sum(human_turns) as denominator
    from chats
    where is_timed
    group by shop_id, opened_on, valid_from, valid_until, window_days
    union all
    select
        shop_id, 'dissatisfied_rate' as measure, greatest(opened_on, valid_from) as starts_on,
        least(opened_on + window_days, valid_until) as ends_on,
        sum(is_dissatisfied) as numerator, sum(is_rated) as denominator
    from chats
    group by shop_id, opened_on, valid_from, valid_until, window_days
    union all
    select
        shop_id, 'review_hours' as measure, greatest(known_on, valid_from) as starts_on,
        least(succeeded_on + window_days, valid_until) as ends_on,
        sum(greatest({{ microseconds_between('clock_at', 'reviewed_at') }}, 0)) as numerator, count(*) as denominator
    from answered_refunds
    group by shop_id, known_on, succeeded_on, valid_from, valid_until, window_days
    union all
    select
        shop_id, 'nps_proxy_stars' as measure, greatest(created_on, valid_from) as starts_on,
        least(created_on + window_days, valid_until) as ends_on,
        sum(is_promoter - is_detractor) as numerator, count(*) as denominator
    from stars
    group by shop_id, created_on, valid_from, valid_until, window_days
    union all
    select
        shop_id, 'nps' as measure, greatest(answered_on, valid_from) as starts_on,
        least(answered_on + window_days, valid_until) as ends_on,
        sum(is_promoter - is_detractor) as numerator, count(*) as denominator
    from answers
    group by shop_id, answered_on, valid_from, valid_until, window_days
)

{{ entering_and_leaving('spans') }}
