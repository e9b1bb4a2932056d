-- Grain: one calendar day of a shop (shop_id, business_date). Windows of 30 days ending on the day: nothing adds up over days.
-- ccr is per mille; nps and nps_proxy_stars run from -100 to 100.
with measures as (
    select
        shop_id, business_date,
        max(case when measure = 'complaint_rate' then denominator end) as signed_orders,
        max(case when measure = 'bad_review_rate' then denominator end) as signed_lines,
        max(case when measure = 'nps' then numerator end) as nps_balance,
        max(case when measure = 'nps' then denominator end) as nps_answers,
        max(case when measure = 'nps_proxy_stars' then numerator end) as star_balance,
        max(case when measure = 'nps_proxy_stars' then denominator end) as star_reviews
    from {{ ref('int_experience__measure_day') }}
    group by shop_id, business_date
),

judged as (
    select
        shop_id, business_date,
        max(case when measure = 'quality_return_rate' then value end) as quality_return_rate,
        max(case when measure = 'bad_review_rate' then value end) as bad_review_rate,
        max(case when measure = 'complaint_rate' then value end) as complaint_rate,
        max(case when measure = 'ccr' then 1000 * value end) as ccr,
        max(case when measure = 'quality_return_rate' then numerator end) as quality_return_lines,
        max(case when measure = 'bad_review_rate' then numerator end) as bad_review_lines,
        max(case when measure = 'complaint_rate' then numerator end) as complaint_orders,
        max(case when measure = 'ccr' then numerator end) as ccr_orders
    from {{ ref('int_experience__value') }}
    group by shop_id, business_date
)

select
    m.shop_id,
    m.business_date,
    cast(case when f.has_orders then m.signed_orders end as bigint) as signed_orders,
    j.quality_return_rate,
    j.bad_review_rate,
    j.complaint_rate,
    j.ccr,
    case
        when f.has_nps_surveys and m.nps_answers >= r.minimum_answers
            then 100 * cast(m.nps_balance as double) / cast(nullif(m.nps_answers, 0) as double)
    end as nps,
    case
        when f.has_reviews and m.star_reviews >= r.minimum_answers
            then 100 * cast(m.star_balance as double) / cast(nullif(m.star_reviews, 0) as double)
    end as nps_proxy_stars,
    cast(case when f.has_orders then m.signed_lines end as bigint) as signed_lines,
    cast(j.quality_return_lines as bigint) as quality_return_lines,
    cast(j.bad_review_lines as bigint) as bad_review_lines,
    cast(j.complaint_orders as bigint) as complaint_orders,
    cast(j.ccr_orders as bigint) as ccr_orders,
    cast(case when f.has_nps_surveys then m.nps_answers end as bigint) as nps_answers,
    cast(case when f.has_reviews then m.star_reviews end as bigint) as star_reviews,
    {{ rule_version() }} as rule_version,
    case when f.has_orders then 'ok' else 'missing_source' end as data_status
from measures as m
inner join judged as j
    on m.shop_id = j.shop_id and m.business_date = j.business_date
inner join {{ ref('int_shop__sources') }} as f
    on m.shop_id = f.shop_id
inner join {{ ref('int_experience__rule') }} as r
    on m.business_date >= r.valid_from and m.business_date < r.valid_until
