-- Grain: one user whose history this build changed (shop_id, user_id), and from which day on. Empty on a full refresh.
with moves as (
    select c.shop_id, c.user_key, min(c.business_date) as start_on
    from {{ ref('int_audience__layer_changes') }} as c
    cross join {{ source('control', 'run') }} as r
    where c.business_date > r.previous_date and not r.is_full_refresh
    group by c.shop_id, c.user_key
    union all
    select shop_id, user_key, start_on
    from {{ ref('int_audience__late_users') }}
)

select m.shop_id, m.user_key, k.user_id, min(m.start_on) as start_on
from moves as m
inner join {{ source('control', 'user_keys') }} as k
    on m.user_key = k.user_key
group by m.shop_id, m.user_key, k.user_id
