-- Grain: one user about whom a fact dated on or before the last build's day arrived or changed (shop_id, user_key).
-- Every layer of the user from start_on on is computed again. Empty on a full refresh.
select
    c.shop_id,
    c.user_key,
    min(c.business_date) as start_on
from {{ ref('int_run__changes') }} as c
cross join {{ source('control', 'run') }} as r
where
    c.domain in ('traffic', 'sales', 'refunds', 'reviews')
    and c.user_key is not null
    and c.business_date <= r.previous_date
    and not r.is_full_refresh
group by c.shop_id, c.user_key
