-- Grain: one version of an after-sale request (old or new) whose facts changed since the last build. Empty on a full refresh.
with run as (
    select built_seq
    from {{ source('control', 'run') }}
    where not is_full_refresh
),

versions as (
    select
        r.shop_id, r.refund_id, r.order_line_id, r.kind, r.reason, r.status, r.refund_amount, r.refund_quantity,
        r.applied_at, r.reviewed_at, r.refunded_at, 0 as is_built
    from {{ source('raw', 'raw_refunds') }} as r
    cross join run
    where r.load_seq > run.built_seq
    union all
    select
        s.shop_id, s.refund_id, s.order_line_id, s.kind, s.reason, s.status, s.refund_amount, s.refund_quantity,
        s.applied_at, s.reviewed_at, s.refunded_at,
        case when s.load_seq <= run.built_seq then 1 else 0 end as is_built
    from {{ source('raw', 'raw_refunds_superseded') }} as s
    cross join run
    -- Versions in between too: a build that was never published may have left them in the tables.
    where s.superseded_seq > run.built_seq
),

distinct_versions as (
    select
        shop_id, refund_id, order_line_id, kind, reason, status, refund_amount, refund_quantity, applied_at, reviewed_at,
        refunded_at,
        max(is_built) as is_built
    from versions
    group by
        shop_id, refund_id, order_line_id, kind, reason, status, refund_amount, refund_quantity, applied_at, reviewed_at,
        refunded_at
),

compared as (
    select
        shop_id, order_line_id, status, applied_at, reviewed_at, refunded_at,
        count(*) over (partition by shop_id, refund_id) as variants,
        max(is_built) over (partition by shop_id, refund_id) as is_built
    from distinct_versions
)

select
    shop_id, order_line_id,
    cast(coalesce(refunded_at, reviewed_at, applied_at) as date) as succeeded_on
from compared
where (variants > 1 or is_built = 0) and (status = 'succeeded' or (status is null and refunded_at is not null))
