-- Grain: one member of the shop (shop_id, user_key).
select
    shop_id, user_key, joined_at, cast(joined_at as date) as joined_on, left_at, cast(left_at as date) as left_on, level, load_seq
from {{ source('raw', 'raw_members') }}
where cast(joined_at as date) <= {{ run_date() }}
