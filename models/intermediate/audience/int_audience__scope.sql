-- Grain: one row, what this build computes: all users from night_on on, late users from their own day on, and how far back
-- facts can still reach those days. On a full refresh night_on lies before all data.
with late as (
    select min(start_on) as first_late_on
    from {{ ref('int_audience__late_users') }}
),

nights as (
    select
        case
            when is_full_refresh or previous_date is null then date '1900-01-01'
            else previous_date + 1
        end as night_on
    from {{ source('control', 'run') }}
)

select
    nights.night_on,
    least(nights.night_on, late.first_late_on) - rules.traffic_days as traffic_from,
    least(nights.night_on, late.first_late_on) - rules.purchase_days as purchases_from
from nights
cross join late
cross join {{ ref('int_audience__rules') }} as rules
