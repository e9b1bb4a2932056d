-- Grain: one cell of the profiles of a shop's buyers of the window ending on the day (shop_id, business_date, gender, age_band,
-- city_tier; R103). A buyer counts once, by the newest profile dated on or before the day; one with a gap in it is left out.
-- The cells of a day add up to its buyers with a full profile; days do not.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_on': ['sales', 'users']}
) }}
{%- set first_day = rebuild_from() %}
{%- set window_days = growth_rule('author_window_days') %}

with purchases as (
    select
        shop_id, user_key, greatest(paid_on, {{ first_day }}) as buys_on, max(paid_on) + {{ window_days }} as leaves_on
    from {{ ref('stg_orders') }}
    where is_paid_line and user_key is not null and paid_on > {{ first_day }} - {{ window_days }}
    group by shop_id, user_key, greatest(paid_on, {{ first_day }})
),

-- The days that a purchase adds to those an earlier one covers already.
pieces as (
    select
        shop_id, user_key, leaves_on,
        greatest(
            buys_on,
            coalesce(
                max(leaves_on) over (
                    partition by shop_id, user_key order by buys_on
                    rows between unbounded preceding and 1 preceding
                ),
                buys_on
            )
        ) as enters_on
    from purchases
),

buyers as (
    select distinct shop_id, user_key
    from pieces
),

profiles as (
    select
        u.shop_id, u.user_key, u.snapshot_on, u.gender, u.age_band, u.city_tier,
        coalesce(
            lead(u.snapshot_on) over (partition by u.shop_id, u.user_key order by u.snapshot_on), {{ run_date() }} + 1
        ) as next_on
    from {{ ref('stg_users') }} as u
    inner join buyers as b
        on u.shop_id = b.shop_id and u.user_key = b.user_key
),

stays as (
    select
        p.shop_id, f.gender, f.age_band, f.city_tier,
        greatest(p.enters_on, f.snapshot_on) as enters_on, least(p.leaves_on, f.next_on) as leaves_on
    from pieces as p
    inner join profiles as f
        on
            p.shop_id = f.shop_id and p.user_key = f.user_key
            and f.snapshot_on < p.leaves_on and p.enters_on < f.next_on
    where
        p.enters_on < p.leaves_on
        and f.gender is not null and f.age_band is not null and f.city_tier is not null
),

steps as (
    select shop_id, gender, age_band, city_tier, enters_on as business_date, 1 as buyers
    from stays
    union all
    select shop_id, gender, age_band, city_tier, leaves_on as business_date, -1 as buyers
    from stays
),

day_steps as (
    select shop_id, gender, age_band, city_tier, business_date, sum(buyers) as buyers
    from steps
    where business_date <= {{ run_date() }}
    group by shop_id, gender, age_band, city_tier, business_date
),

states as (
    select
        shop_id, gender, age_band, city_tier, business_date as starts_on,
        coalesce(lead(business_date) over by_day - 1, {{ run_date() }}) as ends_on,
        sum(buyers) over so_far as buyers
    from day_steps
    window
        by_day as (partition by shop_id, gender, age_band, city_tier order by business_date),
        so_far as (
            partition by shop_id, gender, age_band, city_tier order by business_date
            rows between unbounded preceding and current row
        )
)

select
    s.shop_id,
    cast(d.business_date as date) as business_date,
    s.gender,
    s.age_band,
    s.city_tier,
    cast(s.buyers as bigint) as buyers
from states as s,
    {{ days_between('s.starts_on', 's.ends_on') }} as d (business_date)
where s.buyers > 0
