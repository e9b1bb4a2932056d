-- Grain: one calendar day of a shop (shop_id, business_date), by the day a bag was opened. participants are sums over bags, not
-- people (R90); the conversions count pairs of content and user (R108). Additive over days: bags, participations, participants,
-- winners, overlaps, cost_amount.
with bags as (
    select
        shop_id, content_id, started_on, started_at, participations, participants, winners, cost_amount,
        lag(started_at) over in_session as previous_started_at,
        lag(ended_at) over in_session as previous_ended_at
    from {{ ref('stg_lucky_bags') }}
    window in_session as (partition by shop_id, content_id order by started_at, bag_id)
),

-- A gap and an overlap belong to the later bag of two.
bag_days as (
    select
        shop_id, started_on as business_date,
        count(*) as bags,
        sum(participations) as participations,
        sum(participants) as participants,
        sum(winners) as winners,
        sum(cost_amount) as cost_amount,
        sum({{ microseconds_between('previous_started_at', 'started_at') }}) as interval_microseconds,
        count(previous_started_at) as intervals,
        sum(case when previous_ended_at > started_at then 1 else 0 end) as overlapping_bags
    from bags
    group by shop_id, started_on
),

bag_contents as (
    select shop_id, content_id, started_on
    from bags
    group by shop_id, content_id, started_on
),

purchases as (
    select shop_id, content_id, user_key, paid_on
    from {{ ref('stg_orders') }}
    where is_paid_line and content_id is not null and user_key is not null
    group by shop_id, content_id, user_key, paid_on
),

-- Who joined or viewed a content on a day it had a bag, and whether that content sold something to them that day.
pairs as (
    select u.shop_id, u.business_date, u.has_joined_bag, p.user_key is not null as has_bought
    from {{ ref('int_value__content_user_day') }} as u
    inner join bag_contents as b
        on u.shop_id = b.shop_id and u.content_id = b.content_id and u.business_date = b.started_on
    left join purchases as p
        on
            u.shop_id = p.shop_id and u.content_id = p.content_id and u.user_key = p.user_key
            and u.business_date = p.paid_on
    where u.has_joined_bag or u.has_viewed
),

pair_days as (
    select
        shop_id, business_date,
        sum(case when has_joined_bag then 1 else 0 end) as joined,
        sum(case when has_joined_bag and has_bought then 1 else 0 end) as joined_buyers,
        sum(case when has_joined_bag then 0 else 1 end) as others,
        sum(case when has_bought and not has_joined_bag then 1 else 0 end) as other_buyers
    from pairs
    group by shop_id, business_date
),

days as (
    select
        c.shop_id, c.business_date, b.shop_id is not null as has_bags,
        coalesce(f.has_lucky_bags, false) as is_measured,
        coalesce(f.has_lucky_bags and f.has_orders and f.names_users and c.business_date >= f.first_event_on, false)
            as is_converted,
        b.bags, b.participations, b.participants, b.winners, b.cost_amount, b.interval_microseconds, b.intervals,
        b.overlapping_bags, coalesce(p.joined, 0) as joined, coalesce(p.joined_buyers, 0) as joined_buyers,
        coalesce(p.others, 0) as others, coalesce(p.other_buyers, 0) as other_buyers
    from {{ ref('int_shop__calendar') }} as c
    left join {{ ref('int_shop__sources') }} as f
        on c.shop_id = f.shop_id
    left join bag_days as b
        on c.shop_id = b.shop_id and c.business_date = b.business_date
    left join pair_days as p
        on c.shop_id = p.shop_id and c.business_date = p.business_date
)

select
    shop_id,
    business_date,
    cast(case when has_bags then bags when is_measured then 0 end as bigint) as bags,
    cast(case when has_bags then participations when is_measured then 0 end as bigint) as participations,
    cast(case when has_bags then participants when is_measured then 0 end as bigint) as participants,
    cast(case when has_bags then winners when is_measured then 0 end as bigint) as winners,
    cast(interval_microseconds as double) / nullif(intervals, 0) / 60000000 as mean_interval_minutes,
    cast(case when has_bags then overlapping_bags when is_measured then 0 end as bigint) as {{ quoted('overlaps') }},
    case when is_converted then cast(joined_buyers as double) / nullif(joined, 0) end as participant_conversion,
    case when is_converted then cast(other_buyers as double) / nullif(others, 0) end as non_participant_conversion,
    cast(case when is_converted then joined end as bigint) as participant_pairs,
    cast(case when is_converted then joined_buyers end as bigint) as participant_buyers,
    cast(case when is_converted then others end as bigint) as non_participant_pairs,
    cast(case when is_converted then other_buyers end as bigint) as non_participant_buyers,
    cast(case when has_bags then cost_amount when is_measured then 0 end as decimal(18, 2)) as cost_amount,
    {{ rule_version() }} as rule_version,
    case when is_measured then 'ok' else 'missing_source' end as data_status
from days
