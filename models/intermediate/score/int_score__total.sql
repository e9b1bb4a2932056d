-- Grain: one complete period of a shop (shop_id, grain, period_start): the indicators side by side, what of the weight is
-- scored, and the total (R41, R43). Sums run in the table's order, so that they are the same in every run.
with rules as (
    select
        minimum_coverage, minimum_half_coverage, valid_from, lead(valid_from) over (order by valid_from) as valid_before
    from {{ ref('operating_rules') }}
),

weights as (
    select
        shop_id, grain, period_start, period_end,
        max(case when indicator = 'total_impressions' then points end) as total_impressions_points,
        max(case when indicator = 'content_count' then points end) as content_count_points,
        max(case when indicator = 'live_dwell_seconds' then points end) as live_dwell_seconds_points,
        max(case when indicator = 'live_interaction_rate' then points end) as live_interaction_rate_points,
        max(case when indicator = 'product_click_rate' then points end) as product_click_rate_points,
        max(case when indicator = 'click_purchase_rate' then points end) as click_purchase_rate_points,
        max(case when indicator = 'price_per_unit' then points end) as price_per_unit_points,
        max(case when indicator = 'repurchase_rate_90d' then points end) as repurchase_rate_90d_points,
        sum(case when half = 'breadth' and points is not null then weight else 0 end) as breadth_scored,
        sum(case when half = 'depth' and points is not null then weight else 0 end) as depth_scored,
        sum(case when half = 'breadth' and data_status <> 'not_applicable' then weight else 0 end) as breadth_applicable,
        sum(case when half = 'depth' and data_status <> 'not_applicable' then weight else 0 end) as depth_applicable,
        sum(case when half = 'breadth' and data_status in ('ok', 'insufficient') then weight else 0 end) as breadth_sourced,
        sum(case when half = 'depth' and data_status in ('ok', 'insufficient') then weight else 0 end) as depth_sourced
    from {{ ref('int_score__points') }}
    group by shop_id, grain, period_start, period_end
),

-- Could the absent sources alone forbid the total, were all the rest scored?
gates as (
    select
        w.*,
        w.breadth_scored + w.depth_scored as coverage,
        (
            w.breadth_scored + w.depth_scored > 0
            and w.breadth_scored + w.depth_scored >= r.minimum_coverage * (w.breadth_applicable + w.depth_applicable)
            and w.breadth_scored >= r.minimum_half_coverage * w.breadth_applicable
            and w.depth_scored >= r.minimum_half_coverage * w.depth_applicable
        ) as is_scored,
        (
            w.breadth_sourced + w.depth_sourced >= r.minimum_coverage * (w.breadth_applicable + w.depth_applicable)
            and w.breadth_sourced >= r.minimum_half_coverage * w.breadth_applicable
            and w.depth_sourced >= r.minimum_half_coverage * w.depth_applicable
        ) as is_sourced
    from weights as w
    inner join rules as r
        on w.period_end >= r.valid_from and (r.valid_before is null or w.period_end < r.valid_before)
),

halves as (
    select
        gates.*,
        case when breadth_scored > 0 then
            coalesce(total_impressions_points, 0) + coalesce(content_count_points, 0)
            + coalesce(live_dwell_seconds_points, 0) + coalesce(live_interaction_rate_points, 0)
        end as breadth_points,
        case when depth_scored > 0 then
            coalesce(product_click_rate_points, 0) + coalesce(click_purchase_rate_points, 0)
            + coalesce(price_per_unit_points, 0) + coalesce(repurchase_rate_90d_points, 0)
        end as depth_points
    from gates
),

totals as (
    select
        halves.*,
        case when coverage > 0 then coalesce(breadth_points, 0) + coalesce(depth_points, 0) end as score_raw
    from halves
)

select
    shop_id, grain, period_start, period_end, total_impressions_points, content_count_points, live_dwell_seconds_points,
    live_interaction_rate_points, product_click_rate_points, click_purchase_rate_points, price_per_unit_points,
    repurchase_rate_90d_points, breadth_points, depth_points, score_raw,
    cast(coverage as double) as coverage,
    case when is_scored then 100 * score_raw / nullif(cast(coverage as double), 0) end as score_100,
    case when is_scored then 'ok' when is_sourced then 'insufficient' else 'missing_source' end as data_status
from totals
