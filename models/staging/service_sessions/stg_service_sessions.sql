-- Grain: one chat session or complaint ticket (shop_id, session_id), current version.
select
    shop_id, session_id, kind, order_id, opened_at, cast(opened_at as date) as opened_on,
    human_turns, coalesce(reply_seconds, 0) as reply_seconds, coalesce(unanswered_turns, 0) as unanswered_turns,
    rating, closed_at, coalesce(is_escalated, false) as is_escalated, load_seq
from {{ source('raw', 'raw_service_sessions') }}
where cast(opened_at as date) <= {{ run_date() }}
