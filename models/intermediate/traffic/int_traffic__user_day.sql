-- Grain: one known user's day with an event (shop_id, business_date, user_key): which 5A tests it meets on its own.
-- Days are additive in short_views alone. Stored in day order, so that a night reads its slice only.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_days_of': 'traffic'}
) }}

with behaviours as (
    select event_type, max_by(layer, valid_from) as layer, max_by(is_share, valid_from) as is_share
    from {{ ref('audience_behaviours') }}
    where valid_from <= {{ run_date() }}
    group by event_type
),

long_views as (
    select scene, max_by(long_view_seconds, valid_from) as long_view_seconds
    from {{ ref('audience_views') }}
    where valid_from <= {{ run_date() }}
    group by scene
)

select
    e.shop_id,
    e.business_date,
    e.user_key,
    max(case
        when b.layer = 2 then 1
        when e.event_type = 'view' and (e.is_complete_play or e.watch_seconds >= v.long_view_seconds) then 1
        else 0
    end) = 1 as has_attraction,
    max(case when b.layer = 3 then 1 else 0 end) = 1 as has_question,
    max(case when b.is_share then 1 else 0 end) = 1 as has_share,
    cast(
        sum(case when e.event_type = 'view' and e.watch_seconds >= r.short_view_seconds then 1 else 0 end) as integer
    ) as short_views
from {{ ref('stg_traffic_events') }} as e
inner join behaviours as b
    on e.event_type = b.event_type
inner join long_views as v
    on e.scene = v.scene
cross join {{ ref('int_audience__rules') }} as r
where
    {{ changed_days('e.business_date') }}
    and e.user_key is not null
group by e.shop_id, e.business_date, e.user_key
order by e.business_date
