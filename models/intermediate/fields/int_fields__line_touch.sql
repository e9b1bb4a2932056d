-- Grain: one paid line of a known user who was touched in the look-back before the payment, both ends in (shop_id,
-- order_line_id); business_date is its pay date. A night reads the events around the pay dates it computes, no others.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_days_of': 'touched_sales'}
) }}

-- One row a day looked back, so that a user's touches are found by day.
with line_days as (
    select
        o.shop_id, o.order_line_id, o.paid_on, o.user_key, o.product_id, o.paid_at,
        o.paid_at - r.look_back_hours * interval '1' hour as looks_from,
        cast(d.touched_on as date) as touched_on
    from {{ ref('stg_orders') }} as o
    cross join {{ ref('int_fields__rule') }} as r,
        {{ days_between('o.paid_on - r.look_back_days', 'o.paid_on') }} as d (touched_on)
    where o.is_paid_line and o.user_key is not null and {{ changed_days('o.paid_on') }}
),

touches as (
    select
        l.shop_id, l.order_line_id, l.paid_on, s.field, s.operating_function, t.is_external, t.campaign_id, t.traffic_source,
        t.product_id = l.product_id as is_same_product, t.occurred_at, t.event_id
    from line_days as l
    inner join {{ ref('int_fields__touch') }} as t
        on
            l.shop_id = t.shop_id and l.user_key = t.user_key and l.touched_on = t.business_date
            and t.occurred_at >= l.looks_from and t.occurred_at <= l.paid_at
    inner join {{ ref('fields_scenes') }} as s
        on t.scene = s.scene
    where {{ touch_days('t.business_date') }}
),

-- The touch of the product that came last, ties by event_id (R67).
last_touches as (
    select shop_id, order_line_id, is_pull
    from (
        select
            shop_id, order_line_id,
            field = 'center' or coalesce(traffic_source, '') = 'search' as is_pull,
            row_number() over (partition by shop_id, order_line_id order by occurred_at desc, event_id desc) as place
        from touches
        where is_same_product
    ) as ranked
    where place = 1
),

line_touches as (
    select
        shop_id, order_line_id, paid_on,
        max(case when field = 'content' then 1 else 0 end) as in_content,
        max(case when operating_function = 'live' and not is_external then 1 else 0 end) as by_live,
        max(case when operating_function = 'short_video' and not is_external then 1 else 0 end) as by_short_video,
        max(case when operating_function = 'mall' and not is_external then 1 else 0 end) as by_mall,
        max(case when is_external then 1 else 0 end) as by_author,
        max(case when campaign_id is not null then 1 else 0 end) as by_campaign,
        max(case when traffic_source = 'paid' then 1 else 0 end) as by_ad
    from touches
    group by shop_id, order_line_id, paid_on
)

select
    t.shop_id,
    t.paid_on as business_date,
    t.order_line_id,
    p.is_pull as last_touch_is_pull,
    t.in_content = 1 as has_content_touch,
    t.by_live = 1 as has_live_touch,
    t.by_short_video = 1 as has_short_video_touch,
    t.by_mall = 1 as has_mall_touch,
    t.by_author = 1 as has_author_touch,
    t.by_campaign = 1 as has_campaign_touch,
    t.by_ad = 1 as has_ad_touch
from line_touches as t
left join last_touches as p
    on t.shop_id = p.shop_id and t.order_line_id = p.order_line_id
