-- Grain: one touch (shop_id, event_id): a behaviour of a known user other than being shown something (R66), and whether its
-- author is external on the day its content was published, else on its own day (R78). Readers bound business_date.
{{ config(materialized='view') }}

with touching as (
    select event_type
    from {{ ref('paths_touches') }}
    where valid_from <= {{ run_date() }}
    group by event_type
    having max_by(is_touch, valid_from)
)

select
    e.shop_id, e.event_id, e.occurred_at, e.business_date, e.user_key, e.scene, e.traffic_source, e.product_id, e.campaign_id,
    (e.author_id is not null and a.author_id is null) as is_external
from {{ ref('stg_traffic_events') }} as e
inner join touching as t
    on e.event_type = t.event_type
left join {{ ref('stg_contents') }} as c
    on e.shop_id = c.shop_id and e.content_id = c.content_id and c.published_on <= {{ run_date() }}
left join {{ ref('int_fields__own_account') }} as a
    on
        e.shop_id = a.shop_id and e.author_id = a.author_id
        and coalesce(c.published_on, e.business_date) >= a.valid_from
        and coalesce(c.published_on, e.business_date) < coalesce(a.valid_to, {{ never() }})
where e.user_key is not null
