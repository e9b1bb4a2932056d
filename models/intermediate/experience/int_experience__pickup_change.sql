-- Grain: one day of a shop on which orders due for pick-up enter or leave the window (shop_id, business_date, measure): a log of
-- net changes. Its running sum is int_experience__measure_day.
-- An order is due on the day of its last line's deadline (R56). Which of its lines count may change from day to day: one is
-- paid later, another leaves when its money is back before its deadline, and returns when it is picked up after all.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_on': ['sales', 'refunds', 'fulfilment']}
) }}

with refunded as (
    select shop_id, order_line_id, min(refunded_on) as fully_refunded_on
    from {{ ref('int_sales__refund') }}
    where is_fully_refunded
    group by shop_id, order_line_id
),

-- A presale without a promise has no deadline.
lines as (
    select
        o.shop_id, o.order_id, r.valid_from as rule_from, r.valid_until as rule_until, r.window_days, o.paid_on,
        cast(o.picked_up_at as date) as picked_up_on, f.fully_refunded_on,
        case when o.is_presale then cast(o.promised_ship_at as date) else o.paid_on + r.pickup_days end as deadline_on,
        case
            when o.is_presale then coalesce(o.picked_up_at <= o.promised_ship_at, false)
            else coalesce(cast(o.picked_up_at as date) <= o.paid_on + r.pickup_days, false)
        end as is_punctual
    from {{ ref('stg_orders') }} as o
    cross join {{ ref('int_experience__rule') }} as r
    left join refunded as f
        on o.shop_id = f.shop_id and o.order_line_id = f.order_line_id
    where o.is_paid_line and (not o.is_presale or o.promised_ship_at is not null)
),

orders as (
    select shop_id, order_id, rule_from
    from lines
    where deadline_on >= {{ rebuild_from() }} - {{ experience_window() }}
    group by shop_id, order_id, rule_from
),

order_lines as (
    select
        l.*,
        case
            when l.fully_refunded_on <= l.deadline_on and coalesce(l.picked_up_on > l.fully_refunded_on, true)
                then l.fully_refunded_on
        end as leaves_on
    from lines as l
    inner join orders as o
        on l.shop_id = o.shop_id and l.order_id = o.order_id and l.rule_from = o.rule_from
),

stays as (
    select
        shop_id, order_id, rule_from, rule_until, window_days, deadline_on, is_punctual,
        paid_on as starts_on, coalesce(leaves_on, {{ run_date() }} + 1) as ends_on
    from order_lines
    where leaves_on is null or leaves_on > paid_on
    union all
    select
        shop_id, order_id, rule_from, rule_until, window_days, deadline_on, is_punctual,
        greatest(picked_up_on, paid_on) as starts_on, {{ run_date() }} + 1 as ends_on
    from order_lines
    where leaves_on is not null and picked_up_on is not null
),

moments as (
    select shop_id, order_id, rule_from, starts_on as business_date
    from stays
    union
    select shop_id, order_id, rule_from, ends_on as business_date
    from stays
),

stretches as (
    select
        shop_id, order_id, rule_from, business_date as starts_on,
        coalesce(
            lead(business_date) over (partition by shop_id, order_id, rule_from order by business_date), {{ run_date() }} + 1
        ) as ends_on
    from moments
),

-- The order as it stands between two such days.
states as (
    select
        t.shop_id, t.order_id, t.rule_from, t.starts_on, t.ends_on, s.rule_until, s.window_days,
        max(s.deadline_on) as deadline_on,
        min(case when s.is_punctual then 1 else 0 end) as is_punctual
    from stretches as t
    inner join stays as s
        on
            t.shop_id = s.shop_id and t.order_id = s.order_id and t.rule_from = s.rule_from
            and s.starts_on <= t.starts_on and t.starts_on < s.ends_on
    group by t.shop_id, t.order_id, t.rule_from, t.starts_on, t.ends_on, s.rule_until, s.window_days
),

spans as (
    select
        shop_id, 'pickup_on_time' as measure, is_punctual as numerator, 1 as denominator,
        greatest(starts_on, deadline_on, rule_from) as starts_on,
        least(ends_on, deadline_on + window_days, rule_until) as ends_on
    from states
)

{{ entering_and_leaving('spans') }}
