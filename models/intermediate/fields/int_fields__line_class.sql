-- Grain: one paid line (shop_id, order_line_id): its purchase path, field and class of the field matrix; business_date is its pay
-- date. paid_amount adds up over any of them; is_marketing is an overlay, not a class. A night computes the pay dates whose
-- lines, touches or authors changed, no others.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_days_of': 'touched_sales'}
) }}

with entries as (
    select entry, max_by(direction, valid_from) as direction, max_by(is_paid, valid_from) as is_paid
    from {{ ref('paths_entries') }}
    where valid_from <= {{ run_date() }}
    group by entry
),

-- The author as known on the day the content was published, else on the pay date (R78).
lines as (
    select
        o.shop_id, o.paid_on as business_date, o.order_line_id, o.order_id, o.user_key, o.paid_amount, o.author_id, o.campaign_id,
        o.ad_id, o.entry, coalesce(o.scene, 'unknown') as scene, coalesce(c.published_on, o.paid_on) as author_on
    from {{ ref('stg_orders') }} as o
    left join {{ ref('stg_contents') }} as c
        on o.shop_id = c.shop_id and o.content_id = c.content_id and c.published_on <= {{ run_date() }}
    where o.is_paid_line and {{ changed_days('o.paid_on') }}
),

touches as (
    select shop_id, order_line_id, last_touch_is_pull, has_content_touch
    from {{ ref('int_fields__line_touch') }}
    where {{ changed_days('business_date') }}
),

attributed as (
    select
        l.shop_id, l.business_date, l.order_line_id, l.order_id, l.user_key, l.paid_amount, l.scene, s.field,
        l.campaign_id is not null as is_campaign,
        l.author_id is not null and not coalesce(a.is_own, false) as is_external,
        l.author_id is not null and coalesce(a.is_own, false) as is_own,
        coalesce(a.is_head, false) as is_head,
        coalesce(e.is_paid, false) or l.ad_id is not null as is_advertised,
        -- An entry decides where it fits: pull anywhere, push in content scenes (R67, R109).
        case
            when e.direction = 'pull' then 'pull'
            when e.direction = 'push' and s.field = 'content' then 'push'
            when t.last_touch_is_pull then 'pull'
            when not t.last_touch_is_pull then 'push'
        end as direction,
        coalesce(t.has_content_touch, false) as has_content_touch
    from lines as l
    inner join {{ ref('fields_scenes') }} as s
        on l.scene = s.scene
    left join entries as e
        on l.entry = e.entry
    left join {{ ref('int_fields__author_period') }} as a
        on
            l.shop_id = a.shop_id and l.author_id = a.author_id
            and l.author_on >= a.valid_from and l.author_on < coalesce(a.valid_to, {{ never() }})
    left join touches as t
        on l.shop_id = t.shop_id and l.order_line_id = t.order_line_id
)

select
    shop_id, business_date, order_line_id, order_id, user_key, paid_amount, scene, field,
    case
        when direction = 'push' then 'direct_push'
        when direction = 'pull' and has_content_touch then 'content_assisted_pull'
        when direction = 'pull' then 'pure_pull'
        else 'unknown'
    end as path_class,
    case
        when is_external and is_head then 'head_author'
        when is_campaign then 'campaign'
        when is_external then 'author_matrix'
        when is_own then 'own'
        else 'shelf'
    end as field_class,
    is_campaign,
    is_external,
    is_advertised or is_campaign or is_external as is_marketing
from attributed
