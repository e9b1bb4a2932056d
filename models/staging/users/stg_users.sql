-- Grain: one snapshot of a user's profile (shop_id, user_key, snapshot_on).
select shop_id, user_key, snapshot_on, gender, age_band, city_tier, province, load_seq
from {{ source('raw', 'raw_users') }}
where snapshot_on <= {{ run_date() }}
