-- Grain: one after-sale request (shop_id, refund_id), current version. succeeded_on is the day its money counts (R10).
with requests as (
    select
        shop_id, refund_id, order_line_id, kind, reason, applied_at, cast(applied_at as date) as applied_on,
        reviewed_at, refunded_at, refund_amount, coalesce(refund_quantity, 0) as refund_quantity,
        coalesce(is_platform_liable, false) as is_platform_liable, coalesce(is_escalated, false) as is_escalated, status,
        case
            when status = 'succeeded' or (status is null and refunded_at is not null)
                then cast(coalesce(refunded_at, reviewed_at, applied_at) as date)
        end as succeeded_on,
        load_seq
    from {{ source('raw', 'raw_refunds') }}
)

select
    shop_id, refund_id, order_line_id, kind, reason, applied_at, applied_on, reviewed_at, refunded_at,
    refund_amount, refund_quantity, is_platform_liable, is_escalated, status,
    case when succeeded_on <= {{ run_date() }} then succeeded_on end as succeeded_on,
    load_seq
from requests
where applied_on <= {{ run_date() }} or succeeded_on <= {{ run_date() }}
