-- Grain: one unbroken period in which an author's snapshots say the same about own account and head author (shop_id, author_id,
-- valid_from); valid_to is exclusive, NULL = open. Far fewer than snapshots, so that lines find theirs cheaply.
with spells as (
    select
        s.shop_id, s.author_id, s.valid_from, s.is_own,
        s.is_celebrity or coalesce(s.followers >= r.head_followers, false) as is_head
    from {{ ref('int_fields__author_spell') }} as s
    cross join {{ ref('int_fields__rule') }} as r
),

turns as (
    select
        shop_id, author_id, valid_from, is_own, is_head,
        lag(is_own) over (partition by shop_id, author_id order by valid_from) as was_own,
        lag(is_head) over (partition by shop_id, author_id order by valid_from) as was_head
    from spells
)

select
    shop_id, author_id, valid_from,
    lead(valid_from) over (partition by shop_id, author_id order by valid_from) as valid_to,
    is_own, is_head
from turns
where was_own is null or is_own <> was_own or is_head <> was_head
