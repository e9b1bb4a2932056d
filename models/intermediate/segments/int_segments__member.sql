-- Grain: one user in a segment of a shop on the run's day (shop_id, segment, user_id), small segments included. A user may be in
-- several.
with rules as (
    select max_by(hold_out_below, valid_from) as hold_out_below
    from {{ ref('segment_rules') }}
    where valid_from <= {{ run_date() }}
),

wanted as (
    select segment, clause_number, count(*) as conditions
    from {{ source('control', 'segment_clauses') }}
    where not is_negated
    group by segment, clause_number
),

-- Every clause asks for something that is true of a user, so that the matches hold all who may be in it …
held as (
    select c.segment, c.clause_number, m.shop_id, m.user_key, count(*) as conditions
    from {{ source('control', 'segment_clauses') }} as c
    inner join {{ ref('int_segments__match') }} as m
        on c.condition_id = m.condition_id
    where not c.is_negated
    group by c.segment, c.clause_number, m.shop_id, m.user_key
),

candidates as (
    select h.segment, h.clause_number, h.shop_id, h.user_key
    from held as h
    inner join wanted as w
        on h.segment = w.segment and h.clause_number = w.clause_number and h.conditions = w.conditions
    inner join {{ ref('int_segments__shop') }} as s
        on h.shop_id = s.shop_id and h.segment = s.segment
    where s.is_answerable
),

-- … but for those who also meet what it excludes.
barred as (
    select h.segment, h.clause_number, h.shop_id, h.user_key
    from candidates as h
    inner join {{ source('control', 'segment_clauses') }} as c
        on h.segment = c.segment and h.clause_number = c.clause_number
    inner join {{ ref('int_segments__match') }} as m
        on c.condition_id = m.condition_id and h.shop_id = m.shop_id and h.user_key = m.user_key
    where c.is_negated
),

members as (
    select distinct h.shop_id, h.segment, h.user_key
    from candidates as h
    left join barred as b
        on
            h.segment = b.segment and h.clause_number = b.clause_number and h.shop_id = b.shop_id
            and h.user_key = b.user_key
    where b.user_key is null
)

select
    m.shop_id, m.segment, k.user_id,
    -- Hex digits of equal length compare as the numbers they write.
    substr(k.user_id, 1, 8) < r.hold_out_below as is_holdout
from members as m
cross join rules as r
inner join {{ source('control', 'user_keys') }} as k
    on m.user_key = k.user_key
