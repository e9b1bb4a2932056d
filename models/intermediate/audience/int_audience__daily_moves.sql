-- Grain: the users who changed from one layer to another on a day (shop_id, business_date, from_layer, to_layer);
-- from_layer -1 = not known before. Additive over days as moves, not as people.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_on': ['traffic', 'sales', 'refunds', 'reviews']}
) }}

select
    shop_id, business_date, from_layer, to_layer,
    cast(count(*) as bigint) as users
from {{ ref('int_audience__layer_changes') }}
where business_date >= {{ rebuild_from() }}
group by shop_id, business_date, from_layer, to_layer
