-- Grain: one user's unbroken stay in a layer (shop_id, user_id, valid_from); at most one row covers a user's day. valid_to is
-- exclusive, NULL = still. Rows are stays, not users: count users on one day only.
-- depends_on: {{ ref('int_audience__moved_users') }}
{{ config(materialized='incremental', incremental_strategy='replace_histories') }}

with changes as (
    select c.shop_id, c.user_key, c.business_date, c.to_layer
    from {{ ref('int_audience__layer_changes') }} as c
    {%- if is_incremental() %}
    inner join {{ ref('int_audience__moved_users') }} as m
        on c.shop_id = m.shop_id and c.user_key = m.user_key
    {%- endif %}
),

stays as (
    select
        shop_id, user_key, to_layer as layer, business_date as valid_from,
        lead(business_date) over (partition by shop_id, user_key order by business_date) as valid_to
    from changes
)

select
    s.shop_id,
    k.user_id,
    s.valid_from,
    s.layer,
    s.valid_to,
    {{ rule_version() }} as rule_version,
    cast('ok' as varchar) as data_status
from stays as s
{%- if is_incremental() %}
inner join {{ ref('int_audience__moved_users') }} as k
    on s.shop_id = k.shop_id and s.user_key = k.user_key
where s.valid_to is null or s.valid_to >= k.start_on
{%- else %}
inner join {{ source('control', 'user_keys') }} as k
    on s.user_key = k.user_key
{%- endif %}
