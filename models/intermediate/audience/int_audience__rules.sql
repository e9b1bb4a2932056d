-- Grain: one row, the 5A rules in force on the run's day; they hold for the whole history.
{{ config(materialized='view') }}

with newest as (
    select max(valid_from) as valid_from
    from {{ ref('audience_rules') }}
    where valid_from <= {{ run_date() }}
)

select
    r.a1_days, r.a2_days, r.a3_days, r.a4_days, r.a5_days,
    greatest(r.a1_days, r.a2_days, r.a3_days) as traffic_days,
    greatest(r.a4_days, r.a5_days) as purchase_days,
    r.short_view_seconds, r.short_views, r.short_view_days, r.liked_from_rating
from {{ ref('audience_rules') }} as r
inner join newest
    on r.valid_from = newest.valid_from
