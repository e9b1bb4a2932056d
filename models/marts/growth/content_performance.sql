-- Grain: one content of a shop (shop_id, content_id), as of the run's day: those of the feed published by then, and whatever
-- other content was viewed or paid through (R101). Amounts and views add up; users do not, nor do rates.
with known_contents as (
    select c.shop_id, c.content_id, c.author_id, c.content_type, c.has_product_link, c.declared_intent
    from {{ ref('stg_contents') }} as c
    where c.published_on <= {{ run_date() }}
),

facts as (
    select
        shop_id, content_id, views, case when views is null then 1 else 0 end as silent_rows, 0 as paid_amount,
        0 as ripe_users, 0 as a3_flow_users
    from {{ ref('int_traffic__view_day') }}
    where content_id is not null
    union all
    select shop_id, content_id, null as views, 0 as silent_rows, paid_amount, 0 as ripe_users, 0 as a3_flow_users
    from {{ ref('stg_orders') }}
    where is_paid_line and content_id is not null
    union all
    select shop_id, content_id, null as views, 0 as silent_rows, 0 as paid_amount, ripe_users, a3_flow_users
    from {{ ref('int_growth__ripe_day') }}
),

-- views is NULL where nothing but aggregate rows without views speaks of the content (R29).
totals as (
    select
        shop_id, content_id,
        case when count(views) > 0 then sum(views) when sum(silent_rows) = 0 then 0 end as views,
        sum(paid_amount) as paid_amount, sum(ripe_users) as ripe_users, sum(a3_flow_users) as a3_flow_users
    from facts
    group by shop_id, content_id
),

shops as (
    select
        c.shop_id, coalesce(f.has_orders, false) as has_orders,
        f.first_traffic_on is not null as has_traffic,
        f.first_event_on is not null and f.names_users as names_viewers
    from {{ ref('int_shop__calendar') }} as c
    left join {{ ref('int_shop__sources') }} as f
        on c.shop_id = f.shop_id
    where c.business_date = {{ run_date() }}
),

contents as (
    select
        coalesce(k.shop_id, t.shop_id) as shop_id,
        coalesce(k.content_id, t.content_id) as content_id,
        k.author_id,
        k.content_type,
        case
            when k.content_id is null then null
            when k.has_product_link or (k.content_type = 'live' and k.declared_intent = 'selling') then 'selling'
            else 'seeding'
        end as declared_role,
        case when t.content_id is null then 0 else t.views end as views,
        coalesce(t.paid_amount, 0) as paid_amount,
        coalesce(t.ripe_users, 0) as ripe_users,
        coalesce(t.a3_flow_users, 0) as a3_flow_users
    from known_contents as k
    full outer join totals as t
        on k.shop_id = t.shop_id and k.content_id = t.content_id
    where k.content_id is not null or t.views > 0 or t.paid_amount > 0
),

-- flow_per_mille and gpm divide once, as in int_growth__content_window.
measured as (
    select
        c.shop_id, c.content_id, c.author_id, c.content_type, c.declared_role,
        case when s.has_traffic then c.views end as views,
        case when s.names_viewers and c.ripe_users > 0 then c.ripe_users end as ripe_users,
        case when s.names_viewers and c.ripe_users > 0 then c.a3_flow_users end as a3_flow_users,
        case when s.has_orders then c.paid_amount end as paid_amount,
        case when c.views >= r.content_minimum_views then cast(1000 * c.a3_flow_users as double) / cast(c.views as double) end
            as flow_per_mille,
        case when s.has_orders and c.views >= r.content_minimum_views
            then cast(1000 * c.paid_amount as double) / cast(c.views as double) end as gpm,
        case when s.has_orders and m.judged_contents >= r.minimum_contents then m.median_flow_per_mille end
            as median_flow_per_mille,
        m.median_gpm,
        s.names_viewers
    from contents as c
    inner join shops as s
        on c.shop_id = s.shop_id
    cross join {{ ref('int_growth__rule') }} as r
    left join {{ ref('int_growth__role_cut') }} as m
        on c.shop_id = m.shop_id and m.business_date = {{ run_date() }}
)

select
    shop_id,
    content_id,
    author_id,
    content_type,
    declared_role,
    case
        when ripe_users is null or flow_per_mille is null or gpm is null or median_flow_per_mille is null then null
        when flow_per_mille >= median_flow_per_mille and gpm >= median_gpm then 'both'
        when flow_per_mille >= median_flow_per_mille then 'seeding'
        when gpm >= median_gpm then 'selling'
        else 'weak'
    end as observed_role,
    cast(views as bigint) as views,
    cast(a3_flow_users as bigint) as a3_flow_users,
    cast(a3_flow_users as double) / cast(nullif(ripe_users, 0) as double) as a3_flow_rate,
    cast(paid_amount as decimal(18, 2)) as paid_amount,
    gpm,
    cast(ripe_users as bigint) as ripe_users,
    {{ rule_version() }} as rule_version,
    cast(case when not names_viewers then 'missing_source' when ripe_users is null then 'immature' else 'ok' end as varchar)
        as data_status
from measured
