-- Grain: one user in a segment of a shop on the run's day (shop_id, segment, user_id), small segments included. A user may be in
-- several.
with rules as (
    select max_by(hold_out_below, valid_from) as hold_out_below
    from {{ ref('segment_rules') }}
    where valid_from <= {{ run_date() }}
),

clauses as (
    select
        segment, condition_id, is_negated, dense_rank() over (order by segment, clause_number) as clause,
        sum(case when is_negated then 0 else 1 end) over (partition by segment, clause_number) as wanted
    from {{ source('control', 'segment_clauses') }}
),

-- Every clause asks for something that is true of a user, so that the matches hold all who may be in it …
held as (
    select c.clause, m.shop_id, m.user_key, max(c.segment) as segment
    from clauses as c
    inner join {{ ref('int_segments__match') }} as m
        on c.condition_id = m.condition_id
    where not c.is_negated
    group by c.clause, m.shop_id, m.user_key
    having count(*) = max(c.wanted)
),

-- … but for those who also meet what it excludes.
barred as (
    select h.clause, h.shop_id, h.user_key
    from held as h
    inner join clauses as c
        on h.clause = c.clause and c.is_negated
    inner join {{ ref('int_segments__match') }} as m
        on c.condition_id = m.condition_id and h.shop_id = m.shop_id and h.user_key = m.user_key
),

members as (
    select distinct h.shop_id, h.segment, h.user_key
    from held as h
    inner join {{ ref('int_segments__shop') }} as s
        on h.shop_id = s.shop_id and h.segment = s.segment
    left join barred as b
        on h.clause = b.clause and h.shop_id = b.shop_id and h.user_key = b.user_key
    where s.is_answerable and b.user_key is null
)

select
    m.shop_id, m.segment, k.user_id,
    -- Hex digits of equal length compare as the numbers they write.
    substr(k.user_id, 1, 8) < r.hold_out_below as is_holdout
from members as m
cross join rules as r
inner join {{ source('control', 'user_keys') }} as k
    on m.user_key = k.user_key
