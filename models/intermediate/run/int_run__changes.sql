-- Grain: one changed fact's (domain, shop_id, user_key, business_date) since the last build, old version and new.
-- Empty on a full refresh: then everything is computed. A date ahead of the run's day is left for the night it comes up.
with run as (
    select previous_date, business_date, built_seq
    from {{ source('control', 'run') }}
    where not is_full_refresh
),

changed_reviews as (
    select shop_id, order_line_id, user_key, created_on
    from {{ ref('int_run__changed_reviews') }}
),

-- The user of a line, for refunds and reviews that name only the line: as held now, and as held before.
wanted_lines as (
    select shop_id, order_line_id
    from {{ ref('int_run__changed_refunds') }}
    union
    select shop_id, order_line_id
    from changed_reviews
    where user_key is null
),

line_users as (
    select o.shop_id, o.order_line_id, coalesce(o.user_key, m.user_key) as user_key
    from {{ source('raw', 'raw_orders') }} as o
    inner join wanted_lines as w
        on o.shop_id = w.shop_id and o.order_line_id = w.order_line_id
    left join {{ source('raw', 'raw_buyer_map') }} as m
        on o.shop_id = m.shop_id and o.order_id = m.order_id
    union
    select shop_id, order_line_id, user_key
    from {{ ref('int_run__changed_orders') }}
),

refunded_lines as (
    select shop_id, order_line_id
    from {{ ref('int_run__changed_refunds') }}
    union
    select f.shop_id, f.order_line_id
    from {{ ref('stg_refunds') }} as f
    cross join run
    where f.succeeded_on > run.previous_date
),

-- Days of events that are new or whose author turned from own to external or back.
touch_days as (
    select e.shop_id, e.business_date
    from {{ source('raw', 'raw_traffic_events') }} as e
    cross join run
    where e.load_seq > run.built_seq
    union
    select shop_id, business_date
    from {{ ref('int_fields__authorship_change') }}
    where domain = 'authorship'
),

changes as (
    select 'traffic' as domain, e.shop_id, e.user_key, e.business_date
    from {{ source('raw', 'raw_traffic_events') }} as e
    cross join run
    where e.load_seq > run.built_seq
    union
    select 'traffic_daily' as domain, t.shop_id, cast(null as bigint) as user_key, t.business_date
    from {{ source('raw', 'raw_traffic_daily') }} as t
    cross join run
    where t.load_seq > run.built_seq
    union
    select 'sales' as domain, shop_id, user_key, created_on as business_date
    from {{ ref('int_run__changed_orders') }}
    union
    select 'sales' as domain, shop_id, user_key, paid_on as business_date
    from {{ ref('int_run__changed_orders') }}
    where paid_on is not null
    union
    select 'refunds' as domain, f.shop_id, l.user_key, f.succeeded_on as business_date
    from {{ ref('int_run__changed_refunds') }} as f
    left join line_users as l
        on f.shop_id = l.shop_id and f.order_line_id = l.order_line_id
    union
    select 'reviews' as domain, shop_id, user_key, created_on as business_date
    from changed_reviews
    where user_key is not null
    union
    select 'reviews' as domain, v.shop_id, l.user_key, v.created_on as business_date
    from changed_reviews as v
    left join line_users as l
        on v.shop_id = l.shop_id and v.order_line_id = l.order_line_id
    where v.user_key is null
    union
    -- Days of events and pay dates whose author turned.
    select domain, shop_id, cast(null as bigint) as user_key, business_date
    from {{ ref('int_fields__authorship_change') }}
    union
    -- Pay dates whose lines changed, or whose look-back reaches a touch that changed.
    select 'touched_sales' as domain, shop_id, cast(null as bigint) as user_key, paid_on as business_date
    from {{ ref('int_run__changed_orders') }}
    where paid_on is not null
    union
    select 'touched_sales' as domain, t.shop_id, cast(null as bigint) as user_key,
        cast(d.business_date as date) as business_date
    from touch_days as t
    cross join {{ ref('int_fields__rule') }} as l,
        {{ days_between('t.business_date', 't.business_date + l.look_back_days') }} as d (business_date)
    union
    -- A product without a listing date is there from the first day on.
    select
        'products' as domain, shop_id, cast(null as bigint) as user_key,
        coalesce(listed_on, date '1900-01-01') as business_date
    from {{ ref('int_run__changed_products') }}
    where is_relisted
    union
    -- Pay dates of lines whose refund changed or came up, or whose product is valued anew.
    select 'refunded_sales' as domain, o.shop_id, cast(null as bigint) as user_key, cast(o.paid_at as date) as business_date
    from refunded_lines as r
    inner join {{ source('raw', 'raw_orders') }} as o
        on r.shop_id = o.shop_id and r.order_line_id = o.order_line_id
    where o.paid_at is not null
    union
    select 'valued_sales' as domain, o.shop_id, cast(null as bigint) as user_key, cast(o.paid_at as date) as business_date
    from {{ ref('int_run__changed_products') }} as p
    inner join {{ source('raw', 'raw_orders') }} as o
        on p.shop_id = o.shop_id and p.product_id = o.product_id
    where p.is_revalued and o.paid_at is not null
    union
    select domain, shop_id, cast(null as bigint) as user_key, business_date
    from {{ ref('int_run__changed_experience') }}
    union
    select domain, shop_id, cast(null as bigint) as user_key, business_date
    from {{ ref('int_run__changed_growth') }}
)

select changes.domain, changes.shop_id, changes.user_key, changes.business_date
from changes
cross join run
where changes.business_date <= run.business_date
