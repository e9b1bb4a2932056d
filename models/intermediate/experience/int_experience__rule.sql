-- Grain: one period of the experience score's rules (valid_from); it holds until the day before valid_until.
{{ config(materialized='view') }}

select
    valid_from,
    coalesce(lead(valid_from) over (order by valid_from), {{ run_date() }} + 1) as valid_until,
    window_days, minimum_signed_orders, minimum_answers, bad_review_stars, promoter_stars, passive_stars, promoter_score,
    detractor_score, pickup_days, reply_first_hour, reply_last_hour, unanswered_seconds, dissatisfied_rating,
    quiet_from_hour, quiet_until_hour, average_fraction, minimum_scored_share
from {{ ref('experience_rules') }}
