-- Grain: one measure of a calendar day of a shop (shop_id, business_date, measure): the ten indicators and ccr, and whether the
-- value may be judged (R62). Values are ratios and do not add up over days. Hours, not microseconds.
with sourced as (
    select
        m.shop_id, m.business_date, m.measure,
        cast(m.numerator as double) / case when m.measure = 'review_hours' then 3600000000 else 1 end as numerator,
        cast(m.denominator as double) as denominator,
        -- All ten look at paid lines through the gate, so orders come first.
        f.has_orders and case
            when m.measure in ('pickup_on_time', 'delivery_on_time') then true
            when m.measure = 'bad_review_rate' then f.has_reviews
            when m.measure in ('quality_return_rate', 'damage_return_rate', 'review_hours', 'help_rate') then f.has_refunds
            when m.measure = 'ccr' then f.has_service_sessions and f.has_reviews
            else f.has_service_sessions
        end as has_sources
    from {{ ref('int_experience__measure_day') }} as m
    inner join {{ ref('int_shop__sources') }} as f
        on m.shop_id = f.shop_id
    where m.measure not in ('nps', 'nps_proxy_stars')
),

-- The orders a complaint is a share of are the signed ones.
gates as (
    select m.shop_id, m.business_date, m.denominator >= r.minimum_signed_orders as is_open
    from {{ ref('int_experience__measure_day') }} as m
    inner join {{ ref('int_experience__rule') }} as r
        on m.business_date >= r.valid_from and m.business_date < r.valid_until
    where m.measure = 'complaint_rate'
),

judged as (
    select
        s.shop_id, s.business_date, s.measure, s.numerator, s.denominator,
        case
            when not s.has_sources then 'missing_source'
            when not g.is_open or s.denominator = 0 then 'insufficient'
            else 'ok'
        end as value_status
    from sourced as s
    inner join gates as g
        on s.shop_id = g.shop_id and s.business_date = g.business_date
)

select
    shop_id, business_date, measure,
    case when value_status <> 'missing_source' then numerator end as numerator,
    case when value_status <> 'missing_source' then denominator end as denominator,
    case when value_status = 'ok' then numerator / nullif(denominator, 0) end as value,
    value_status
from judged
