-- Grain: the first touch of a known user by a content (shop_id, content_id, user_key); business_date is its day. Events never
-- change or vanish, so a night can only add pairs or move one to an earlier day. Pairs are not people: do not add contents.
{{ config(
    materialized='incremental', incremental_strategy='replace_first_touches', meta={'rebuild_days_of': 'traffic'}
) }}

with touching as (
    select event_type
    from {{ ref('paths_touches') }}
    where valid_from <= {{ run_date() }}
    group by event_type
    having max_by(is_touch, valid_from)
),

touches as (
    select e.shop_id, e.content_id, e.user_key, min(e.business_date) as business_date
    from {{ ref('stg_traffic_events') }} as e
    inner join touching as t
        on e.event_type = t.event_type
    where {{ changed_days('e.business_date') }} and e.user_key is not null and e.content_id is not null
    group by e.shop_id, e.content_id, e.user_key
)

select t.shop_id, t.content_id, t.user_key, t.business_date
from touches as t
{%- if is_incremental() %}
left join {{ this }} as h
    on t.shop_id = h.shop_id and t.content_id = h.content_id and t.user_key = h.user_key
where h.business_date is null or h.business_date > t.business_date
{%- endif %}
order by t.business_date
