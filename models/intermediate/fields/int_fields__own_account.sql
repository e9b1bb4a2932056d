-- Grain: one unbroken period in which an author is an own account (shop_id, author_id, valid_from); valid_to is exclusive, NULL =
-- open. Outside these periods an author is external (R78).
with turns as (
    select
        shop_id, author_id, valid_from, is_own,
        lag(is_own) over (partition by shop_id, author_id order by valid_from) as was_own
    from {{ ref('int_fields__author_spell') }}
),

periods as (
    select
        shop_id, author_id, valid_from, is_own,
        lead(valid_from) over (partition by shop_id, author_id order by valid_from) as valid_to
    from turns
    where was_own is null or is_own <> was_own
)

select shop_id, author_id, valid_from, valid_to
from periods
where is_own
