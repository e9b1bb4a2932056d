-- Grain: one day of a shop on which people moved into or out of a group of the synergy window (shop_id, business_date,
-- has_own_touch, has_marketing_touch, has_bought): an append-only log of net moves. Its running sum is int_fields__arm_day.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_on': ['traffic', 'sales', 'refunds', 'authorship']}
) }}

-- The window starts with the shop's first event (R3b); before it nobody could be touched.
with shops as (
    select shop_id, first_event_on
    from {{ ref('int_shop__sources') }}
    where first_event_on is not null
),

paid_lines as (
    select
        l.shop_id, l.user_key, l.paid_on,
        -- A purchase that never counted makes nobody known before its order was created (R21, R75).
        not l.is_ever_effective and l.created_on > l.paid_on as needs_proof
    from {{ ref('int_sales__line') }} as l
    where
        l.is_paid_line and l.user_key is not null
        and l.paid_on > {{ rebuild_from() }} - 1 - {{ fields_rule('window_days') }}
),

unproven as (
    select distinct shop_id, user_key
    from paid_lines
    where needs_proof
),

first_known as (
    select c.shop_id, c.user_key, min(c.business_date) as known_on
    from {{ ref('int_audience__layer_changes') }} as c
    inner join unproven as u
        on c.shop_id = u.shop_id and c.user_key = u.user_key
    group by c.shop_id, c.user_key
),

facts as (
    select shop_id, user_key, 'own' as kind, business_date, business_date as fact_on
    from {{ ref('int_fields__touch_day') }}
    where
        has_own_touch
        and business_date > {{ rebuild_from() }} - 1 - {{ fields_rule('window_days') }}
    union all
    select shop_id, user_key, 'marketing' as kind, business_date, business_date as fact_on
    from {{ ref('int_fields__touch_day') }}
    where
        has_marketing_touch
        and business_date > {{ rebuild_from() }} - 1 - {{ fields_rule('window_days') }}
    union all
    select
        p.shop_id, p.user_key, 'bought' as kind,
        case when p.needs_proof then greatest(p.paid_on, k.known_on) else p.paid_on end as business_date,
        p.paid_on as fact_on
    from paid_lines as p
    inner join shops as s
        on p.shop_id = s.shop_id and p.paid_on >= s.first_event_on
    left join first_known as k
        on p.shop_id = k.shop_id and p.user_key = k.user_key
    where not p.needs_proof or k.known_on is not null
),

-- Each fact counts from its day until it leaves the window. Those before the first day to compute all cover the day before it,
-- so of them only the longest matters.
covers as (
    select
        f.shop_id, f.user_key, f.kind, greatest(f.business_date, {{ rebuild_from() }} - 1) as begins_on,
        max(f.fact_on) + {{ fields_rule('window_days') }} as ends_on
    from facts as f
    where f.business_date < f.fact_on + {{ fields_rule('window_days') }}
    group by f.shop_id, f.user_key, f.kind, greatest(f.business_date, {{ rebuild_from() }} - 1)
),

-- Covers that overlap or touch make one stay; only its ends are moves.
neighbours as (
    select
        shop_id, user_key, kind, begins_on,
        max(ends_on) over (
            partition by shop_id, user_key, kind order by begins_on
            rows between unbounded preceding and 1 preceding
        ) as covered_until,
        max(ends_on) over (
            partition by shop_id, user_key, kind order by begins_on
            rows between unbounded preceding and current row
        ) as covers_until,
        lead(begins_on) over (partition by shop_id, user_key, kind order by begins_on) as next_begins_on
    from covers
),

steps as (
    select shop_id, user_key, kind, begins_on as business_date, 1 as step
    from neighbours
    where covered_until is null or covered_until < begins_on
    union all
    select shop_id, user_key, kind, covers_until as business_date, -1 as step
    from neighbours
    where next_begins_on is null or next_begins_on > covers_until
),

days as (
    select
        shop_id, user_key, business_date,
        sum(case when kind = 'own' then step else 0 end) as own_step,
        sum(case when kind = 'marketing' then step else 0 end) as marketing_step,
        sum(case when kind = 'bought' then step else 0 end) as bought_step
    from steps
    where business_date <= {{ run_date() }}
    group by shop_id, user_key, business_date
),

states as (
    select
        shop_id, user_key, business_date, own_step, marketing_step, bought_step,
        sum(own_step) over so_far as own_now,
        sum(marketing_step) over so_far as marketing_now,
        sum(bought_step) over so_far as bought_now
    from days
    window so_far as (
        partition by shop_id, user_key order by business_date
        rows between unbounded preceding and current row
    )
),

moves as (
    select
        shop_id, business_date, own_now = 1 as has_own_touch, marketing_now = 1 as has_marketing_touch,
        bought_now = 1 as has_bought, 1 as users_change
    from states
    union all
    select
        shop_id, business_date, own_now - own_step = 1 as has_own_touch,
        marketing_now - marketing_step = 1 as has_marketing_touch, bought_now - bought_step = 1 as has_bought, -1 as users_change
    from states
)

select
    shop_id, business_date, has_own_touch, has_marketing_touch, has_bought,
    cast(sum(users_change) as bigint) as users_change
from moves
where
    business_date >= {{ rebuild_from() }} and business_date <= {{ run_date() }}
    and (has_own_touch or has_marketing_touch or has_bought)
group by shop_id, business_date, has_own_touch, has_marketing_touch, has_bought
having sum(users_change) <> 0
