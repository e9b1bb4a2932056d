-- Grain: one run of a product in one class on the day that confirms it (shop_id, business_date, scope, product_id): an
-- append-only log. A day is confirmed by the days right before it alone, so no state is carried.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_on': ['sales', 'refunds']}
) }}
{%- set first_day = rebuild_from() %}

with days as (
    select
        shop_id, scope, product_id, business_date, class_code,
        case
            when
                lag(class_code) over by_day = class_code
                and lag(business_date) over by_day = business_date - 1
                then 0
            else 1
        end as starts_run
    from {{ ref('int_goods__quadrant_day') }}
    where
        class_code is not null
        and business_date >= {{ first_day }} - {{ most_goods_days('confirmation_days') }}
    window by_day as (partition by shop_id, scope, product_id order by business_date)
),

runs as (
    select
        shop_id, scope, product_id, business_date, class_code,
        max(case when starts_run = 1 then business_date end) over (
            partition by shop_id, scope, product_id
            order by business_date
            rows between unbounded preceding and current row
        ) as run_started_on
    from days
)

select
    d.shop_id,
    d.business_date,
    d.scope,
    d.product_id,
    d.class_code
from runs as d
inner join {{ ref('int_goods__rule_day') }} as r
    on d.business_date = r.business_date
where
    d.business_date >= {{ first_day }}
    and {{ day_diff('d.business_date', 'd.run_started_on') }} + 1 = r.confirmation_days
