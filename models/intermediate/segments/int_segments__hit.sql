-- Grain: what counts once for a condition of a segment (condition_id, shop_id, user_key, business_date): a pay date with its
-- money, of purchases that are still effective on the run's day or of payments whatever became of them; else one event, a
-- product seen or a content touched, so that a day may have several rows.
{{ config(materialized='view') }}

with rules as (
    select
        max_by(high_potential_days, valid_from) as high_potential_days,
        max_by(old_customer_days, valid_from) as old_customer_days
    from {{ ref('segment_rules') }}
    where valid_from <= {{ run_date() }}
),

conditions as (
    select
        c.condition_id, c.subject, c.attribute, c.accepted_value,
        coalesce(
            c.days,
            case c.days_rule
                when 'high_potential_days' then r.high_potential_days
                when 'old_customer_days' then r.old_customer_days
            end
        ) as days
    from {{ source('control', 'segment_conditions') }} as c
    cross join rules as r
),

payments as (
    select
        l.shop_id, l.order_line_id, l.user_key, l.paid_on as business_date, l.paid_amount as net_amount, l.product_id,
        l.campaign_id, l.content_id, l.author_id, l.scene, l.is_ever_effective, l.fully_refunded_on
    from {{ ref('int_sales__line') }} as l
    where l.is_paid_line and l.user_key is not null and l.paid_on <= {{ run_date() }}
),

refunded as (
    select shop_id, order_line_id, sum(counted_amount) as amount
    from {{ ref('int_sales__refund') }}
    where refunded_on <= {{ run_date() }}
    group by shop_id, order_line_id
),

purchases as (
    select
        p.shop_id, p.user_key, p.business_date, p.net_amount - coalesce(r.amount, 0) as net_amount, p.product_id,
        p.campaign_id, p.content_id, p.author_id, p.scene, g.category_1, g.category_2
    from payments as p
    left join refunded as r
        on p.shop_id = r.shop_id and p.order_line_id = r.order_line_id
    left join {{ ref('stg_products') }} as g
        on p.shop_id = g.shop_id and p.product_id = g.product_id
    where p.is_ever_effective and (p.fully_refunded_on is null or p.fully_refunded_on > {{ run_date() }})
),

seen as (
    select
        e.shop_id, e.user_key, e.business_date, cast(null as decimal(38, 2)) as net_amount, e.product_id,
        g.category_1, g.category_2
    from {{ ref('stg_traffic_events') }} as e
    left join {{ ref('stg_products') }} as g
        on e.shop_id = g.shop_id and e.product_id = g.product_id
    where e.user_key is not null and e.product_id is not null and e.business_date >= {{ segment_events_from() }}
),

touching as (
    select event_type
    from {{ ref('paths_touches') }}
    where valid_from <= {{ run_date() }}
    group by event_type
    having max_by(is_touch, valid_from)
),

touched as (
    select
        e.shop_id, e.user_key, e.business_date, cast(null as decimal(38, 2)) as net_amount, e.content_id,
        e.author_id, e.campaign_id, e.scene, c.content_type, c.topic
    from {{ ref('stg_traffic_events') }} as e
    inner join touching as t
        on e.event_type = t.event_type
    left join {{ ref('stg_contents') }} as c
        on e.shop_id = c.shop_id and e.content_id = c.content_id
    where e.user_key is not null and e.business_date >= {{ segment_events_from() }}
),

payment_days as (
    select shop_id, user_key, business_date, sum(net_amount) as net_amount
    from payments
    group by shop_id, user_key, business_date
),

purchase_days as (
    select shop_id, user_key, business_date, sum(net_amount) as net_amount
    from purchases
    group by shop_id, user_key, business_date
),

-- One branch a column that a condition may name: a join by equality, which costs nothing where no segment names it.
purchase_hits as (
    {{ segment_hits('purchases', 'bought', 'product_id') }}
    union all
    {{ segment_hits('purchases', 'bought', 'category_1') }}
    union all
    {{ segment_hits('purchases', 'bought', 'category_2') }}
    union all
    {{ segment_hits('purchases', 'bought', 'campaign_id') }}
    union all
    {{ segment_hits('purchases', 'bought', 'content_id') }}
    union all
    {{ segment_hits('purchases', 'bought', 'author_id') }}
    union all
    {{ segment_hits('purchases', 'bought', 'scene') }}
)

{{ segment_hits('payment_days', 'paid', 'any') }}
union all
{{ segment_hits('purchase_days', 'bought', 'any') }}
union all
select condition_id, shop_id, user_key, business_date, sum(net_amount) as net_amount
from purchase_hits
group by condition_id, shop_id, user_key, business_date
union all
{{ segment_hits('seen', 'saw', 'any') }}
union all
{{ segment_hits('seen', 'saw', 'product_id') }}
union all
{{ segment_hits('seen', 'saw', 'category_1') }}
union all
{{ segment_hits('seen', 'saw', 'category_2') }}
union all
{{ segment_hits('touched', 'touched', 'any') }}
union all
{{ segment_hits('touched', 'touched', 'content_id') }}
union all
{{ segment_hits('touched', 'touched', 'content_type') }}
union all
{{ segment_hits('touched', 'touched', 'topic') }}
union all
{{ segment_hits('touched', 'touched', 'author_id') }}
union all
{{ segment_hits('touched', 'touched', 'campaign_id') }}
union all
{{ segment_hits('touched', 'touched', 'scene') }}
