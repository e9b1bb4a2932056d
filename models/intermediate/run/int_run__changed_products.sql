-- Grain: one listing date (old or new) of a product whose listing changed since the last build. Empty on a full refresh.
with run as (
    select built_seq
    from {{ source('control', 'run') }}
    where not is_full_refresh
),

versions as (
    select r.shop_id, r.product_id, cast(r.listed_at as date) as listed_on, 0 as is_built
    from {{ source('raw', 'raw_products') }} as r
    cross join run
    where r.load_seq > run.built_seq
    union all
    select
        s.shop_id, s.product_id, cast(s.listed_at as date) as listed_on,
        case when s.load_seq <= run.built_seq then 1 else 0 end as is_built
    from {{ source('raw', 'raw_products_superseded') }} as s
    cross join run
    -- Versions in between too: a build that was never published may have left them in the tables.
    where s.superseded_seq > run.built_seq
),

distinct_versions as (
    select shop_id, product_id, listed_on, max(is_built) as is_built
    from versions
    group by shop_id, product_id, listed_on
),

compared as (
    select
        shop_id, product_id, listed_on,
        count(*) over (partition by shop_id, product_id) as variants,
        max(is_built) over (partition by shop_id, product_id) as is_built
    from distinct_versions
)

select shop_id, product_id, listed_on
from compared
where variants > 1 or is_built = 0
