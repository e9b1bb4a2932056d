-- Grain: one occasion, a known user's pay date with a line that was effective at least that day (shop_id, user_key, paid_on).
-- It is effective on d when paid_on <= d and (effective_until is null or d < effective_until), that is until its last line
-- is fully refunded; windows are the reader's. Not additive over days.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_days_of': ['sales', 'refunded_sales'], 'day': 'paid_on'}
) }}

select
    shop_id,
    user_key,
    paid_on,
    case when count(*) = count(fully_refunded_on) then max(fully_refunded_on) end as effective_until
from {{ ref('int_sales__line') }}
where is_ever_effective and user_key is not null and {{ changed_days('paid_on') }}
group by shop_id, user_key, paid_on
