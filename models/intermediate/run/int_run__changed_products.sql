-- Grain: one listing date (old or new) of a product whose listing (is_relisted) or margin (is_revalued) changed since the last
-- build. Empty on a full refresh.
with run as (
    select built_seq
    from {{ source('control', 'run') }}
    where not is_full_refresh
),

versions as (
    select
        r.shop_id, r.product_id, cast(r.listed_at as date) as listed_on,
        coalesce(cast(r.margin_rate as varchar), '') || ' ' || coalesce(cast(r.unit_cost as varchar), '') as margin, 0 as is_built
    from {{ source('raw', 'raw_products') }} as r
    cross join run
    where r.load_seq > run.built_seq
    union all
    select
        s.shop_id, s.product_id, cast(s.listed_at as date) as listed_on,
        coalesce(cast(s.margin_rate as varchar), '') || ' ' || coalesce(cast(s.unit_cost as varchar), '') as margin,
        case when s.load_seq <= run.built_seq then 1 else 0 end as is_built
    from {{ source('raw', 'raw_products_superseded') }} as s
    cross join run
    -- Versions in between too: a build that was never published may have left them in the tables.
    where s.superseded_seq > run.built_seq
),

distinct_versions as (
    select shop_id, product_id, listed_on, margin, max(is_built) as is_built
    from versions
    group by shop_id, product_id, listed_on, margin
),

compared as (
    select
        shop_id, product_id, listed_on,
        count(*) over same_product as variants,
        count(*) over same_listing as variants_of_listing,
        count(*) over same_margin as variants_of_margin,
        max(is_built) over same_product as is_built
    from distinct_versions
    window
        same_product as (partition by shop_id, product_id),
        same_listing as (partition by shop_id, product_id, listed_on),
        same_margin as (partition by shop_id, product_id, margin)
)

select distinct
    shop_id, product_id, listed_on,
    variants > variants_of_listing or is_built = 0 as is_relisted,
    variants > variants_of_margin or is_built = 0 as is_revalued
from compared
where variants > 1 or is_built = 0
