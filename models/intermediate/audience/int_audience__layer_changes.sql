-- Grain: one change of a known user's layer (shop_id, user_key, business_date); from_layer -1 = not known before. The whole
-- history of layers: no state is kept but this log. previous_change_on is the day of the change before, NULL for the first.
-- depends_on: {{ ref('int_audience__late_users') }}
{{ config(materialized='incremental', incremental_strategy='replace_changes') }}
{{ audience_refuse_half_history() }}

with spells as (
    select
        shop_id, user_key, business_date, base_on, coalesce(next_on, {{ run_date() }} + 1) as next_on,
        left_5, left_4, left_3, left_2, left_1,
        case
            when was_left_1 is null then -1
            when was_left_5 >= business_date then 5
            when was_left_4 >= business_date then 4
            when was_left_3 >= business_date then 3
            when was_left_2 >= business_date then 2
            when was_left_1 >= business_date then 1
            else 0
        end as layer_before,
        case
            when left_5 > business_date then 5
            when left_4 > business_date then 4
            when left_3 > business_date then 3
            when left_2 > business_date then 2
            when left_1 > business_date then 1
            else 0
        end as layer_now
    from {{ ref('int_audience__layer_spells') }}
    -- A review alone makes nobody known (R21).
    where left_1 is not null
),

-- A fact may lift the user on its day …
lifts as (
    select shop_id, user_key, base_on, business_date, layer_before as from_layer, layer_now as to_layer
    from spells
    where layer_before <> layer_now
),

-- … and until the next fact the user only falls, past every layer whose time is up on the same day.
runs_out as (
    select
        s.shop_id, s.user_key, s.base_on, s.next_on, s.left_5, s.left_4, s.left_3, s.left_2, l.layer as lost_layer,
        case l.layer when 5 then s.left_5 when 4 then s.left_4 when 3 then s.left_3 when 2 then s.left_2 else s.left_1
        end as business_date,
        case l.layer when 5 then s.left_4 when 4 then s.left_3 when 3 then s.left_2 when 2 then s.left_1
        end as lower_left_on
    from spells as s
    inner join {{ ref('audience_layers') }} as l
        on s.layer_now >= l.layer
    where
        l.layer > 0
        and case s.layer_now when 5 then s.left_5 when 4 then s.left_4 when 3 then s.left_3 when 2 then s.left_2
            else s.left_1 end < s.next_on
),

falls as (
    select
        shop_id, user_key, base_on, business_date,
        case
            when left_5 = business_date then 5
            when left_4 = business_date then 4
            when left_3 = business_date then 3
            when left_2 = business_date then 2
            else 1
        end as from_layer,
        lost_layer - 1 as to_layer
    from runs_out
    where business_date < next_on and (lower_left_on is null or lower_left_on > business_date)
),

changes as (
    select shop_id, user_key, base_on, business_date, from_layer, to_layer
    from lifts
    where business_date > base_on
    union all
    select shop_id, user_key, base_on, business_date, from_layer, to_layer
    from falls
    where business_date > base_on
),

chained as (
    select
        shop_id, user_key, base_on, business_date, from_layer, to_layer,
        lag(business_date) over (partition by shop_id, user_key order by business_date) as previous_change_on
    from changes
),

-- The last change that stands from earlier builds; whoever has one is known, however long ago the user was seen.
standing as (
    {%- if is_incremental() %}
    select h.shop_id, h.user_key, max(h.business_date) as last_change_on
    from {{ this }} as h
    inner join chained as c
        on h.shop_id = c.shop_id and h.user_key = c.user_key and h.business_date <= c.base_on
    where c.previous_change_on is null
    group by h.shop_id, h.user_key
    {%- else %}
    select shop_id, user_key, business_date as last_change_on
    from chained
    where 1 = 0
    {%- endif %}
)

select
    c.shop_id,
    c.user_key,
    c.business_date,
    cast(case when c.from_layer = -1 and s.last_change_on is not null then 0 else c.from_layer end as smallint) as from_layer,
    cast(c.to_layer as smallint) as to_layer,
    coalesce(c.previous_change_on, s.last_change_on) as previous_change_on
from chained as c
left join standing as s
    on c.shop_id = s.shop_id and c.user_key = s.user_key
order by c.business_date
