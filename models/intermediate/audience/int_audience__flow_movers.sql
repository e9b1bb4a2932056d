-- Grain: users who changed layer between two days (shop_id, business_date, horizon_days, from_layer, to_layer), those who came
-- back to the layer they left included; from_layer -1 = not known horizon_days before. Not additive over days.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_on': ['traffic', 'traffic_daily', 'sales', 'refunds', 'reviews']}
) }}

with horizons as (
    select horizon_days, max(horizon_days) over () as longest
    from {{ ref('audience_horizons') }}
    where valid_from <= {{ run_date() }}
),

shops as (
    select shop_id, greatest(min(business_date), {{ rebuild_from() }}) as first_on
    from {{ ref('int_shop__calendar') }}
    group by shop_id
),

-- What a user left by a change (from_layer, since previous_change_on) and what the user then had until the next one.
changes as (
    select
        c.shop_id, c.user_key, c.business_date, c.from_layer, c.to_layer, c.previous_change_on, s.first_on, h.longest,
        coalesce(
            lead(c.business_date) over (partition by c.shop_id, c.user_key order by c.business_date), {{ run_date() }} + 1
        ) as next_change_on
    from {{ ref('int_audience__layer_changes') }} as c
    inner join shops as s
        on c.shop_id = s.shop_id
    cross join (select max(longest) as longest from horizons) as h
    where c.business_date > {{ rebuild_from() }} - h.longest
),

-- A stay that ended with one change and a stay that began with the same or a later one: the days on which a user is in the
-- second while horizon_days before in the first.
pairs as (
    select
        a.shop_id, h.horizon_days, a.from_layer, b.to_layer,
        greatest(b.business_date, a.previous_change_on + h.horizon_days, a.first_on) as first_on,
        least(a.business_date + h.horizon_days, b.next_change_on) as until_on
    from changes as a
    inner join changes as b
        on
            a.shop_id = b.shop_id and a.user_key = b.user_key
            and a.business_date <= b.business_date and b.business_date < a.business_date + a.longest
    inner join horizons as h
        on b.business_date < a.business_date + h.horizon_days
),

deltas as (
    select shop_id, horizon_days, from_layer, to_layer, first_on as business_date, count(*) as users
    from pairs
    where first_on < until_on
    group by shop_id, horizon_days, from_layer, to_layer, first_on
    union all
    select shop_id, horizon_days, from_layer, to_layer, until_on as business_date, -count(*) as users
    from pairs
    where first_on < until_on
    group by shop_id, horizon_days, from_layer, to_layer, until_on
),

cells as (
    select distinct shop_id, horizon_days, from_layer, to_layer
    from deltas
),

days as (
    select shop_id, horizon_days, from_layer, to_layer, business_date, users
    from deltas
    union all
    select c.shop_id, c.horizon_days, c.from_layer, c.to_layer, d.business_date, 0 as users
    from cells as c
    inner join {{ ref('int_shop__calendar') }} as d
        on c.shop_id = d.shop_id
    where d.business_date >= {{ rebuild_from() }}
),

totals as (
    select shop_id, horizon_days, from_layer, to_layer, business_date, sum(users) as users
    from days
    group by shop_id, horizon_days, from_layer, to_layer, business_date
),

running as (
    select
        shop_id, business_date, horizon_days, from_layer, to_layer,
        sum(users) over (
            partition by shop_id, horizon_days, from_layer, to_layer order by business_date
            rows between unbounded preceding and current row
        ) as users
    from totals
)

select
    shop_id, business_date, horizon_days, from_layer, to_layer,
    cast(users as bigint) as users
from running
where users > 0 and business_date <= {{ run_date() }}
