-- Grain: one role of contents on a calendar day of a shop (shop_id, business_date, role_basis, role), eight rows always. Contents
-- and shares of the window ending on the day: additive over the roles of one basis, over days or bases never.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_on': ['traffic', 'traffic_daily', 'sales', 'refunds', 'reviews', 'ad_spend', 'contents']}
) }}
{%- set first_day = rebuild_from() %}

with active as (
    select shop_id, business_date, content_id, window_views, window_cost, flow_per_mille, gpm
    from {{ ref('int_growth__content_window') }}
    where business_date >= {{ first_day }}
),

cuts as (
    select shop_id, business_date, judged_contents, median_flow_per_mille, median_gpm
    from {{ ref('int_growth__role_cut') }}
    where business_date >= {{ first_day }}
),

-- Contents published after the day are nobody's on it.
judged as (
    select
        a.shop_id, a.business_date, a.window_views, a.window_cost,
        case
            when c.content_id is null then 'unknown'
            when c.has_product_link or (c.content_type = 'live' and c.declared_intent = 'selling') then 'selling'
            else 'seeding'
        end as declared_role,
        case
            when a.flow_per_mille is null or m.shop_id is null then 'unknown'
            when a.flow_per_mille >= m.median_flow_per_mille and a.gpm >= m.median_gpm then 'both'
            when a.flow_per_mille >= m.median_flow_per_mille then 'seeding'
            when a.gpm >= m.median_gpm then 'selling'
            else 'weak'
        end as observed_role
    from active as a
    left join {{ ref('stg_contents') }} as c
        on a.shop_id = c.shop_id and a.content_id = c.content_id and c.published_on <= a.business_date
    left join cuts as m
        on a.shop_id = m.shop_id and a.business_date = m.business_date
),

roles as (
    select
        shop_id, business_date, 'declared' as role_basis, declared_role as role,
        count(*) filter (where window_views > 0) as contents, sum(window_views) as views, sum(window_cost) as cost_amount
    from judged
    group by shop_id, business_date, declared_role
    union all
    select
        shop_id, business_date, 'observed' as role_basis, observed_role as role,
        count(*) filter (where window_views > 0) as contents, sum(window_views) as views, sum(window_cost) as cost_amount
    from judged
    group by shop_id, business_date, observed_role
),

complete as (
    select
        d.shop_id, d.business_date, k.role_basis, k.role, k.role_zh,
        coalesce(r.contents, 0) as contents, coalesce(r.views, 0) as views, coalesce(r.cost_amount, 0) as cost_amount,
        sum(r.views) over same_basis as all_views,
        sum(r.cost_amount) over same_basis as all_cost_amount,
        coalesce(d.business_date >= f.first_traffic_on, false) as has_views,
        coalesce(f.has_ad_spend, false) as has_ad_spend,
        case
            when k.role_basis = 'declared' then coalesce(f.has_contents, false)
            else coalesce(f.has_orders and f.names_users and d.business_date >= f.first_event_on, false)
        end as has_roles,
        k.role_basis = 'declared' or coalesce(m.judged_contents, 0) >= u.minimum_contents as is_sufficient
    from {{ ref('int_shop__calendar') }} as d
    cross join {{ ref('content_roles') }} as k
    cross join {{ ref('int_growth__rule') }} as u
    left join {{ ref('int_shop__sources') }} as f
        on d.shop_id = f.shop_id
    left join cuts as m
        on d.shop_id = m.shop_id and d.business_date = m.business_date
    left join roles as r
        on d.shop_id = r.shop_id and d.business_date = r.business_date and k.role_basis = r.role_basis and k.role = r.role
    where d.business_date >= {{ first_day }}
    window same_basis as (partition by d.shop_id, d.business_date, k.role_basis)
)

select
    shop_id,
    business_date,
    role_basis,
    role,
    cast(case when has_roles and has_views and is_sufficient then contents end as bigint) as contents,
    case
        when has_roles and has_views and is_sufficient then cast(views as double) / cast(nullif(all_views, 0) as double)
    end as views_share,
    case
        when has_roles and has_ad_spend and is_sufficient
            then cast(cost_amount as double) / cast(nullif(all_cost_amount, 0) as double)
    end as spend_share,
    role_zh,
    {{ rule_version() }} as rule_version,
    cast(case
        when not (has_roles and has_views) then 'missing_source'
        when not is_sufficient then 'insufficient'
        else 'ok'
    end as varchar) as data_status
from complete
