-- Grain: one calendar day of a shop (shop_id, business_date). Not additive over days: viewers, *_users, buyers, orders, and
-- every rate. refund_by_pay_date, net_amount and closed_without_refund_lines are restated every night (R85).
with refunds_by_pay_date as (
    select shop_id, paid_on as business_date, sum(counted_amount) as counted_amount
    from {{ ref('int_sales__refund') }}
    group by shop_id, paid_on
),

-- On a day before its line was paid a refund was one of an unpaid line, and is ignored there (R2, R10).
refunds_by_refund_date as (
    select
        shop_id, refunded_on as business_date, sum(counted_amount) as counted_amount, sum(excess_amount) as excess_amount
    from {{ ref('int_sales__refund') }}
    where paid_on <= refunded_on
    group by shop_id, refunded_on
),

closed_lines as (
    select shop_id, paid_on as business_date, count(*) as closed_without_refund_lines
    from {{ ref('int_sales__line') }}
    where is_closed_without_refund
    group by shop_id, paid_on
),

ad_costs as (
    select shop_id, business_date, sum(cost_amount) as cost_amount
    from {{ ref('stg_ad_spend') }}
    group by shop_id, business_date
),

days as (
    select
        c.shop_id, c.business_date, coalesce(f.has_orders, false) as has_orders,
        coalesce(f.has_orders, false) and coalesce(f.has_refunds, false) as has_refunds,
        coalesce(f.has_orders, false) and coalesce(f.names_users, false) as names_buyers,
        f.first_traffic_on is not null and c.business_date >= f.first_traffic_on as is_measured,
        coalesce(t.traffic_basis = 'traffic_daily', false) or coalesce(f.names_users, false) as counts_people,
        t.shop_id is not null as has_traffic, t.traffic_basis, t.impressions, t.views, t.viewers,
        t.product_impressions, t.product_clicks, t.product_impression_users, t.product_click_users,
        coalesce(s.orders, 0) as orders, coalesce(s.units, 0) as units, coalesce(s.paid_amount, 0) as paid_amount,
        coalesce(s.buyers, 0) as buyers, coalesce(s.returning_buyers, 0) as returning_buyers,
        coalesce(s.known_buyers_amount, 0) as known_buyers_amount,
        coalesce(p.counted_amount, 0) as refund_by_pay_date, coalesce(r.counted_amount, 0) as refund_by_refund_date,
        coalesce(r.excess_amount, 0) as excess_refund_amount,
        coalesce(l.closed_without_refund_lines, 0) as closed_without_refund_lines,
        a.cost_amount, y.paid_amount as paid_amount_year_before, w.paid_amount as paid_amount_week_before
    from {{ ref('int_shop__calendar') }} as c
    left join {{ ref('int_shop__sources') }} as f
        on c.shop_id = f.shop_id
    left join {{ ref('int_traffic__shop_day') }} as t
        on c.shop_id = t.shop_id and c.business_date = t.business_date
    left join {{ ref('int_sales__shop_day') }} as s
        on c.shop_id = s.shop_id and c.business_date = s.business_date
    left join refunds_by_pay_date as p
        on c.shop_id = p.shop_id and c.business_date = p.business_date
    left join refunds_by_refund_date as r
        on c.shop_id = r.shop_id and c.business_date = r.business_date
    left join closed_lines as l
        on c.shop_id = l.shop_id and c.business_date = l.business_date
    left join ad_costs as a
        on c.shop_id = a.shop_id and c.business_date = a.business_date
    left join {{ ref('int_sales__shop_day') }} as y
        on c.shop_id = y.shop_id and y.business_date = {{ year_before('c.business_date') }}
    left join {{ ref('int_sales__shop_day') }} as w
        on c.shop_id = w.shop_id and w.business_date = c.business_date - 7
)

select
    shop_id,
    business_date,
    -- From the first traffic day on a day without traffic is a measured 0 (R3).
    cast(case when has_traffic then impressions when is_measured then 0 end as bigint) as impressions,
    cast(case when has_traffic then views when is_measured then 0 end as bigint) as views,
    cast(case when not counts_people then null when has_traffic then viewers when is_measured then 0 end as bigint) as viewers,
    cast(case
        when not counts_people then null when has_traffic then product_impression_users when is_measured then 0
    end as bigint) as product_impression_users,
    cast(case
        when not counts_people then null when has_traffic then product_click_users when is_measured then 0
    end as bigint) as product_click_users,
    cast(case when names_buyers then buyers end as bigint) as buyers,
    cast(case when has_orders then orders end as bigint) as orders,
    cast(case when has_orders then units end as bigint) as units,
    cast(case when has_orders then paid_amount end as decimal(18, 2)) as paid_amount,
    cast(case when has_refunds then paid_amount - refund_by_pay_date when has_orders then paid_amount end as decimal(18, 2))
        as net_amount,
    cast(case when has_refunds then refund_by_pay_date end as decimal(18, 2)) as refund_by_pay_date,
    cast(case when has_refunds then refund_by_refund_date end as decimal(18, 2)) as refund_by_refund_date,
    cast(case when has_refunds then excess_refund_amount end as decimal(18, 2)) as excess_refund_amount,
    cast(case when names_buyers then buyers - returning_buyers end as bigint) as new_buyers,
    cast(case when names_buyers then returning_buyers end as bigint) as returning_buyers,
    case when has_orders then cast(paid_amount as double) / cast(nullif(cost_amount, 0) as double) end as roi,
    case
        when has_orders then cast(paid_amount as double) / cast(nullif(paid_amount_year_before, 0) as double) - 1
    end as paid_amount_yoy,
    case when has_traffic then traffic_basis when is_measured then 'traffic_events' end as traffic_basis,
    cast(case when has_traffic then product_impressions when is_measured then 0 end as bigint) as product_impressions,
    cast(case when has_traffic then product_clicks when is_measured then 0 end as bigint) as product_clicks,
    case when has_orders then cast(paid_amount as double) / nullif(orders, 0) end as amount_per_order,
    case when names_buyers then cast(known_buyers_amount as double) / nullif(buyers, 0) end as amount_per_buyer,
    case when has_orders then cast(paid_amount as double) / nullif(units, 0) end as price_per_unit,
    case
        when has_orders then cast(paid_amount as double) / cast(nullif(paid_amount_week_before, 0) as double) - 1
    end as paid_amount_wow,
    cast(case when has_orders then closed_without_refund_lines end as bigint) as closed_without_refund_lines,
    {{ rule_version() }} as rule_version,
    case when (case when has_traffic then impressions when is_measured then 0 end) is null then 'missing_source' else 'ok' end
        as data_status
from days
