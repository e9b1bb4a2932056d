-- Grain: one campaign that has ended and won a buyer (shop_id, campaign_id): known users who paid in it and had not paid in the
-- year before it (R86, R96), and how many of them bought again. Campaigns may overlap: do not add them.
{{ config(materialized='view') }}

with rules as (
    select valid_from, lead(valid_from) over (order by valid_from) as valid_to, new_buyer_days
    from {{ ref('sales_buyers') }}
),

campaigns as (
    select k.shop_id, k.campaign_id, k.starts_on, k.ends_on, k.starts_on - r.new_buyer_days as looks_from
    from {{ ref('stg_campaigns') }} as k
    inner join rules as r
        on k.starts_on >= r.valid_from and (r.valid_to is null or k.starts_on < r.valid_to)
    where k.ends_on <= {{ run_date() }}
),

purchases as (
    select
        shop_id, user_key, paid_on,
        -- Effective on the run's day: what was refunded in full is no purchase any more.
        max(case when fully_refunded_on is null then 1 else 0 end) = 1 as is_effective
    from {{ ref('int_sales__line') }}
    where is_paid_line and user_key is not null
    group by shop_id, user_key, paid_on
),

buyers as (
    select k.shop_id, k.campaign_id, k.looks_from, p.user_key, min(p.paid_on) as first_paid_on
    from campaigns as k
    inner join purchases as p
        on k.shop_id = p.shop_id and p.paid_on >= k.starts_on and p.paid_on <= k.ends_on
    group by k.shop_id, k.campaign_id, k.looks_from, p.user_key
),

-- Whoever had paid in the year before is not won.
repeats as (
    select
        b.shop_id, b.campaign_id, b.user_key, b.first_paid_on,
        min(case when p.is_effective and p.paid_on > b.first_paid_on then p.paid_on end) as next_paid_on
    from buyers as b
    inner join purchases as p
        on
            b.shop_id = p.shop_id and b.user_key = p.user_key
            and p.paid_on >= b.looks_from and p.paid_on <= b.first_paid_on + 90
    group by b.shop_id, b.campaign_id, b.user_key, b.first_paid_on
    having min(p.paid_on) = b.first_paid_on
)

select
    shop_id,
    campaign_id,
    cast(count(*) as bigint) as buyers_won,
    cast(count(*) filter (where next_paid_on <= first_paid_on + 30) as bigint) as repeat_buyers_30d,
    cast(count(next_paid_on) as bigint) as repeat_buyers_90d
from repeats
group by shop_id, campaign_id
