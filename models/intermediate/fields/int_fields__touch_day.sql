-- Grain: one known user's day with a touch (shop_id, business_date, user_key): by the shop itself, by its marketing, or both
-- (R74). Not additive over days: people.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_days_of': ['traffic', 'authorship']}
) }}

select
    shop_id, business_date, user_key,
    max(case when is_external then 0 else 1 end) = 1 as has_own_touch,
    max(case when is_external or campaign_id is not null or traffic_source = 'paid' then 1 else 0 end) = 1
        as has_marketing_touch
from {{ ref('int_fields__touch') }}
where {{ changed_days('business_date') }}
group by shop_id, business_date, user_key
order by business_date
