-- Grain: one date of a fact of fulfilment, after-sale, service or survey that arrived or changed since the last build
-- (domain, shop_id, business_date), old version and new. Empty on a full refresh. A date is given for what it alone moves: a
-- parcel delivered today rewrites nothing before today.
with run as (
    select built_seq
    from {{ source('control', 'run') }}
    where not is_full_refresh
),

line_versions as (
    select
        r.shop_id, r.order_line_id, cast(r.paid_at as date) as paid_on, r.promised_ship_at,
        coalesce(r.is_presale, false) as is_presale, r.picked_up_at, r.due_delivery_at, r.delivered_at
    from {{ source('raw', 'raw_orders') }} as r
    cross join run
    where r.load_seq > run.built_seq
    union all
    select
        s.shop_id, s.order_line_id, cast(s.paid_at as date) as paid_on, s.promised_ship_at,
        coalesce(s.is_presale, false) as is_presale, s.picked_up_at, s.due_delivery_at, s.delivered_at
    from {{ source('raw', 'raw_orders_superseded') }} as s
    cross join run
    where s.superseded_seq > run.built_seq and s.load_seq <= run.built_seq
),

refund_versions as (
    select
        r.shop_id, r.refund_id, r.order_line_id, r.applied_at, r.reason, coalesce(r.is_escalated, false) as is_escalated,
        (coalesce(r.status, '') in ('rejected', 'cancelled') or coalesce(r.kind, '') = 'price_protection') as is_no_reason,
        case when coalesce(r.status, 'succeeded') = 'succeeded' then r.reviewed_at end as answered_at,
        case
            when r.status = 'succeeded' or (r.status is null and r.refunded_at is not null)
                then cast(coalesce(r.refunded_at, r.reviewed_at, r.applied_at) as date)
        end as succeeded_on
    from {{ source('raw', 'raw_refunds') }} as r
    cross join run
    where r.load_seq > run.built_seq
    union all
    select
        s.shop_id, s.refund_id, s.order_line_id, s.applied_at, s.reason, coalesce(s.is_escalated, false) as is_escalated,
        (coalesce(s.status, '') in ('rejected', 'cancelled') or coalesce(s.kind, '') = 'price_protection') as is_no_reason,
        case when coalesce(s.status, 'succeeded') = 'succeeded' then s.reviewed_at end as answered_at,
        case
            when s.status = 'succeeded' or (s.status is null and s.refunded_at is not null)
                then cast(coalesce(s.refunded_at, s.reviewed_at, s.applied_at) as date)
        end as succeeded_on
    from {{ source('raw', 'raw_refunds_superseded') }} as s
    cross join run
    where s.superseded_seq > run.built_seq and s.load_seq <= run.built_seq
),

session_versions as (
    select
        r.shop_id, r.session_id, r.kind, r.order_id, r.opened_at, r.human_turns, r.reply_seconds, r.unanswered_turns, r.rating,
        coalesce(r.is_escalated, false) as is_escalated
    from {{ source('raw', 'raw_service_sessions') }} as r
    cross join run
    where r.load_seq > run.built_seq
    union all
    select
        s.shop_id, s.session_id, s.kind, s.order_id, s.opened_at, s.human_turns, s.reply_seconds, s.unanswered_turns, s.rating,
        coalesce(s.is_escalated, false) as is_escalated
    from {{ source('raw', 'raw_service_sessions_superseded') }} as s
    cross join run
    where s.superseded_seq > run.built_seq and s.load_seq <= run.built_seq
),

answer_versions as (
    select r.shop_id, r.response_id, r.score, cast(r.answered_at as date) as answered_on
    from {{ source('raw', 'raw_nps_surveys') }} as r
    cross join run
    where r.load_seq > run.built_seq
    union all
    select s.shop_id, s.response_id, s.score, cast(s.answered_at as date) as answered_on
    from {{ source('raw', 'raw_nps_surveys_superseded') }} as s
    cross join run
    where s.superseded_seq > run.built_seq and s.load_seq <= run.built_seq
),

-- Two equal versions cancel out: the restatement was about something else.
dates as (
    -- A promise is known with the payment, whatever day it is for.
    select 'fulfilment' as domain, shop_id, max(paid_on) as business_date
    from line_versions
    group by shop_id, order_line_id, paid_on, promised_ship_at, is_presale
    having count(*) = 1
    union all
    select 'fulfilment' as domain, shop_id, cast(max(picked_up_at) as date) as business_date
    from line_versions
    group by shop_id, order_line_id, picked_up_at
    having count(*) = 1
    union all
    select 'fulfilment' as domain, shop_id, cast(max(due_delivery_at) as date) as business_date
    from line_versions
    group by shop_id, order_line_id, due_delivery_at
    having count(*) = 1
    union all
    select 'fulfilment' as domain, shop_id, cast(max(delivered_at) as date) as business_date
    from line_versions
    group by shop_id, order_line_id, delivered_at
    having count(*) = 1
    union all
    select 'after_sales' as domain, shop_id, cast(max(applied_at) as date) as business_date
    from refund_versions
    group by shop_id, refund_id, order_line_id, applied_at, reason, is_escalated, is_no_reason
    having count(*) = 1
    union all
    select 'after_sales' as domain, shop_id, max(succeeded_on) as business_date
    from refund_versions
    group by shop_id, refund_id, order_line_id, applied_at, answered_at, succeeded_on
    having count(*) = 1
    union all
    select 'service_sessions' as domain, shop_id, cast(max(opened_at) as date) as business_date
    from session_versions
    group by
        shop_id, session_id, kind, order_id, opened_at, human_turns, reply_seconds, unanswered_turns, rating, is_escalated
    having count(*) = 1
    union all
    select 'nps_surveys' as domain, shop_id, max(answered_on) as business_date
    from answer_versions
    group by shop_id, response_id, score, answered_on
    having count(*) = 1
)

select domain, shop_id, business_date
from dates
where business_date is not null
group by domain, shop_id, business_date
