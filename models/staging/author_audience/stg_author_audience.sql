-- Grain: one cell of an author's audience on a snapshot (shop_id, author_id, snapshot_on, gender, age_band, city_tier).
select shop_id, author_id, snapshot_on, gender, age_band, city_tier, share, load_seq
from {{ source('raw', 'raw_author_audience') }}
where snapshot_on <= {{ run_date() }}
