-- Grain: one content and the day on which first touches of it became ripe, seeding_days after them (shop_id, business_date,
-- content_id; R101): how many users, and how many of them rose to A3 or higher in between, having been below or unknown the day
-- before. Who is ripe has been judged for good, so sums up to a day say what that day knows. Additive over days, not contents.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_on': ['traffic', 'sales', 'refunds', 'reviews']}
) }}
{%- set first_day = rebuild_from() %}
{%- set seeding_days = growth_rule('seeding_days') %}
{%- set seeding_layer = growth_rule('seeding_layer') %}

with touches as (
    select shop_id, content_id, user_key, business_date as touched_on
    from {{ ref('int_growth__first_touch') }}
    where business_date >= {{ first_day }} - {{ seeding_days }} and business_date <= {{ run_date() }} - {{ seeding_days }}
),

crossings as (
    select shop_id, user_key, business_date, to_layer >= {{ seeding_layer }} as is_rise
    from {{ ref('int_audience__layer_changes') }}
    where
        business_date >= {{ first_day }} - {{ seeding_days }}
        and (from_layer >= {{ seeding_layer }}) <> (to_layer >= {{ seeding_layer }})
),

outcomes as (
    select
        t.shop_id, t.content_id, t.user_key, t.touched_on,
        min(case when c.is_rise then c.business_date end) as rises_on,
        min(case when not c.is_rise then c.business_date end) as falls_on
    from touches as t
    left join crossings as c
        on
            t.shop_id = c.shop_id and t.user_key = c.user_key
            and c.business_date >= t.touched_on and c.business_date <= t.touched_on + {{ seeding_days }}
    group by t.shop_id, t.content_id, t.user_key, t.touched_on
)

-- Who falls before rising was at A3 or higher the day before the touch.
select
    shop_id,
    touched_on + {{ seeding_days }} as business_date,
    content_id,
    cast(count(*) as bigint) as ripe_users,
    cast(count(*) filter (where rises_on is not null and (falls_on is null or rises_on < falls_on)) as bigint) as a3_flow_users
from outcomes
group by shop_id, touched_on + {{ seeding_days }}, content_id
