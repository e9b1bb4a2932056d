-- Grain: one day of a shop on which orders signed, paid or asked about enter or leave the window of a rate, or get into trouble
-- (shop_id, business_date, measure): a log of net changes. An order counts once, however many of its lines do. The running sum
-- is int_experience__measure_day.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_on': ['sales', 'reviews', 'fulfilment', 'after_sales', 'service_sessions']}
) }}

with signed as (
    select
        l.shop_id, l.order_id, l.rule_from, t.complained_on,
        least(t.troubled_on, l.bad_review_on) as troubled_on,
        greatest(l.delivered_on, l.paid_on, l.rule_from) as starts_on,
        least(l.delivered_on + l.window_days, l.rule_until) as ends_on
    from {{ ref('int_experience__line') }} as l
    left join {{ ref('int_experience__order_trouble') }} as t
        on l.shop_id = t.shop_id and l.order_id = t.order_id
    where l.delivered_on >= {{ rebuild_from() }} - {{ experience_window() }}
),

damages as (
    select shop_id, order_id, rule_from, min(greatest(first_applied_on, paid_on)) as damaged_on
    from {{ ref('int_experience__line') }}
    where first_reason = 'logistics_damage'
    group by shop_id, order_id, rule_from
),

paid as (
    select
        o.shop_id, o.order_id, d.damaged_on, greatest(o.paid_on, r.valid_from) as starts_on,
        least(o.paid_on + r.window_days, r.valid_until) as ends_on
    from {{ ref('stg_orders') }} as o
    cross join {{ ref('int_experience__rule') }} as r
    left join damages as d
        on o.shop_id = d.shop_id and o.order_id = d.order_id and r.valid_from = d.rule_from
    where o.is_paid_line and o.paid_on >= {{ rebuild_from() }} - {{ experience_window() }}
),

-- Every application, whatever became of it (R61).
asked as (
    select
        o.shop_id, o.order_id, f.is_escalated, greatest(f.applied_on, o.paid_on, r.valid_from) as starts_on,
        least(f.applied_on + r.window_days, r.valid_until) as ends_on
    from {{ ref('stg_refunds') }} as f
    inner join {{ ref('stg_orders') }} as o
        on f.shop_id = o.shop_id and f.order_line_id = o.order_line_id
    cross join {{ ref('int_experience__rule') }} as r
    where o.is_paid_line and f.applied_on >= {{ rebuild_from() }} - {{ experience_window() }}
),

-- A measure has two sides: the orders it looks at, and those of them it is about.
sides as (
    select shop_id, order_id, 'complaint_rate' as measure, 0 as numerator, 1 as denominator, starts_on, ends_on
    from signed
    union all
    select
        shop_id, order_id, 'complaint_rate' as measure, 1 as numerator, 0 as denominator,
        greatest(starts_on, complained_on) as starts_on, ends_on
    from signed
    where complained_on is not null
    union all
    select shop_id, order_id, 'ccr' as measure, 0 as numerator, 1 as denominator, starts_on, ends_on
    from signed
    union all
    select
        shop_id, order_id, 'ccr' as measure, 1 as numerator, 0 as denominator,
        greatest(starts_on, troubled_on) as starts_on, ends_on
    from signed
    where troubled_on is not null
    union all
    select shop_id, order_id, 'damage_return_rate' as measure, 0 as numerator, 1 as denominator, starts_on, ends_on
    from paid
    union all
    select
        shop_id, order_id, 'damage_return_rate' as measure, 1 as numerator, 0 as denominator,
        greatest(starts_on, damaged_on) as starts_on, ends_on
    from paid
    where damaged_on is not null
    union all
    select shop_id, order_id, 'help_rate' as measure, 0 as numerator, 1 as denominator, starts_on, ends_on
    from asked
    union all
    select shop_id, order_id, 'help_rate' as measure, 1 as numerator, 0 as denominator, starts_on, ends_on
    from asked
    where is_escalated
),

-- What a line adds to the days that other lines of its order already cover.
spans as (
    select
        shop_id, measure, numerator, denominator, ends_on,
        greatest(starts_on, max(ends_on) over (
            partition by shop_id, order_id, measure, numerator
            order by starts_on, ends_on
            rows between unbounded preceding and 1 preceding
        )) as starts_on
    from sides
    where starts_on < ends_on
)

{{ entering_and_leaving('spans') }}
