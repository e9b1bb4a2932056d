-- Grain: one campaign of the feed that has begun (shop_id, campaign_id), as of the run's day; complete once it has ended (R93).
-- Campaigns may overlap and share days, buyers and sales: do not add them.
with shops as (
    select
        c.shop_id, c.first_on, coalesce(f.has_orders, false) as has_orders, coalesce(f.names_users, false) as names_users,
        coalesce(f.has_orders and f.names_users, false) as names_buyers
    from {{ ref('int_shop__calendar') }} as c
    left join {{ ref('int_shop__sources') }} as f
        on c.shop_id = f.shop_id
    where c.business_date = {{ run_date() }}
),

campaigns as (
    select
        k.shop_id, k.campaign_id, k.name, k.kind, k.is_verified, k.warm_up_on, k.starts_on, k.ends_on, s.first_on, s.has_orders,
        s.names_users, s.names_buyers, k.ends_on <= {{ run_date() }} as has_ended,
        k.ends_on + r.after_days <= {{ run_date() }} as has_passed,
        k.ends_on + 30 <= {{ run_date() }} as is_month_over,
        k.ends_on + 90 <= {{ run_date() }} as is_quarter_over
    from {{ ref('stg_campaigns') }} as k
    inner join shops as s
        on k.shop_id = s.shop_id
    cross join {{ ref('int_growth__rule') }} as r
    where k.starts_on <= {{ run_date() }}
),

paid as (
    select k.shop_id, k.campaign_id, sum(d.paid_amount) as paid_amount
    from campaigns as k
    inner join {{ ref('int_sales__shop_day') }} as d
        on k.shop_id = d.shop_id and d.business_date >= k.starts_on and d.business_date <= k.ends_on
    group by k.shop_id, k.campaign_id
),

costs as (
    select k.shop_id, k.campaign_id, sum(a.cost_amount) as cost_amount
    from campaigns as k
    inner join {{ ref('stg_ad_spend') }} as a
        on
            k.shop_id = a.shop_id and k.campaign_id = a.campaign_id
            and a.business_date >= k.warm_up_on and a.business_date <= k.ends_on
    group by k.shop_id, k.campaign_id
),

-- People the campaign moved: stock at its end less stock on the eve of its warm-up (R95); none before the calendar.
gains as (
    select
        k.shop_id, k.campaign_id,
        sum(case when s.layer <> 3 then 0 when s.business_date = k.ends_on then s.users else -s.users end) as a3_gained,
        sum(case when s.business_date = k.ends_on then s.users else -s.users end) as asset_gained
    from campaigns as k
    inner join {{ ref('int_audience__stock') }} as s
        on k.shop_id = s.shop_id and (s.business_date = k.ends_on or s.business_date = k.warm_up_on - 1)
    where s.layer > 0 and k.warm_up_on - 1 >= k.first_on and k.warm_up_on <= k.ends_on
    group by k.shop_id, k.campaign_id
),

amounts as (
    select
        k.shop_id, k.campaign_id, k.name, k.kind, k.is_verified, k.warm_up_on, k.starts_on, k.ends_on,
        k.has_orders, k.has_ended,
        case when k.has_orders then coalesce(p.paid_amount, 0) end as paid_amount,
        case when k.has_orders and k.has_ended then b.baseline_amount end as baseline_amount,
        case when k.has_orders and k.has_passed then b.paid_amount_after - b.baseline_amount_after end as amount_after,
        case when k.names_users and k.has_ended then g.a3_gained end as a3_gained,
        case when k.names_users and k.has_ended then g.asset_gained end as asset_gained,
        case when k.names_buyers and k.has_ended then coalesce(w.buyers_won, 0) end as buyers_won,
        case when k.names_buyers and k.is_month_over then coalesce(w.repeat_buyers_30d, 0) end as repeat_buyers_30d,
        case when k.names_buyers and k.is_quarter_over then coalesce(w.repeat_buyers_90d, 0) end as repeat_buyers_90d,
        case when k.has_ended then c.cost_amount end as cost_amount
    from campaigns as k
    left join paid as p
        on k.shop_id = p.shop_id and k.campaign_id = p.campaign_id
    left join {{ ref('int_growth__campaign_baseline') }} as b
        on k.shop_id = b.shop_id and k.campaign_id = b.campaign_id
    left join gains as g
        on k.shop_id = g.shop_id and k.campaign_id = g.campaign_id
    left join {{ ref('int_growth__campaign_buyer') }} as w
        on k.shop_id = w.shop_id and k.campaign_id = w.campaign_id
    left join costs as c
        on k.shop_id = c.shop_id and k.campaign_id = c.campaign_id
)

select
    shop_id,
    campaign_id,
    cast(paid_amount as decimal(18, 2)) as paid_amount,
    cast(baseline_amount as decimal(18, 2)) as baseline_amount,
    cast(paid_amount - baseline_amount as double) / cast(nullif(baseline_amount, 0) as double) as uplift,
    cast(paid_amount - baseline_amount as decimal(18, 2)) as incremental_amount,
    cast(paid_amount - baseline_amount + amount_after as decimal(18, 2)) as net_incremental_amount,
    cast(a3_gained as bigint) as a3_gained,
    cast(asset_gained as bigint) as asset_gained,
    cast(repeat_buyers_30d as double) / cast(nullif(buyers_won, 0) as double) as repurchase_30d,
    cast(repeat_buyers_90d as double) / cast(nullif(buyers_won, 0) as double) as repurchase_90d,
    case when has_ended then cast(paid_amount as double) / cast(nullif(cost_amount, 0) as double) end as roi,
    name as campaign_name,
    kind,
    is_verified,
    warm_up_on,
    starts_on,
    ends_on,
    cast(buyers_won as bigint) as buyers_won,
    cast(repeat_buyers_30d as bigint) as repeat_buyers_30d,
    cast(repeat_buyers_90d as bigint) as repeat_buyers_90d,
    cast(cost_amount as decimal(18, 2)) as cost_amount,
    {{ rule_version() }} as rule_version,
    cast(case when not has_orders then 'missing_source' when not has_ended then 'immature' else 'ok' end as varchar)
        as data_status
from amounts
