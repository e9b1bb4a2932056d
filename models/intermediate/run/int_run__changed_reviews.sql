-- Grain: one place (shop_id, order_line_id, user_key, created_on) that a review, old version or new, holds or held and that moved
-- since the last build: with the review, or with its line. Empty on a full refresh.
{{ config(materialized='view') }}

with run as (
    select built_seq
    from {{ source('control', 'run') }}
    where not is_full_refresh
),

review_versions as (
    select
        r.shop_id, r.order_line_id, r.order_id, r.product_id, r.user_key, cast(r.created_at as date) as created_on,
        coalesce(r.is_line_by_product, false) and r.order_line_id is null as is_unplaced
    from {{ source('raw', 'raw_reviews') }} as r
    cross join run
    where r.load_seq > run.built_seq
    union
    select
        s.shop_id, s.order_line_id, s.order_id, s.product_id, s.user_key, cast(s.created_at as date) as created_on,
        coalesce(s.is_line_by_product, false) and s.order_line_id is null as is_unplaced
    from {{ source('raw', 'raw_reviews_superseded') }} as s
    cross join run
    where s.superseded_seq > run.built_seq
)

select shop_id, order_line_id, user_key, created_on
from review_versions
union
-- One that names order and product may be of any line of theirs, and moves when such a line comes.
select v.shop_id, o.order_line_id, v.user_key, v.created_on
from review_versions as v
inner join {{ source('raw', 'raw_orders') }} as o
    on v.shop_id = o.shop_id and v.order_id = o.order_id and v.product_id = o.product_id
where v.is_unplaced
union
select r.shop_id, o.order_line_id, coalesce(r.user_key, o.user_key) as user_key, cast(r.created_at as date) as created_on
from {{ source('raw', 'raw_reviews') }} as r
inner join {{ ref('int_run__changed_orders') }} as o
    on r.shop_id = o.shop_id and r.order_id = o.order_id and r.product_id = o.product_id
where r.is_line_by_product and r.order_line_id is null
union
-- A review without a user speaks for the user of its line, so it moves when the line does.
select r.shop_id, r.order_line_id, o.user_key, cast(r.created_at as date) as created_on
from {{ source('raw', 'raw_reviews') }} as r
inner join {{ ref('int_run__changed_orders') }} as o
    on r.shop_id = o.shop_id and r.order_line_id = o.order_line_id
where r.user_key is null
