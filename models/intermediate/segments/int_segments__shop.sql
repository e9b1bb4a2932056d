-- Grain: one segment of one shop (shop_id, segment) on the run's day, and whether the shop can answer it: it names users and has
-- delivered every feed the segment asks (presence is not dated, R3).
with shops as (
    select distinct shop_id
    from {{ ref('int_shop__calendar') }}
),

missing as (
    select s.shop_id, f.segment
    from shops as s
    cross join {{ source('control', 'segment_feeds') }} as f
    left join {{ source('control', 'feed_presence') }} as p
        on s.shop_id = p.shop_id and f.feed = p.feed and p.rows_held > 0
    where p.feed is null
    group by s.shop_id, f.segment
)

select
    s.shop_id, g.segment, g.label_zh,
    coalesce(n.names_users, false) and m.segment is null as is_answerable
from shops as s
cross join {{ source('control', 'segments') }} as g
left join missing as m
    on s.shop_id = m.shop_id and g.segment = m.segment
left join {{ ref('int_shop__sources') }} as n
    on s.shop_id = n.shop_id
