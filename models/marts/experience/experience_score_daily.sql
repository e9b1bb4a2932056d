-- Grain: one calendar day of a shop (shop_id, business_date). Windows of 30 days ending on the day: nothing adds up over days.
-- experience_10 = product_points + logistics_points + service_points.
with movers as (
    select
        c.shop_id, c.business_date, c.indicator,
        row_number() over (
            partition by c.shop_id, c.business_date
            -- Rounded for the comparison alone, so that equal moves tie whatever the last bit of a double says.
            order by cast(abs(c.contribution) as decimal(18, 9)) desc, p.sort_order asc
        ) as place
    from {{ ref('experience_score_indicators') }} as c
    inner join {{ ref('int_experience__points') }} as p
        on c.shop_id = p.shop_id and c.business_date = p.business_date and c.indicator = p.indicator
    where cast(abs(c.contribution) as decimal(18, 9)) > 0
),

-- Of several sources the first by name (R64).
official as (
    select
        shop_id, business_date, value,
        row_number() over (partition by shop_id, business_date order by source) as place
    from {{ ref('stg_official_metrics') }}
    where metric = 'experience_score'
)

select
    t.shop_id,
    t.business_date,
    t.experience_10,
    t.product_points,
    t.logistics_points,
    t.service_points,
    o.value as official_score,
    t.experience_10 - lag(t.experience_10) over (partition by t.shop_id order by t.business_date) as score_change,
    m.indicator as biggest_mover,
    {{ rule_version() }} as rule_version,
    t.data_status
from {{ ref('int_experience__total') }} as t
left join movers as m
    on t.shop_id = m.shop_id and t.business_date = m.business_date and m.place = 1
left join official as o
    on t.shop_id = o.shop_id and t.business_date = o.business_date and o.place = 1
