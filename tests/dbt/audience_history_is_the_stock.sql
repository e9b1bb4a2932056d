-- The stays that last on the run's day are its stock, layer by layer: nobody twice, nobody lost.
with stays as (
    select shop_id, layer, count(*) as users
    from {{ ref('audience_layer_history') }}
    where valid_to is null
    group by shop_id, layer
),

stock as (
    select shop_id, layer, users
    from {{ ref('audience_5a_daily') }}
    where business_date = {{ run_date() }} and users > 0
)

select coalesce(h.shop_id, s.shop_id) as shop_id, coalesce(h.layer, s.layer) as layer, h.users as stays, s.users
from stays as h
full outer join stock as s
    on h.shop_id = s.shop_id and h.layer = s.layer
where h.users is distinct from s.users
