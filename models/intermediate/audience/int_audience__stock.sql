-- Grain: one layer on one calendar day of a shop (shop_id, business_date, layer 0 to 5), complete with zeros. users is a stock:
-- not additive over days; entered and left_users are moves, additive over days.
with moves as (
    select shop_id, business_date, to_layer as layer, users as entered, 0 as left_users
    from {{ ref('int_audience__daily_moves') }}
    union all
    select shop_id, business_date, from_layer as layer, 0 as entered, users as left_users
    from {{ ref('int_audience__daily_moves') }}
    where from_layer >= 0
    union all
    select c.shop_id, c.business_date, l.layer, 0 as entered, 0 as left_users
    from {{ ref('int_shop__calendar') }} as c
    cross join {{ ref('audience_layers') }} as l
),

days as (
    select shop_id, business_date, layer, sum(entered) as entered, sum(left_users) as left_users
    from moves
    group by shop_id, business_date, layer
),

-- A move may lie before the shop's calendar (an order paid before it was created): it counts, its day has no row.
stocks as (
    select
        shop_id, business_date, layer, entered, left_users,
        sum(entered - left_users) over (
            partition by shop_id, layer order by business_date
            rows between unbounded preceding and current row
        ) as users
    from days
)

select
    s.shop_id, s.business_date,
    cast(s.layer as smallint) as layer,
    cast(s.users as bigint) as users,
    cast(s.entered as bigint) as entered,
    cast(s.left_users as bigint) as left_users
from stocks as s
inner join {{ ref('int_shop__calendar') }} as c
    on s.shop_id = c.shop_id and s.business_date = c.business_date
