-- Grain: one finding about a subject of a shop on the newest day (shop_id, business_date, finding, subject_id). Nothing adds up.
with rules as (
    select late_fraction, late_days, asset_lookback_days, minimum_asset_drop, minimum_asset
    from {{ ref('diagnosis_rules') }}
    where valid_from <= {{ run_date() }}
    order by valid_from desc
    limit 1
),

-- By the letter an order that tells no pick-up was not picked up in time: of a shop that never told one that says nothing.
tells_pickups as (
    select distinct shop_id
    from {{ ref('stg_orders') }}
    where picked_up_at is not null
),

-- An indicator is late while it earns less than the fraction; the spell it is in began after the last day it did not.
promises as (
    select
        i.shop_id, f.finding, i.business_date, i.value, i.average_anchor,
        coalesce(i.fraction < cast(r.late_fraction as double), false) as is_late
    from {{ ref('experience_score_indicators') }} as i
    inner join {{ ref('diagnosis_findings') }} as f
        on i.indicator = f.indicator
    cross join rules as r
    left join tells_pickups as p
        on i.shop_id = p.shop_id
    where i.indicator <> 'pickup_on_time' or p.shop_id is not null
),

late_spells as (
    select
        shop_id, finding,
        coalesce(max(case when not is_late then business_date end) + 1, min(business_date)) as since,
        max(case when business_date = {{ run_date() }} then value end) as value,
        max(case when business_date = {{ run_date() }} then average_anchor end) as reference
    from promises
    group by shop_id, finding
),

-- The newest of equal peaks, so that the day does not depend on the order of rows.
peaks as (
    select
        h.shop_id, h.business_date as peak_on, h.asset,
        row_number() over (partition by h.shop_id order by h.asset desc nulls last, h.business_date desc) as place
    from {{ ref('audience_health_daily') }} as h
    cross join rules as r
    where h.business_date > {{ run_date() }} - r.asset_lookback_days
),

found as (
    select
        s.shop_id, s.finding, s.shop_id as subject_id, s.since, s.value, s.reference
    from late_spells as s
    cross join rules as r
    where s.since <= {{ run_date() }} - r.late_days + 1
    union all
    select shop_id, 'faulty_product' as finding, product_id as subject_id, since, bad_rate as value, other_bad_rate as reference
    from {{ ref('int_diagnosis__product') }}
    union all
    select
        h.shop_id, 'leaky_audience' as finding, h.shop_id as subject_id, p.peak_on + 1 as since,
        cast(h.asset as double) as value, cast(p.asset as double) as reference
    from {{ ref('audience_health_daily') }} as h
    inner join peaks as p
        on h.shop_id = p.shop_id and p.place = 1
    cross join rules as r
    where
        h.business_date = {{ run_date() }} and h.leaky and p.asset >= r.minimum_asset
        and p.asset - h.asset >= r.minimum_asset_drop * p.asset
)

select
    d.shop_id,
    {{ run_date() }} as business_date,
    d.finding,
    d.subject_id,
    f.subject_kind,
    d.since,
    d.value,
    d.reference,
    f.finding_zh,
    f.meaning_en as evidence_en,
    f.meaning_zh as evidence_zh,
    {{ rule_version() }} as rule_version,
    'ok' as data_status
from found as d
inner join {{ ref('diagnosis_findings') }} as f
    on d.finding = f.finding
