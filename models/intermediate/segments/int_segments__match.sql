-- Grain: one condition of a segment that a user meets on the run's day (condition_id, shop_id, user_key). Newest day only: what
-- a segment was on an earlier day is in the file published that day.
with profiles as (
    select u.shop_id, u.user_key, u.gender, u.age_band, u.city_tier, u.province
    from {{ ref('stg_users') }} as u
    inner join (
        select shop_id, user_key, max(snapshot_on) as snapshot_on
        from {{ ref('stg_users') }}
        group by shop_id, user_key
    ) as newest
        on u.shop_id = newest.shop_id and u.user_key = newest.user_key and u.snapshot_on = newest.snapshot_on
),

traits as (
    select shop_id, user_key, 'layer' as attribute, cast(max_by(to_layer, business_date) as string) as accepted_value
    from {{ ref('int_audience__layer_changes') }}
    group by shop_id, user_key
    union all
    select shop_id, user_key, 'member' as attribute, 'true' as accepted_value
    from {{ ref('stg_members') }}
    where left_on is null or left_on > {{ run_date() }}
    union all
    select distinct shop_id, user_key, 'fan' as attribute, 'true' as accepted_value
    from {{ ref('int_traffic__user_day') }}
    where has_follow
    {%- if segment_asks(['gender', 'age_band', 'city_tier', 'province']) %}
    union all
    select shop_id, user_key, 'gender' as attribute, gender as accepted_value
    from profiles
    union all
    select shop_id, user_key, 'age_band' as attribute, age_band as accepted_value
    from profiles
    union all
    select shop_id, user_key, 'city_tier' as attribute, city_tier as accepted_value
    from profiles
    union all
    select shop_id, user_key, 'province' as attribute, province as accepted_value
    from profiles
    {%- endif %}
),

counted as (
    select
        condition_id, shop_id, user_key,
        count(*) as times,
        sum(net_amount) as net_amount,
        max(business_date) as last_on
    from {{ ref('int_segments__hit') }}
    group by condition_id, shop_id, user_key
),

bounds as (
    select distinct
        condition_id, min_times, max_times, min_amount, max_amount, min_days_ago, max_days_ago
    from {{ source('control', 'segment_conditions') }}
    where subject <> 'trait'
),

measured as (
    select
        c.condition_id, c.shop_id, c.user_key, c.times, c.net_amount,
        {{ day_diff(run_date(), 'c.last_on') }} as days_ago,
        b.min_times, b.max_times, b.min_amount, b.max_amount, b.min_days_ago, b.max_days_ago
    from counted as c
    inner join bounds as b
        on c.condition_id = b.condition_id
)

select c.condition_id, t.shop_id, t.user_key
from traits as t
inner join {{ source('control', 'segment_conditions') }} as c
    on c.subject = 'trait' and t.attribute = c.attribute and t.accepted_value = c.accepted_value
where t.user_key is not null
union all
select condition_id, shop_id, user_key
from measured
where
    times >= coalesce(min_times, 1) and (max_times is null or times <= max_times)
    and (min_amount is null or net_amount >= min_amount) and (max_amount is null or net_amount <= max_amount)
    and (min_days_ago is null or days_ago >= min_days_ago) and (max_days_ago is null or days_ago <= max_days_ago)
