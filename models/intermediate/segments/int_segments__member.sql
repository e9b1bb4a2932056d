-- Grain: one user in a segment of a shop on the run's day (shop_id, segment, user_id), small segments included. A user may be in
-- several.
with rules as (
    select max_by(hold_out_below, valid_from) as hold_out_below
    from {{ ref('segment_rules') }}
    where valid_from <= {{ run_date() }}
),

clauses as (
    select segment, clause_number, sum(case when is_negated then 0 else 1 end) as wanted
    from {{ source('control', 'segment_clauses') }}
    group by segment, clause_number
),

-- Every clause asks for something that is true of a user, so that the matches hold all who may be in it.
answers as (
    select
        c.segment, c.clause_number, m.shop_id, m.user_key,
        sum(case when c.is_negated then 0 else 1 end) as held,
        sum(case when c.is_negated then 1 else 0 end) as barred
    from {{ source('control', 'segment_clauses') }} as c
    inner join {{ ref('int_segments__match') }} as m
        on c.condition_id = m.condition_id
    group by c.segment, c.clause_number, m.shop_id, m.user_key
),

members as (
    select distinct a.shop_id, a.segment, a.user_key
    from answers as a
    inner join clauses as c
        on a.segment = c.segment and a.clause_number = c.clause_number and a.held = c.wanted
    inner join {{ ref('int_segments__shop') }} as s
        on a.shop_id = s.shop_id and a.segment = s.segment
    where a.barred = 0 and s.is_answerable
)

select
    m.shop_id, m.segment, k.user_id,
    -- Hex digits of equal length compare as the numbers they write.
    substr(k.user_id, 1, 8) < r.hold_out_below as is_holdout
from members as m
cross join rules as r
inner join {{ source('control', 'user_keys') }} as k
    on m.user_key = k.user_key
