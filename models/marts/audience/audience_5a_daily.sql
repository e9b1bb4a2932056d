-- Grain: one layer on one calendar day of a shop (shop_id, business_date, layer), complete with zeros. users and share are a
-- stock: not additive over days.
-- Few rows, written whole: whether a shop names users is not dated and rewrites every day at once (R13b).

with stock as (
    select
        shop_id, business_date, layer, users, entered, left_users,
        sum(case when layer > 0 then users end) over (partition by shop_id, business_date) as asset
    from {{ ref('int_audience__stock') }}
),

-- What the platform counts itself; of several sources the first by name (R64).
official as (
    select
        shop_id, business_date, metric, value,
        row_number() over (partition by shop_id, business_date, metric order by source) as place
    from {{ ref('stg_official_metrics') }}
    where metric in ('a1_users', 'a2_users', 'a3_users', 'a4_users', 'a5_users')
)

select
    s.shop_id,
    s.business_date,
    s.layer,
    case when f.names_users then s.users end as users,
    case
        when f.names_users and s.layer > 0
            then cast(s.users as double) / nullif(cast(s.asset as double), 0)
    end as share,
    case when f.names_users then s.entered end as entered,
    case when f.names_users then s.left_users end as left_users,
    l.action_level,
    l.platform_level,
    cast(round(o.value) as bigint) as official_users,
    {{ rule_version() }} as rule_version,
    cast(case when f.names_users then 'ok' else 'missing_source' end as varchar) as data_status
from stock as s
inner join {{ ref('audience_layers') }} as l
    on s.layer = l.layer
left join {{ ref('int_shop__sources') }} as f
    on s.shop_id = f.shop_id
left join official as o
    on
        s.shop_id = o.shop_id and s.business_date = o.business_date and o.place = 1
        and 'a' || cast(s.layer as string) || '_users' = o.metric
