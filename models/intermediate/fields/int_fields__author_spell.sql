-- Grain: the days for which one snapshot of an author speaks (shop_id, author_id, valid_from): until the next one, and the first
-- also for all days before it (R78). valid_to is exclusive, NULL = open. An author without a row is nobody we know: external.
with snapshots as (
    select
        shop_id, author_id, snapshot_on, coalesce(is_own, false) as is_own, is_celebrity, followers,
        lag(snapshot_on) over by_day as previous_on,
        lead(snapshot_on) over by_day as next_on
    from {{ ref('stg_authors') }}
    window by_day as (partition by shop_id, author_id order by snapshot_on)
)

select
    shop_id, author_id, snapshot_on,
    case when previous_on is null then date '1900-01-01' else snapshot_on end as valid_from,
    next_on as valid_to,
    is_own, is_celebrity, followers
from snapshots
