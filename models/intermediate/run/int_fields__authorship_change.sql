-- Grain: one day of a shop with events whose author is own or external by another answer than at the last build (shop_id,
-- business_date). Attributes are undated, so old days may turn. Empty on a full refresh, and when nothing turned.
with run as (
    select business_date, previous_date, built_seq
    from {{ source('control', 'run') }}
    where not is_full_refresh
),

snapshots as (
    select 'now' as version, a.shop_id, a.author_id, a.snapshot_on, coalesce(a.is_own, false) as is_own
    from {{ source('raw', 'raw_authors') }} as a
    cross join run
    where a.snapshot_on <= run.business_date
    union all
    select 'before' as version, a.shop_id, a.author_id, a.snapshot_on, coalesce(a.is_own, false) as is_own
    from {{ source('raw', 'raw_authors') }} as a
    cross join run
    where a.load_seq <= run.built_seq and a.snapshot_on <= run.previous_date
    union all
    select 'before' as version, s.shop_id, s.author_id, s.snapshot_on, coalesce(s.is_own, false) as is_own
    from {{ source('raw', 'raw_authors_superseded') }} as s
    cross join run
    where s.superseded_seq > run.built_seq and s.load_seq <= run.built_seq and s.snapshot_on <= run.previous_date
),

turns as (
    select
        version, shop_id, author_id, snapshot_on, is_own,
        lag(is_own) over (partition by version, shop_id, author_id order by snapshot_on) as was_own
    from snapshots
),

-- Whoever has no snapshot is external; the first snapshot speaks for all days before it too.
points as (
    select
        version, shop_id, author_id, is_own,
        case when was_own is null then date '1900-01-01' else snapshot_on end as turns_on
    from turns
    where is_own <> coalesce(was_own, false)
),

changed_points as (
    select shop_id, author_id, turns_on, is_own
    from points
    group by shop_id, author_id, turns_on, is_own
    having count(*) = 1
),

changed_authors as (
    select shop_id, author_id, min(turns_on) as turns_on
    from changed_points
    group by shop_id, author_id
),

-- Only for authors who turn at some day does it matter when a content was published.
turning_authors as (
    select distinct shop_id, author_id
    from points
    where turns_on > date '1900-01-01'
),

contents as (
    select c.shop_id, c.content_id, cast(c.published_at as date) as published_on
    from {{ source('raw', 'raw_contents') }} as c
    cross join run
    where
        cast(c.published_at as date) <= run.business_date
        and (c.load_seq > run.built_seq or cast(c.published_at as date) > run.previous_date)
    union all
    select s.shop_id, s.content_id, cast(s.published_at as date) as published_on
    from {{ source('raw', 'raw_contents_superseded') }} as s
    cross join run
    where
        s.superseded_seq > run.built_seq and s.load_seq <= run.built_seq
        and cast(s.published_at as date) <= run.previous_date
),

moved_contents as (
    select distinct shop_id, content_id
    from (
        select shop_id, content_id, published_on
        from contents
        group by shop_id, content_id, published_on
        having count(*) = 1
    ) as versions
)

select e.shop_id, e.business_date
from {{ ref('stg_traffic_events') }} as e
inner join changed_authors as a
    on e.shop_id = a.shop_id and e.author_id = a.author_id
left join {{ ref('stg_contents') }} as c
    on e.shop_id = c.shop_id and e.content_id = c.content_id and c.published_on <= {{ run_date() }}
where coalesce(c.published_on, e.business_date) >= a.turns_on
union
select e.shop_id, e.business_date
from {{ ref('stg_traffic_events') }} as e
inner join turning_authors as t
    on e.shop_id = t.shop_id and e.author_id = t.author_id
inner join moved_contents as m
    on e.shop_id = m.shop_id and e.content_id = m.content_id
