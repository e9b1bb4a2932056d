-- Grain: one indicator of a complete period (shop_id, grain, period_start, indicator): what was measured and whether the value
-- may be judged (R30–R38). Values are ratios or counts and do not add up over periods.
with measures as (
    select
        shop_id, grain, period_start, period_end, 'total_impressions' as indicator,
        cast(content_impressions as double) as numerator, cast(null as double) as denominator,
        is_tracked as has_sources, true as is_applicable
    from {{ ref('int_score__period') }}
    union all
    select
        shop_id, grain, period_start, period_end, 'content_count' as indicator,
        cast(contents as double) as numerator, cast(null as double) as denominator,
        is_tracked and has_contents as has_sources, true as is_applicable
    from {{ ref('int_score__period') }}
    union all
    select
        shop_id, grain, period_start, period_end, 'live_dwell_seconds' as indicator,
        cast(live_watch_seconds as double) as numerator, cast(live_dwell_viewers as double) as denominator,
        is_tracked as has_sources, live_records > 0 as is_applicable
    from {{ ref('int_score__period') }}
    union all
    select
        shop_id, grain, period_start, period_end, 'live_interaction_rate' as indicator,
        cast(live_interacting_viewers as double) as numerator, cast(live_interaction_viewers as double) as denominator,
        is_tracked as has_sources, live_records > 0 as is_applicable
    from {{ ref('int_score__period') }}
    union all
    select
        shop_id, grain, period_start, period_end, 'product_click_rate' as indicator,
        cast(rated_clickers as double) as numerator, cast(rated_exposed_users as double) as denominator,
        is_tracked as has_sources, true as is_applicable
    from {{ ref('int_score__period') }}
    union all
    select
        shop_id, grain, period_start, period_end, 'click_purchase_rate' as indicator,
        cast(clicker_day_buyers as double) as numerator, cast(clickers as double) as denominator,
        is_tracked and has_orders and names_users as has_sources, true as is_applicable
    from {{ ref('int_score__period') }}
    union all
    select
        shop_id, grain, period_start, period_end, 'price_per_unit' as indicator,
        cast(paid_amount as double) as numerator, cast(units as double) as denominator,
        has_orders as has_sources, true as is_applicable
    from {{ ref('int_score__period') }}
    union all
    select
        shop_id, grain, period_start, period_end, 'repurchase_rate_90d' as indicator,
        cast(repeat_buyers_90d as double) as numerator, cast(buyers_90d as double) as denominator,
        has_orders and names_users as has_sources, true as is_applicable
    from {{ ref('int_score__period') }}
),

rules as (
    select
        indicator, sort_order, half, weight, minimum_denominator, is_logarithmic, valid_from,
        lead(valid_from) over (partition by indicator order by valid_from) as valid_before
    from {{ ref('operating_indicators') }}
),

judged as (
    select
        m.shop_id, m.grain, m.period_start, m.period_end, m.indicator, m.numerator, m.denominator,
        r.sort_order, r.half, r.weight, r.is_logarithmic,
        -- A source that is there but carries none of the column's numbers is missing for this indicator.
        case
            when not m.has_sources then 'missing_source'
            when not m.is_applicable then 'not_applicable'
            when m.numerator is null then 'missing_source'
            when m.denominator < r.minimum_denominator or m.denominator = 0 then 'insufficient'
            else 'ok'
        end as value_status
    from measures as m
    inner join rules as r
        on
            m.indicator = r.indicator
            and m.period_end >= r.valid_from and (r.valid_before is null or m.period_end < r.valid_before)
)

select
    shop_id, grain, period_start, period_end, indicator, sort_order, half, weight, is_logarithmic,
    case when value_status in ('ok', 'insufficient') then numerator end as numerator,
    case when value_status in ('ok', 'insufficient') then denominator end as denominator,
    case
        when value_status = 'ok' and denominator is null then numerator
        when value_status = 'ok' then numerator / nullif(denominator, 0)
    end as value,
    value_status
from judged
