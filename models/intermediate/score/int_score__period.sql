-- Grain: one complete period of a shop (shop_id, grain, period_start), wholly inside its calendar (R28): sums of its days.
-- Not additive: buyers_90d and repeat_buyers_90d (as on the last day) and contents.
with spans as (
    select
        d.*,
        g.grain,
        case g.grain
            when 'day' then d.business_date
            when 'week' then cast(date_trunc('week', d.business_date) as date)
            else cast(date_trunc('month', d.business_date) as date)
        end as period_start,
        case g.grain
            when 'day' then d.business_date
            when 'week' then cast(date_trunc('week', d.business_date) as date) + 6
            else last_day(d.business_date)
        end as period_end
    from {{ ref('int_score__day') }} as d
    cross join (select distinct grain from {{ ref('operating_grains') }}) as g
),

sums as (
    select
        shop_id, grain, period_start, period_end, has_orders, has_contents, names_users,
        coalesce(period_start >= first_traffic_on, false) as is_tracked,
        sum(live_records) as live_records,
        sum(content_impressions) as content_impressions,
        sum(live_watch_seconds) as live_watch_seconds,
        sum(live_dwell_viewers) as live_dwell_viewers,
        sum(live_interacting_viewers) as live_interacting_viewers,
        sum(live_interaction_viewers) as live_interaction_viewers,
        sum(rated_clickers) as rated_clickers,
        sum(rated_exposed_users) as rated_exposed_users,
        sum(clickers) as clickers,
        sum(clicker_day_buyers) as clicker_day_buyers,
        sum(paid_amount) as paid_amount,
        sum(units) as units,
        max(case when business_date = period_end then buyers_90d end) as buyers_90d,
        max(case when business_date = period_end then repeat_buyers_90d end) as repeat_buyers_90d
    from spans
    where period_start >= first_on and period_end <= {{ run_date() }}
    group by shop_id, grain, period_start, period_end, first_traffic_on, has_orders, has_contents, names_users
)

select
    s.shop_id, s.grain, s.period_start, s.period_end, s.has_orders, s.has_contents, s.names_users, s.is_tracked,
    s.live_records, s.content_impressions, s.live_watch_seconds, s.live_dwell_viewers, s.live_interacting_viewers,
    s.live_interaction_viewers, s.rated_clickers, s.rated_exposed_users, s.clickers, s.clicker_day_buyers, s.paid_amount,
    s.units, s.buyers_90d, s.repeat_buyers_90d, coalesce(c.contents, 0) as contents
from sums as s
left join {{ ref('int_score__content_period') }} as c
    on s.shop_id = c.shop_id and s.grain = c.grain and s.period_start = c.period_start
