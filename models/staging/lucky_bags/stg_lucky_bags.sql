-- Grain: one lucky bag (shop_id, bag_id).
select
    shop_id, bag_id, content_id, started_at, cast(started_at as date) as started_on, ended_at,
    participations, participants, winners, cost_amount, load_seq
from {{ source('raw', 'raw_lucky_bags') }}
where cast(started_at as date) <= {{ run_date() }}
