-- Grain: one rate of a shop's day whose denominator is large enough (shop_id, business_date, indicator); a smaller one has no
-- row. A rate of one day: neither additive nor to be averaged.
with rules as (
    select
        max_by(up_days, valid_from) as up_days,
        max_by(minimum_users, valid_from) as minimum_users
    from {{ ref('audience_health_rules') }}
    where valid_from <= {{ run_date() }}
),

layers as (
    select
        shop_id, business_date,
        sum(case when layer in (1, 2) then users else 0 end) as seeded,
        sum(case when layer = 3 then users else 0 end) as asking,
        sum(case when layer = 4 then users else 0 end) as acting,
        sum(case when layer = 5 then users else 0 end) as advocates
    from {{ ref('int_audience__stock') }}
    group by shop_id, business_date
),

-- Those of a layer up_days before who are in a higher one now.
risen as (
    select m.shop_id, m.business_date, m.from_layer, sum(m.users) as users
    from {{ ref('int_audience__flow_movers') }} as m
    inner join rules as r
        on m.horizon_days = r.up_days
    where m.to_layer > m.from_layer
    group by m.shop_id, m.business_date, m.from_layer
),

counts as (
    select
        s.shop_id, s.business_date + r.up_days as business_date,
        'up_rate_' || cast(s.layer as string) as indicator,
        coalesce(u.users, 0) as numerator, s.users as denominator
    from {{ ref('int_audience__stock') }} as s
    cross join rules as r
    left join risen as u
        on s.shop_id = u.shop_id and s.layer = u.from_layer and u.business_date = s.business_date + r.up_days
    where s.layer between 1 and 4 and s.business_date + r.up_days <= {{ run_date() }}
    union all
    select
        shop_id, business_date, 'deep_share' as indicator,
        asking + acting + advocates as numerator,
        seeded + asking + acting + advocates as denominator
    from layers
    union all
    select shop_id, business_date, 'a3_ratio' as indicator, asking as numerator, seeded as denominator
    from layers
    union all
    select shop_id, business_date, 'a5_ratio' as indicator, advocates as numerator, acting + advocates as denominator
    from layers
)

select
    c.shop_id, c.business_date, c.indicator,
    cast(c.numerator as double) / nullif(cast(c.denominator as double), 0) as value
from counts as c
cross join rules as r
where c.denominator >= r.minimum_users
