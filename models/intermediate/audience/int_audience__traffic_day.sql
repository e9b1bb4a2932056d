-- Grain: what one day's traffic of a known user holds up, and until when (exclusive): a day's own behaviours and, as a row of
-- its own, the short views of that day together with the days before (R19). Facts that cannot reach a day of
-- int_audience__scope are left out, and users who are not due.
{{ config(materialized='view') }}

with days as (
    select t.shop_id, t.user_key, t.business_date, t.has_attraction, t.has_question, t.short_views
    from {{ ref('int_traffic__user_day') }} as t
    cross join {{ ref('int_audience__rules') }} as r
    inner join {{ ref('int_audience__due_users') }} as u
        on t.shop_id = u.shop_id and t.user_key = u.user_key and t.business_date >= u.start_on - r.traffic_days
    where t.business_date >= {{ audience_scope('traffic_from') }}
),

view_days as (
    select
        shop_id, user_key, business_date, has_attraction, short_views,
        lag(business_date, 1) over by_day as day_before,
        lag(short_views, 1) over by_day as views_before,
        lag(business_date, 2) over by_day as second_day_before,
        lag(short_views, 2) over by_day as views_second_before
    from days
    where short_views > 0
    window by_day as (partition by shop_id, user_key order by business_date)
),

-- The latest day from which on there are enough views on enough days.
enough_views as (
    select
        v.shop_id, v.user_key, v.business_date,
        case
            when v.short_views >= r.short_views and r.short_view_days <= 1 then v.business_date
            when v.short_views + v.views_before >= r.short_views and r.short_view_days <= 2 then v.day_before
            when v.short_views + v.views_before + v.views_second_before >= r.short_views then v.second_day_before
        end + r.a2_days as a2_until
    from view_days as v
    cross join {{ ref('int_audience__rules') }} as r
    where not v.has_attraction
)

select
    d.shop_id, d.user_key, d.business_date,
    d.business_date + r.a1_days as a1_until,
    case when d.has_attraction then d.business_date + r.a2_days end as a2_until,
    case when d.has_question then d.business_date + r.a3_days end as a3_until
from days as d
cross join {{ ref('int_audience__rules') }} as r
union all
select
    shop_id, user_key, business_date,
    cast(null as date) as a1_until,
    a2_until,
    cast(null as date) as a3_until
from enough_views
where a2_until > business_date
