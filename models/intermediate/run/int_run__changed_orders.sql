-- Grain: one version of an order line (old or new) whose sale facts changed since the last build. Empty on a full refresh.
with run as (
    select previous_date, business_date, built_seq
    from {{ source('control', 'run') }}
    where not is_full_refresh
),

versions as (
    select
        r.shop_id, r.order_line_id, r.order_id, r.user_key, r.product_id, r.quantity, r.paid_amount,
        cast(r.created_at as date) as created_on, cast(r.paid_at as date) as paid_on, r.paid_at, r.scene,
        r.author_id, r.content_id, coalesce(r.is_gift, false) as is_gift, 0 as is_built
    from {{ source('raw', 'raw_orders') }} as r
    cross join run
    where r.load_seq > run.built_seq
    union all
    select
        s.shop_id, s.order_line_id, s.order_id, s.user_key, s.product_id, s.quantity, s.paid_amount,
        cast(s.created_at as date) as created_on, cast(s.paid_at as date) as paid_on, s.paid_at, s.scene,
        s.author_id, s.content_id, coalesce(s.is_gift, false) as is_gift,
        case when s.load_seq <= run.built_seq then 1 else 0 end as is_built
    from {{ source('raw', 'raw_orders_superseded') }} as s
    cross join run
    -- Versions in between too: a build that was never published may have left them in the tables.
    where s.superseded_seq > run.built_seq
),

distinct_versions as (
    select
        shop_id, order_line_id, order_id, user_key, product_id, quantity, paid_amount, created_on, paid_on, paid_at,
        scene, author_id, content_id, is_gift,
        max(is_built) as is_built
    from versions
    group by
        shop_id, order_line_id, order_id, user_key, product_id, quantity, paid_amount, created_on, paid_on, paid_at,
        scene, author_id, content_id, is_gift
),

-- A line that only its progress (shipped, delivered …) was restated has one distinct version, and that one was built.
compared as (
    select
        shop_id, order_line_id, user_key, created_on, paid_on,
        count(*) over (partition by shop_id, order_line_id) as variants,
        max(is_built) over (partition by shop_id, order_line_id) as is_built
    from distinct_versions
)

select shop_id, order_line_id, user_key, created_on, paid_on
from compared
where variants > 1 or is_built = 0
