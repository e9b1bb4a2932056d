-- Grain: one calendar day of a shop and group of its live viewers (shop_id, business_date, viewer_group). fan and non_fan add
-- up to all viewers, member and non_member too, the four do not. Not additive over days: people, and every rate.
with viewers as (
    select
        v.shop_id, v.business_date, v.user_key,
        -- Status as of the earliest live viewed, before anybody could follow because of it (R91).
        min(coalesce(c.published_at, v.live_viewed_at)) as reference_at
    from {{ ref('int_value__content_user_day') }} as v
    left join {{ ref('stg_contents') }} as c
        on v.shop_id = c.shop_id and v.content_id = c.content_id and c.published_on <= {{ run_date() }}
    where v.live_viewed_at is not null
    group by v.shop_id, v.business_date, v.user_key
),

-- Nobody unfollows: the first follow decides for ever.
fans as (
    select shop_id, user_key, min(followed_at) as followed_at
    from {{ ref('int_value__content_user_day') }}
    where followed_at is not null
    group by shop_id, user_key
),

-- A live said to be published after the day it was viewed must not let later facts in (R2).
statuses as (
    select
        v.shop_id, v.business_date, v.user_key,
        coalesce(f.followed_at < v.reference_at and cast(f.followed_at as date) <= v.business_date, false) as is_fan,
        coalesce(
            m.joined_at < v.reference_at and m.joined_on <= v.business_date
            and (m.left_at is null or m.left_at > v.reference_at or m.left_on > v.business_date),
            false
        ) as is_member
    from viewers as v
    left join fans as f
        on v.shop_id = f.shop_id and v.user_key = f.user_key
    left join {{ ref('stg_members') }} as m
        on v.shop_id = m.shop_id and v.user_key = m.user_key
),

grouped as (
    select shop_id, business_date, user_key, case when is_fan then 'fan' else 'non_fan' end as viewer_group
    from statuses
    union all
    select shop_id, business_date, user_key, case when is_member then 'member' else 'non_member' end as viewer_group
    from statuses
),

audiences as (
    select shop_id, business_date, viewer_group, count(*) as viewers
    from grouped
    group by shop_id, business_date, viewer_group
),

sales as (
    select
        g.shop_id, g.business_date, g.viewer_group,
        count(distinct o.user_key) as buyers,
        count(distinct o.order_id) as orders,
        sum(o.paid_amount) as paid_amount
    from grouped as g
    inner join {{ ref('stg_orders') }} as o
        on g.shop_id = o.shop_id and g.business_date = o.paid_on and g.user_key = o.user_key
    where o.is_paid_line and o.scene = 'live'
    group by g.shop_id, g.business_date, g.viewer_group
),

-- Only events tell who viewed, and only named users can be told apart (R3b, R13b).
days as (
    select
        c.shop_id, c.business_date, n.viewer_group,
        coalesce(
            f.names_users and c.business_date >= f.first_event_on and (f.has_members or not n.needs_members), false
        ) as is_measured,
        coalesce(f.has_orders, false) as has_orders,
        coalesce(a.viewers, 0) as viewers, coalesce(s.buyers, 0) as buyers, coalesce(s.orders, 0) as orders,
        coalesce(s.paid_amount, 0) as paid_amount
    from {{ ref('int_shop__calendar') }} as c
    cross join {{ ref('value_viewer_groups') }} as n
    left join {{ ref('int_shop__sources') }} as f
        on c.shop_id = f.shop_id
    left join audiences as a
        on c.shop_id = a.shop_id and c.business_date = a.business_date and n.viewer_group = a.viewer_group
    left join sales as s
        on c.shop_id = s.shop_id and c.business_date = s.business_date and n.viewer_group = s.viewer_group
)

select
    shop_id,
    business_date,
    viewer_group,
    cast(case when is_measured then viewers end as bigint) as viewers,
    cast(case when is_measured and has_orders then buyers end as bigint) as buyers,
    case when is_measured and has_orders then cast(buyers as double) / nullif(viewers, 0) end as conversion,
    case when is_measured and has_orders then cast(paid_amount as double) / nullif(buyers, 0) end as amount_per_buyer,
    case when is_measured and has_orders then cast(paid_amount as double) / nullif(orders, 0) end as amount_per_order,
    cast(case when is_measured and has_orders then orders end as bigint) as orders,
    cast(case when is_measured and has_orders then paid_amount end as decimal(18, 2)) as paid_amount,
    {{ rule_version() }} as rule_version,
    case when is_measured then 'ok' else 'missing_source' end as data_status
from days
