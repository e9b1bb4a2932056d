-- Grain: one complete period of a shop (shop_id, grain, period_start).
-- Nothing adds up over periods; breadth_points + depth_points = score_raw.
with movers as (
    select
        c.shop_id, c.grain, c.period_start, c.indicator,
        row_number() over (
            partition by c.shop_id, c.grain, c.period_start
            -- Rounded for the comparison alone, so that equal moves tie whatever the last bit of a double says.
            order by cast(abs(c.contribution) as decimal(18, 9)) desc, p.sort_order asc
        ) as place
    from {{ ref('operating_score_indicators') }} as c
    inner join {{ ref('int_score__points') }} as p
        on
            c.shop_id = p.shop_id and c.grain = p.grain and c.period_start = p.period_start
            and c.indicator = p.indicator
    where cast(abs(c.contribution) as decimal(18, 9)) > 0
),

totals as (
    select
        t.*,
        lag(t.score_100) over (partition by t.shop_id, t.grain order by t.period_start) as previous_score_100
    from {{ ref('int_score__total') }} as t
)

select
    t.shop_id,
    t.grain,
    t.period_start,
    t.period_end,
    t.score_100,
    t.score_raw,
    t.coverage,
    t.breadth_points,
    t.depth_points,
    t.total_impressions_points,
    t.content_count_points,
    t.live_dwell_seconds_points,
    t.live_interaction_rate_points,
    t.product_click_rate_points,
    t.click_purchase_rate_points,
    t.price_per_unit_points,
    t.repurchase_rate_90d_points,
    t.score_100 - t.previous_score_100 as score_change,
    m.indicator as biggest_mover,
    {{ rule_version() }} as rule_version,
    t.data_status
from totals as t
left join movers as m
    on t.shop_id = m.shop_id and t.grain = m.grain and t.period_start = m.period_start and m.place = 1
