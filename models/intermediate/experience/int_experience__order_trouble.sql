-- Grain: one order that somebody complained about or had escalated (shop_id, order_id): since which day. Complaints and
-- escalations have no window (R55); a refund counts once its line is paid.
with troubles as (
    select
        shop_id, order_id, opened_on as troubled_on,
        case when kind = 'complaint' then opened_on end as complained_on
    from {{ ref('stg_service_sessions') }}
    where order_id is not null and (kind = 'complaint' or is_escalated)
    union all
    select
        o.shop_id, o.order_id, greatest(f.applied_on, o.paid_on) as troubled_on, cast(null as date) as complained_on
    from {{ ref('stg_refunds') }} as f
    inner join {{ ref('stg_orders') }} as o
        on f.shop_id = o.shop_id and f.order_line_id = o.order_line_id
    where f.is_escalated and o.is_paid_line
)

select shop_id, order_id, min(complained_on) as complained_on, min(troubled_on) as troubled_on
from troubles
group by shop_id, order_id
