-- Grain: one campaign that has begun (shop_id, campaign_id): what its days, and the days after it that are no campaign days,
-- bring without campaigns: medians of the weekday before the warm-up (R92, R94). A baseline is NULL when a day has no median;
-- it is rounded once, half up. Campaigns may overlap: do not add them.
{{ config(materialized='view') }}

with campaigns as (
    select
        k.shop_id, k.campaign_id, k.starts_on, k.ends_on, k.ends_on + r.after_days as after_ends_on,
        k.warm_up_on - r.baseline_gap_days as baseline_ends_on,
        k.warm_up_on - r.baseline_gap_days - r.baseline_days + 1 as baseline_starts_on,
        r.baseline_minimum_points
    from {{ ref('stg_campaigns') }} as k
    cross join {{ ref('int_growth__rule') }} as r
    where k.starts_on <= {{ run_date() }}
),

shop_days as (
    select
        c.shop_id, c.business_date, coalesce(s.paid_amount, 0) as paid_amount, k.shop_id is not null as is_campaign_day,
        {{ day_diff('c.business_date', "date '2000-01-03'") }} % 7 as weekday_number
    from {{ ref('int_shop__calendar') }} as c
    left join {{ ref('int_sales__shop_day') }} as s
        on c.shop_id = s.shop_id and c.business_date = s.business_date
    left join {{ ref('int_campaign__day') }} as k
        on c.shop_id = k.shop_id and c.business_date = k.business_date
),

points as (
    select
        k.shop_id, k.campaign_id, k.baseline_minimum_points, d.weekday_number, d.paid_amount,
        row_number() over (
            partition by k.shop_id, k.campaign_id, d.weekday_number order by d.paid_amount, d.business_date
        ) as place,
        count(*) over (partition by k.shop_id, k.campaign_id, d.weekday_number) as n
    from campaigns as k
    inner join shop_days as d
        on
            k.shop_id = d.shop_id and d.business_date >= k.baseline_starts_on and d.business_date <= k.baseline_ends_on
            and not d.is_campaign_day
),

-- Twice the median: the sum of the two middle values, of an odd number of points the same one twice.
medians as (
    select
        shop_id, campaign_id, weekday_number,
        sum(case when 2 * place in (n, n + 1) then paid_amount else 0 end)
        + sum(case when 2 * place in (n + 1, n + 2) then paid_amount else 0 end) as doubled_median
    from points
    group by shop_id, campaign_id, weekday_number
    having max(n) >= max(baseline_minimum_points)
),

days as (
    select
        k.shop_id, k.campaign_id, d.paid_amount, m.doubled_median,
        d.business_date <= k.ends_on as is_within, {{ day_diff('k.ends_on', 'k.starts_on') }} + 1 as campaign_days
    from campaigns as k
    inner join shop_days as d
        on
            k.shop_id = d.shop_id and d.business_date >= k.starts_on and d.business_date <= k.after_ends_on
            and (d.business_date <= k.ends_on or not d.is_campaign_day)
    left join medians as m
        on k.shop_id = m.shop_id and k.campaign_id = m.campaign_id and d.weekday_number = m.weekday_number
),

sums as (
    select
        shop_id, campaign_id,
        case when count(doubled_median) filter (where is_within) = max(campaign_days)
            then sum(doubled_median) filter (where is_within) end as doubled_baseline,
        case when count(doubled_median) filter (where not is_within) = count(*) filter (where not is_within)
            then coalesce(sum(doubled_median) filter (where not is_within), 0) end as doubled_baseline_after,
        coalesce(sum(paid_amount) filter (where not is_within), 0) as paid_amount_after
    from days
    group by shop_id, campaign_id
)

select
    shop_id,
    campaign_id,
    cast(cast(doubled_baseline as decimal(20, 2)) * cast(0.5 as decimal(2, 1)) as decimal(18, 2)) as baseline_amount,
    cast(cast(doubled_baseline_after as decimal(20, 2)) * cast(0.5 as decimal(2, 1)) as decimal(18, 2)) as baseline_amount_after,
    cast(paid_amount_after as decimal(18, 2)) as paid_amount_after
from sums
