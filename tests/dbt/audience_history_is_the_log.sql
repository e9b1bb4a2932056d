-- Every change of layer begins one stay, and no user begins two on a day. Counted over all, looked at in detail where this
-- build wrote: the rest was looked at when it was written.
with counted as (
    select count(*) as stays
    from {{ ref('audience_layer_history') }}
),

logged as (
    select count(*) as changes
    from {{ ref('int_audience__layer_changes') }}
),

written as (
    select h.shop_id, h.user_id, h.valid_from
    from {{ ref('audience_layer_history') }} as h
    left join {{ ref('int_audience__moved_users') }} as m
        on h.shop_id = m.shop_id and h.user_id = m.user_id
    cross join {{ source('control', 'run') }} as r
    where m.user_id is not null or r.is_full_refresh
)

select shop_id, user_id, valid_from, count(*) as stays, cast(null as bigint) as changes
from written
group by shop_id, user_id, valid_from
having count(*) > 1
union all
select null as shop_id, null as user_id, null as valid_from, counted.stays, logged.changes
from counted
cross join logged
where counted.stays <> logged.changes
