-- Grain: one row, the rules of paths, fields and synergy in force on the run's day; they hold for the whole history.
{{ config(materialized='view') }}

with paths as (
    select max_by(look_back_hours, valid_from) as look_back_hours
    from {{ ref('paths_rules') }}
    where valid_from <= {{ run_date() }}
),

fields as (
    select max_by(head_followers, valid_from) as head_followers
    from {{ ref('fields_rules') }}
    where valid_from <= {{ run_date() }}
),

synergy as (
    select
        max_by(window_days, valid_from) as window_days,
        max_by(minimum_users, valid_from) as minimum_users,
        max_by(minimum_buyers, valid_from) as minimum_buyers,
        max_by(synergy_above, valid_from) as synergy_above,
        max_by(cannibalising_below, valid_from) as cannibalising_below,
        max_by(z_score, valid_from) as z_score
    from {{ ref('synergy_rules') }}
    where valid_from <= {{ run_date() }}
)

select
    paths.look_back_hours,
    -- Calendar days before a pay date that its look-back can reach.
    cast(ceil(paths.look_back_hours / 24.0) as integer) as look_back_days,
    fields.head_followers,
    synergy.window_days, synergy.minimum_users, synergy.minimum_buyers,
    synergy.synergy_above, synergy.cannibalising_below, synergy.z_score
from paths
cross join fields
cross join synergy
