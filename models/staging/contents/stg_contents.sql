-- Grain: one content (shop_id, content_id), newest version; attributes are undated (R2).
select
    shop_id, content_id, content_type, author_id, published_at, cast(published_at as date) as published_on, ended_at,
    declared_intent, has_product_link, topic, load_seq
from {{ source('raw', 'raw_contents') }}
