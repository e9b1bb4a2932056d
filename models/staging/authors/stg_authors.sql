-- Grain: one snapshot of an author (shop_id, author_id, snapshot_on).
select
    shop_id, author_id, snapshot_on, name, is_own, coalesce(is_celebrity, false) as is_celebrity, followers, category_1, load_seq
from {{ source('raw', 'raw_authors') }}
where snapshot_on <= {{ run_date() }}
