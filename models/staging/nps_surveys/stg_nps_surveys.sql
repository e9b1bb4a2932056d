-- Grain: one answer to a recommendation survey (shop_id, response_id), current version.
select shop_id, response_id, order_id, score, answered_at, cast(answered_at as date) as answered_on, load_seq
from {{ source('raw', 'raw_nps_surveys') }}
where cast(answered_at as date) <= {{ run_date() }}
