-- Grain: one product, author, campaign or content that has a name (shop_id, kind, entity_id). Undated: the newest name (R2).
with listed as (
    select
        'product' as kind, shop_id, product_id as entity_id, title as name, category_1 as category, 0 as rank_in_feed,
        cast(null as timestamp) as told_at, '' as told_by
    from {{ ref('stg_products') }}
),

-- An order prints a name as well: it serves where the products feed has none. Only the lines of the last moment compete.
last_sold as (
    select shop_id, product_id, max(created_at) as created_at
    from {{ ref('stg_orders') }}
    where product_name is not null and trim(product_name) <> ''
    group by shop_id, product_id
),

sold as (
    select
        'product' as kind, o.shop_id, o.product_id as entity_id, o.product_name as name, cast(null as varchar) as category,
        1 as rank_in_feed, o.created_at as told_at, o.order_line_id as told_by
    from {{ ref('stg_orders') }} as o
    inner join last_sold as s
        on o.shop_id = s.shop_id and o.product_id = s.product_id and o.created_at = s.created_at
),

authors as (
    select
        'author' as kind, shop_id, author_id as entity_id, name, category_1 as category, 0 as rank_in_feed,
        cast(snapshot_on as timestamp) as told_at, '' as told_by
    from {{ ref('stg_authors') }}
),

campaigns as (
    select
        'campaign' as kind, shop_id, campaign_id as entity_id, name, kind as category, 0 as rank_in_feed,
        cast(null as timestamp) as told_at, '' as told_by
    from {{ ref('stg_campaigns') }}
),

contents as (
    select
        'content' as kind, shop_id, content_id as entity_id, topic as name, content_type as category, 0 as rank_in_feed,
        cast(null as timestamp) as told_at, '' as told_by
    from {{ ref('stg_contents') }}
),

told as (
    select * from listed
    union all
    select * from sold
    union all
    select * from authors
    union all
    select * from campaigns
    union all
    select * from contents
),

-- The feed's own name before an order's, then the latest.
ranked as (
    select
        told.*,
        row_number() over (
            partition by shop_id, kind, entity_id order by rank_in_feed asc, told_at desc nulls last, told_by desc
        ) as newest
    from told
    where name is not null and trim(name) <> '' and entity_id is not null
)

select
    shop_id,
    kind,
    entity_id,
    name,
    category,
    {{ rule_version() }} as rule_version,
    'ok' as data_status
from ranked
where newest = 1
