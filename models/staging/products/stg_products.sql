-- Grain: one product (shop_id, product_id), newest version; attributes are undated (R2).
select
    shop_id, product_id, spu_id, title, category_1, category_2, listed_at, cast(listed_at as date) as listed_on,
    list_price, unit_cost, margin_rate, load_seq
from {{ source('raw', 'raw_products') }}
