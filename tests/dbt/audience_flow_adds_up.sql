-- Rows of a flow sum to the stock then, columns to the stock on the day (R26). Both ends lie in the calendar.
with flows as (
    select shop_id, business_date, horizon_days, 'rows' as side, from_layer as layer, sum(users) as users
    from {{ ref('audience_5a_flow') }}
    where from_layer >= 0
    group by shop_id, business_date, horizon_days, from_layer
    union all
    select shop_id, business_date, horizon_days, 'columns' as side, to_layer as layer, sum(users) as users
    from {{ ref('audience_5a_flow') }}
    group by shop_id, business_date, horizon_days, to_layer
),

days as (
    select s.shop_id, s.business_date, h.horizon_days, s.layer, s.users
    from {{ ref('audience_5a_daily') }} as s
    cross join {{ ref('audience_horizons') }} as h
    where s.users > 0 and h.valid_from <= {{ run_date() }}
),

stocks as (
    select d.shop_id, d.business_date, d.horizon_days, 'columns' as side, d.layer, d.users
    from days as d
    union all
    select d.shop_id, d.business_date + d.horizon_days as business_date, d.horizon_days, 'rows' as side, d.layer, d.users
    from days as d
    where d.business_date + d.horizon_days <= {{ run_date() }}
)

select
    coalesce(f.shop_id, s.shop_id) as shop_id, coalesce(f.business_date, s.business_date) as business_date,
    coalesce(f.horizon_days, s.horizon_days) as horizon_days, coalesce(f.side, s.side) as side,
    coalesce(f.layer, s.layer) as layer, f.users as flow_users, s.users as stock_users
from flows as f
full outer join stocks as s
    on
        f.shop_id = s.shop_id and f.business_date = s.business_date and f.horizon_days = s.horizon_days
        and f.side = s.side and f.layer = s.layer
where f.users is distinct from s.users
