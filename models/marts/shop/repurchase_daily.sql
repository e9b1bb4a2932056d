-- Grain: one calendar day of a shop (shop_id, business_date). Nothing here is additive over days: the windows overlap.
with windows as (
    select
        shop_id, business_date,
        max(case when window_days = 30 then buyers end) as buyers_30d,
        max(case when window_days = 30 then repeat_buyers end) as repeat_buyers_30d,
        max(case when window_days = 90 then buyers end) as buyers_90d,
        max(case when window_days = 90 then repeat_buyers end) as repeat_buyers_90d,
        max(case when window_days = 180 then buyers end) as buyers_180d,
        max(case when window_days = 180 then repeat_buyers end) as repeat_buyers_180d,
        max(case when window_days = 365 then buyers end) as buyers_365d,
        max(case when window_days = 365 then repeat_buyers end) as repeat_buyers_365d
    from {{ ref('int_sales__repurchase_day') }}
    group by shop_id, business_date
),

-- Without orders, or without a user in any order or event, nothing is known about people (R13b).
known as (
    select
        c.shop_id, c.business_date, (coalesce(f.has_orders, false) and f.names_users) as names_buyers,
        w.buyers_30d, w.repeat_buyers_30d, w.buyers_90d, w.repeat_buyers_90d,
        w.buyers_180d, w.repeat_buyers_180d, w.buyers_365d, w.repeat_buyers_365d
    from {{ ref('int_shop__calendar') }} as c
    left join {{ ref('int_shop__sources') }} as f
        on c.shop_id = f.shop_id
    left join windows as w
        on c.shop_id = w.shop_id and c.business_date = w.business_date
)

select
    shop_id,
    business_date,
    case when names_buyers then cast(repeat_buyers_30d as double) / nullif(buyers_30d, 0) end as repurchase_rate_30d,
    case when names_buyers then cast(repeat_buyers_90d as double) / nullif(buyers_90d, 0) end as repurchase_rate_90d,
    case when names_buyers then cast(repeat_buyers_180d as double) / nullif(buyers_180d, 0) end as repurchase_rate_180d,
    case when names_buyers then cast(repeat_buyers_365d as double) / nullif(buyers_365d, 0) end as repurchase_rate_365d,
    case when names_buyers then buyers_30d end as buyers_30d,
    case when names_buyers then buyers_90d end as buyers_90d,
    case when names_buyers then buyers_180d end as buyers_180d,
    case when names_buyers then buyers_365d end as buyers_365d,
    case when names_buyers then repeat_buyers_30d end as repeat_buyers_30d,
    case when names_buyers then repeat_buyers_90d end as repeat_buyers_90d,
    case when names_buyers then repeat_buyers_180d end as repeat_buyers_180d,
    case when names_buyers then repeat_buyers_365d end as repeat_buyers_365d,
    {{ rule_version() }} as rule_version,
    case
        when not coalesce(names_buyers, false) then 'missing_source'
        when coalesce(buyers_30d, 0) = 0 then 'insufficient'
        else 'ok'
    end as data_status
from known
