-- Grain: one calendar day of a shop (shop_id, business_date): the parts of the operating score that add up over days.
-- Not additive: buyers_90d and repeat_buyers_90d (a window that ends on the day). NULL = the day's source does not carry it.
-- Events of a shop that names nobody cannot count people (R13b); an aggregate has counted them already.
with days as (
    select
        c.shop_id, c.business_date, c.first_on, s.first_traffic_on, s.has_orders, s.has_contents, s.names_users,
        coalesce(t.live_records, 0) as live_records,
        (t.shop_id is null) as is_without_traffic,
        (s.names_users or coalesce(t.traffic_basis, '') = 'traffic_daily') as counts_people,
        t.impressions_content, t.live_watch_seconds, t.live_dwell_viewers, t.live_interacting_viewers,
        t.live_interaction_viewers, t.paired_product_click_users, t.paired_product_impression_users, t.product_click_users,
        coalesce(p.paid_amount, 0) as paid_amount, coalesce(p.units, 0) as units, coalesce(p.buyers, 0) as buyers,
        r.buyers as buyers_90d, r.repeat_buyers as repeat_buyers_90d
    from {{ ref('int_shop__calendar') }} as c
    inner join {{ ref('int_shop__sources') }} as s
        on c.shop_id = s.shop_id
    left join {{ ref('int_traffic__shop_day') }} as t
        on c.shop_id = t.shop_id and c.business_date = t.business_date
    left join {{ ref('int_sales__shop_day') }} as p
        on c.shop_id = p.shop_id and c.business_date = p.business_date
    left join {{ ref('int_sales__repurchase_day') }} as r
        on c.shop_id = r.shop_id and c.business_date = r.business_date and r.window_days = 90
),

-- A day without traffic is a measured 0 (R3).
measured as (
    select
        days.*,
        case when is_without_traffic then 0 else impressions_content end as content_impressions,
        case when counts_people then (case when is_without_traffic then 0 else product_click_users end) end as clickers,
        case when counts_people then (case when is_without_traffic then 0 else paired_product_click_users end) end
            as rated_clickers,
        case when counts_people then (case when is_without_traffic then 0 else paired_product_impression_users end) end
            as rated_exposed_users
    from days
)

select
    shop_id, business_date, first_on, first_traffic_on, has_orders, has_contents, names_users,
    cast(live_records as bigint) as live_records,
    cast(content_impressions as bigint) as content_impressions,
    cast(case when counts_people and live_records > 0 then live_watch_seconds end as decimal(18, 3)) as live_watch_seconds,
    cast(case when counts_people and live_records > 0 then live_dwell_viewers end as bigint) as live_dwell_viewers,
    cast(case when counts_people and live_records > 0 then live_interacting_viewers end as bigint)
        as live_interacting_viewers,
    cast(case when counts_people and live_records > 0 then live_interaction_viewers end as bigint)
        as live_interaction_viewers,
    cast(rated_clickers as bigint) as rated_clickers,
    cast(rated_exposed_users as bigint) as rated_exposed_users,
    cast(clickers as bigint) as clickers,
    -- Buyers are always those of the orders (R34), on the days whose clickers are known.
    cast(case when clickers is not null then buyers end as bigint) as clicker_day_buyers,
    cast(paid_amount as decimal(18, 2)) as paid_amount,
    cast(units as bigint) as units,
    cast(buyers_90d as bigint) as buyers_90d,
    cast(repeat_buyers_90d as bigint) as repeat_buyers_90d
from measured
