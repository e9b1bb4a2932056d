-- Grain: one class of a shop, scope and day (shop_id, business_date, scope, quadrant), four rows always. Not additive over days
-- (windows overlap) nor over scopes; over the four classes products and net_amount add up to what sells.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_on': ['sales', 'refunds', 'calendar']}
) }}
{%- set first_day = rebuild_from() %}

with classes as (
    select shop_id, business_date, scope, quadrant, count(*) as products, sum(net_amount) as net_amount
    from {{ ref('int_goods__quadrant_day') }}
    where class_code is not null and business_date >= {{ first_day }}
    group by shop_id, business_date, scope, quadrant
),

totals as (
    select shop_id, business_date, scope, sum(net_amount) as total_amount
    from classes
    group by shop_id, business_date, scope
),

scopes as (
    select 'all' as scope
    union all
    select 'live' as scope
),

complete as (
    select
        c.shop_id, c.business_date, s.scope, q.quadrant, q.quadrant_zh, q.paper_share, q.strategy_zh, q.strategy_en,
        coalesce(f.has_orders, false) as has_orders, t.total_amount,
        case when t.total_amount is not null then coalesce(k.products, 0) end as products,
        case when t.total_amount is not null then coalesce(k.net_amount, 0) end as net_amount
    from {{ ref('int_shop__calendar') }} as c
    cross join scopes as s
    cross join {{ ref('quadrant_strategy') }} as q
    left join {{ ref('int_shop__sources') }} as f
        on c.shop_id = f.shop_id
    left join totals as t
        on c.shop_id = t.shop_id and c.business_date = t.business_date and s.scope = t.scope
    left join classes as k
        on
            c.shop_id = k.shop_id and c.business_date = k.business_date and s.scope = k.scope
            and q.quadrant = k.quadrant
    where c.business_date >= {{ first_day }}
),

-- The distance to the paper is summed in money, exactly, and divided once.
distances as (
    select
        complete.*,
        sum(abs(cast(net_amount as decimal(28, 2)) - cast(total_amount as decimal(28, 2)) * paper_share))
            over (partition by shop_id, business_date, scope) as distance
    from complete
)

select
    shop_id,
    business_date,
    scope,
    quadrant,
    cast(products as bigint) as products,
    cast(net_amount as decimal(18, 2)) as net_amount,
    cast(net_amount as double) / cast(nullif(total_amount, 0) as double) as amount_share,
    cast(paper_share as double) as paper_share,
    100 * (cast(net_amount as double) / cast(nullif(total_amount, 0) as double) - cast(paper_share as double)) as gap_points,
    cast(distance as double) / (2 * cast(nullif(total_amount, 0) as double)) as tvd,
    quadrant_zh,
    strategy_zh,
    strategy_en,
    {{ rule_version() }} as rule_version,
    case
        when not has_orders then 'missing_source'
        when products is null then 'insufficient'
        else 'ok'
    end as data_status
from distances
