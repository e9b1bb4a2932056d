-- Grain: one day of a shop with an event or an aggregate row (shop_id, business_date). One aggregate row switches the whole
-- day to the aggregate (R29). Not additive over days: every column of viewers or users.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_days_of': ['traffic', 'traffic_daily']}
) }}

-- Few rows a day come out of the one pass over the events.
with event_cells as (
    select shop_id, business_date, event_type, scene, count(*) as event_rows
    from {{ ref('stg_traffic_events') }}
    where {{ changed_days('business_date') }}
    group by shop_id, business_date, event_type, scene
),

event_volumes as (
    select
        shop_id, business_date,
        sum(event_rows) as event_rows,
        sum(case when scene = 'live' then event_rows else 0 end) as live_records,
        sum(case when event_type = 'impression' then event_rows else 0 end) as impressions,
        sum(case when event_type = 'impression' and scene in ('live', 'short_video') then event_rows else 0 end)
            as impressions_content,
        sum(case when event_type = 'view' then event_rows else 0 end) as views,
        sum(case when event_type = 'product_impression' then event_rows else 0 end) as product_impressions,
        sum(case when event_type = 'product_click' then event_rows else 0 end) as product_clicks
    from event_cells
    group by shop_id, business_date
),

event_people as (
    select shop_id, business_date, event_type, user_key
    from {{ ref('stg_traffic_events') }}
    where
        {{ changed_days('business_date') }}
        and event_type in ('view', 'product_impression', 'product_click')
        and user_key is not null
    group by shop_id, business_date, event_type, user_key
),

event_users as (
    select
        shop_id, business_date,
        count(*) filter (where event_type = 'view') as viewers,
        count(*) filter (where event_type = 'product_impression') as product_impression_users,
        count(*) filter (where event_type = 'product_click') as product_click_users
    from event_people
    group by shop_id, business_date
),

event_lives as (
    select
        shop_id, business_date,
        sum(viewers) as viewers, sum(interacting_viewers) as interacting_viewers, sum(watch_seconds) as watch_seconds
    from {{ ref('int_traffic__live_session_day') }}
    where {{ changed_days('business_date') }}
    group by shop_id, business_date
),

-- Rows that carry no number at all in a column leave it NULL; a scene without rows is a measured 0.
-- In a ratio a row lacking either side is left out of both (paired_…).
aggregates as (
    select
        shop_id, business_date,
        count(*) as aggregate_rows,
        count(*) filter (where scene = 'live') as live_records,
        sum(impressions) as impressions,
        case when count(*) filter (where scene in ('live', 'short_video')) = 0 then 0
            else sum(impressions) filter (where scene in ('live', 'short_video')) end as impressions_content,
        sum(views) as views,
        sum(viewers) as viewers,
        sum(product_impressions) as product_impressions,
        sum(product_clicks) as product_clicks,
        sum(product_impression_users) as product_impression_users,
        sum(product_click_users) as product_click_users,
        sum(product_impression_users) filter (where product_click_users is not null) as paired_product_impression_users,
        sum(product_click_users) filter (where product_impression_users is not null) as paired_product_click_users,
        sum(watch_seconds) filter (where scene = 'live' and viewers is not null) as dwell_seconds,
        sum(viewers) filter (where scene = 'live' and watch_seconds is not null) as dwell_viewers,
        sum(interacting_viewers) filter (where scene = 'live' and viewers is not null) as interacting_viewers,
        sum(viewers) filter (where scene = 'live' and interacting_viewers is not null) as interaction_viewers
    from {{ ref('stg_traffic_daily') }}
    where {{ changed_days('business_date') }}
    group by shop_id, business_date
),

-- The measured day of each source, before one of the two is chosen.
sources as (
    select
        coalesce(v.shop_id, a.shop_id) as shop_id,
        coalesce(v.business_date, a.business_date) as business_date,
        a.shop_id is not null as is_aggregate,
        a.live_records = 0 as has_no_live_row,
        coalesce(v.event_rows, 0) as event_rows,
        coalesce(a.aggregate_rows, 0) as aggregate_rows,
        coalesce(a.live_records, v.live_records) as live_records,
        case when a.shop_id is null then v.impressions else a.impressions end as impressions,
        case when a.shop_id is null then v.impressions_content else a.impressions_content end as impressions_content,
        case when a.shop_id is null then v.views else a.views end as views,
        case when a.shop_id is null then v.product_impressions else a.product_impressions end as product_impressions,
        case when a.shop_id is null then v.product_clicks else a.product_clicks end as product_clicks,
        a.viewers, a.product_impression_users, a.product_click_users, a.paired_product_impression_users,
        a.paired_product_click_users, a.dwell_seconds, a.dwell_viewers, a.interacting_viewers, a.interaction_viewers
    from event_volumes as v
    full outer join aggregates as a
        on v.shop_id = a.shop_id and v.business_date = a.business_date
)

select
    s.shop_id,
    s.business_date,
    case when s.is_aggregate then 'traffic_daily' else 'traffic_events' end as traffic_basis,
    cast(s.event_rows as bigint) as event_rows,
    cast(s.aggregate_rows as bigint) as aggregate_rows,
    cast(s.live_records as bigint) as live_records,
    cast(s.impressions as bigint) as impressions,
    cast(s.impressions_content as bigint) as impressions_content,
    cast(s.views as bigint) as views,
    cast(s.product_impressions as bigint) as product_impressions,
    cast(s.product_clicks as bigint) as product_clicks,
    cast(case when s.is_aggregate then s.viewers else coalesce(u.viewers, 0) end as bigint) as viewers,
    cast(case when s.is_aggregate then s.product_impression_users
        else coalesce(u.product_impression_users, 0) end as bigint) as product_impression_users,
    cast(case when s.is_aggregate then s.product_click_users
        else coalesce(u.product_click_users, 0) end as bigint) as product_click_users,
    cast(case when s.is_aggregate then s.paired_product_impression_users
        else coalesce(u.product_impression_users, 0) end as bigint) as paired_product_impression_users,
    cast(case when s.is_aggregate then s.paired_product_click_users
        else coalesce(u.product_click_users, 0) end as bigint) as paired_product_click_users,
    cast(case when s.is_aggregate and not s.has_no_live_row then s.dwell_seconds
        when s.is_aggregate then 0 else coalesce(l.watch_seconds, 0) end as decimal(18, 3)) as live_watch_seconds,
    cast(case when s.is_aggregate and not s.has_no_live_row then s.dwell_viewers
        when s.is_aggregate then 0 else coalesce(l.viewers, 0) end as bigint) as live_dwell_viewers,
    cast(case when s.is_aggregate and not s.has_no_live_row then s.interacting_viewers
        when s.is_aggregate then 0 else coalesce(l.interacting_viewers, 0) end as bigint) as live_interacting_viewers,
    cast(case when s.is_aggregate and not s.has_no_live_row then s.interaction_viewers
        when s.is_aggregate then 0 else coalesce(l.viewers, 0) end as bigint) as live_interaction_viewers
from sources as s
left join event_users as u
    on s.shop_id = u.shop_id and s.business_date = u.business_date
left join event_lives as l
    on s.shop_id = l.shop_id and s.business_date = l.business_date
