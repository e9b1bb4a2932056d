-- Grain: one version of an order line (old or new) whose sale facts changed since the last build, its buyer in the merchant's own
-- map and its author in an alliance report among them. Empty on a full refresh.
with run as (
    select previous_date, business_date, built_seq
    from {{ source('control', 'run') }}
    where not is_full_refresh
),

-- Whose an order was and is said to be. Before it was first mapped it was nobody's.
buyers as (
    select m.shop_id, m.order_id, m.user_key, case when m.load_seq <= run.built_seq then 1 else 0 end as is_built
    from {{ source('raw', 'raw_buyer_map') }} as m
    cross join run
    union all
    select s.shop_id, s.order_id, s.user_key, case when s.load_seq <= run.built_seq then 1 else 0 end as is_built
    from {{ source('raw', 'raw_buyer_map_superseded') }} as s
    cross join run
    where s.superseded_seq > run.built_seq
    union all
    select m.shop_id, m.order_id, cast(null as bigint) as user_key, 1 as is_built
    from {{ source('raw', 'raw_buyer_map') }} as m
    cross join run
    left join {{ source('raw', 'raw_buyer_map_superseded') }} as s
        on
            m.shop_id = s.shop_id and m.order_id = s.order_id
            and s.load_seq <= run.built_seq and s.superseded_seq > run.built_seq
    where m.load_seq > run.built_seq and s.order_id is null
),

line_versions as (
    select
        r.shop_id, r.order_line_id, r.order_id, r.user_key, r.product_id, r.quantity, r.paid_amount,
        cast(r.created_at as date) as created_on, cast(r.paid_at as date) as paid_on, r.paid_at, r.scene,
        r.entry, r.author_id, r.content_id, r.campaign_id, r.ad_id, coalesce(r.is_gift, false) as is_gift, 0 as is_built
    from {{ source('raw', 'raw_orders') }} as r
    cross join run
    where r.load_seq > run.built_seq
    union all
    select
        s.shop_id, s.order_line_id, s.order_id, s.user_key, s.product_id, s.quantity, s.paid_amount,
        cast(s.created_at as date) as created_on, cast(s.paid_at as date) as paid_on, s.paid_at, s.scene,
        s.entry, s.author_id, s.content_id, s.campaign_id, s.ad_id, coalesce(s.is_gift, false) as is_gift,
        case when s.load_seq <= run.built_seq then 1 else 0 end as is_built
    from {{ source('raw', 'raw_orders_superseded') }} as s
    cross join run
    -- Versions in between too: a build that was never published may have left them in the tables.
    where s.superseded_seq > run.built_seq
    union all
    -- Lines that stayed as they were while their order was mapped anew.
    select
        r.shop_id, r.order_line_id, r.order_id, r.user_key, r.product_id, r.quantity, r.paid_amount,
        cast(r.created_at as date) as created_on, cast(r.paid_at as date) as paid_on, r.paid_at, r.scene,
        r.entry, r.author_id, r.content_id, r.campaign_id, r.ad_id, coalesce(r.is_gift, false) as is_gift, 1 as is_built
    from {{ source('raw', 'raw_orders') }} as r
    inner join {{ source('raw', 'raw_buyer_map') }} as m
        on r.shop_id = m.shop_id and r.order_id = m.order_id
    cross join run
    where m.load_seq > run.built_seq and r.load_seq <= run.built_seq and r.user_key is null
),

versions as (
    select
        v.shop_id, v.order_line_id, v.order_id, coalesce(v.user_key, b.user_key) as user_key, v.product_id, v.quantity,
        v.paid_amount, v.created_on, v.paid_on, v.paid_at, v.scene, v.entry, v.author_id, v.content_id,
        v.campaign_id, v.ad_id, v.is_gift,
        case when v.is_built = 1 and coalesce(b.is_built, 1) = 1 then 1 else 0 end as is_built
    from line_versions as v
    left join buyers as b
        on v.shop_id = b.shop_id and case when v.user_key is null then v.order_id end = b.order_id
),

distinct_versions as (
    select
        shop_id, order_line_id, order_id, user_key, product_id, quantity, paid_amount, created_on, paid_on, paid_at,
        scene, entry, author_id, content_id, campaign_id, ad_id, is_gift,
        max(is_built) as is_built
    from versions
    group by
        shop_id, order_line_id, order_id, user_key, product_id, quantity, paid_amount, created_on, paid_on, paid_at,
        scene, entry, author_id, content_id, campaign_id, ad_id, is_gift
),

-- A line that only its progress (shipped, delivered …) was restated has one distinct version, and that one was built.
compared as (
    select
        shop_id, order_line_id, order_id, product_id, user_key, created_on, paid_on,
        count(*) over (partition by shop_id, order_line_id) as variants,
        max(is_built) over (partition by shop_id, order_line_id) as is_built
    from distinct_versions
)

select shop_id, order_line_id, order_id, product_id, user_key, created_on, paid_on
from compared
where variants > 1 or is_built = 0
union all
-- Lines that an alliance report says something new about, their author above all.
select
    r.shop_id, r.order_line_id, r.order_id, r.product_id, coalesce(r.user_key, m.user_key) as user_key,
    cast(r.created_at as date) as created_on, cast(r.paid_at as date) as paid_on
from {{ source('raw', 'raw_order_commissions') }} as c
inner join {{ source('raw', 'raw_orders') }} as r
    on c.shop_id = r.shop_id and c.order_line_id = r.order_line_id
left join {{ source('raw', 'raw_buyer_map') }} as m
    on r.shop_id = m.shop_id and r.order_id = m.order_id
cross join run
where c.load_seq > run.built_seq
