-- Grain: one known user of a shop with a paid line (shop_id, user_id), as known on the run's day alone (R105). net_amount and
-- occasions add up over users; clv12 is the mean of the user's cohort, not the user's own.
with customers as (
    select
        shop_id, user_key,
        min(first_paid_on) as first_paid_on,
        max(last_paid_on) as last_paid_on,
        sum(occasions) as occasions,
        sum(net_amount) as net_amount,
        cast(date_trunc('month', min(first_effective_on)) as date) as cohort_month
    from {{ ref('int_value__customer_month') }}
    group by shop_id, user_key
),

layers as (
    select l.shop_id, l.user_key, max_by(l.to_layer, l.business_date) as layer
    from {{ ref('int_audience__layer_changes') }} as l
    inner join customers as c
        on l.shop_id = c.shop_id and l.user_key = c.user_key
    group by l.shop_id, l.user_key
),

-- Every cohort with a row has the one of its own month.
cohorts as (
    select shop_id, cohort_month, clv12
    from {{ ref('cohort_value') }}
    where months_since_first = 0
)

select
    c.shop_id,
    k.user_id,
    c.first_paid_on,
    c.last_paid_on,
    cast(c.occasions as bigint) as occasions,
    cast(c.net_amount as decimal(18, 2)) as net_amount,
    l.layer,
    v.clv12,
    {{ rule_version() }} as rule_version,
    cast('ok' as varchar) as data_status
from customers as c
inner join {{ source('control', 'user_keys') }} as k
    on c.user_key = k.user_key
left join layers as l
    on c.shop_id = l.shop_id and c.user_key = l.user_key
left join cohorts as v
    on c.shop_id = v.shop_id and c.cohort_month = v.cohort_month
