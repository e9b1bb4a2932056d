-- Grain: one day of a shop that turned because its authors did since the last build (domain, shop_id, business_date): authorship,
-- a day with events whose author is own or external by another answer; touched_sales, a pay date with lines whose author is own,
-- head or neither by another answer. Attributes are undated: old days may turn. Empty on a full refresh, and when nothing turned.
with run as (
    select r.business_date, r.previous_date, r.built_seq, l.head_followers
    from {{ source('control', 'run') }} as r
    cross join {{ ref('int_fields__rule') }} as l
    where not r.is_full_refresh
),

versions as (
    select 'now' as version, a.shop_id, a.author_id, a.snapshot_on, a.is_own, a.is_celebrity, a.followers
    from {{ source('raw', 'raw_authors') }} as a
    cross join run
    where a.snapshot_on <= run.business_date
    union all
    select 'before' as version, a.shop_id, a.author_id, a.snapshot_on, a.is_own, a.is_celebrity, a.followers
    from {{ source('raw', 'raw_authors') }} as a
    cross join run
    where a.load_seq <= run.built_seq and a.snapshot_on <= run.previous_date
    union all
    select 'before' as version, s.shop_id, s.author_id, s.snapshot_on, s.is_own, s.is_celebrity, s.followers
    from {{ source('raw', 'raw_authors_superseded') }} as s
    cross join run
    where s.superseded_seq > run.built_seq and s.load_seq <= run.built_seq and s.snapshot_on <= run.previous_date
),

-- How famous an own account is says nothing of its lines.
snapshots as (
    select
        v.version, v.shop_id, v.author_id, v.snapshot_on,
        case when v.is_own then 'own' when v.is_celebrity or v.followers >= run.head_followers then 'head' else 'other' end
            as standing
    from versions as v
    cross join run
),

turns as (
    select
        version, shop_id, author_id, snapshot_on, standing,
        lag(standing) over (partition by version, shop_id, author_id order by snapshot_on) as stood
    from snapshots
),

-- Whoever has no snapshot is external; the first snapshot speaks for all days before it too.
points as (
    select
        version, shop_id, author_id, standing, coalesce(stood, 'other') as stood,
        case when stood is null then date '1900-01-01' else snapshot_on end as turns_on
    from turns
    where standing <> coalesce(stood, 'other')
),

-- Events ask less than lines: only whether the author is own.
asked_points as (
    select 'touched_sales' as domain, version, shop_id, author_id, turns_on, standing
    from points
    union all
    select
        'authorship' as domain, version, shop_id, author_id, turns_on,
        case when standing = 'own' then 'own' else 'other' end as standing
    from points
    where standing = 'own' or stood = 'own'
),

-- An answer changed from the first day on at which one version alone turns. Only for authors who turn at some day does it matter
-- when a content was published.
turning_authors as (
    select
        domain, shop_id, author_id,
        min(case when versions = 1 then turns_on end) as changed_from,
        (max(turns_on) > date '1900-01-01') as turns_later
    from (
        select domain, shop_id, author_id, turns_on, standing, count(*) as versions
        from asked_points
        group by domain, shop_id, author_id, turns_on, standing
    ) as compared
    group by domain, shop_id, author_id
    having min(versions) = 1 or max(turns_on) > date '1900-01-01'
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

select a.domain, e.shop_id, e.business_date
from {{ ref('stg_traffic_events') }} as e
inner join turning_authors as a
    on e.shop_id = a.shop_id and e.author_id = a.author_id
left join {{ ref('stg_contents') }} as c
    on e.shop_id = c.shop_id and e.content_id = c.content_id and c.published_on <= {{ run_date() }}
where a.domain = 'authorship' and coalesce(c.published_on, e.business_date) >= a.changed_from
union
select a.domain, e.shop_id, e.business_date
from {{ ref('stg_traffic_events') }} as e
inner join turning_authors as a
    on e.shop_id = a.shop_id and e.author_id = a.author_id
inner join moved_contents as m
    on e.shop_id = m.shop_id and e.content_id = m.content_id
where a.domain = 'authorship' and a.turns_later
union
-- Lines are few: one look at them finds both.
select a.domain, o.shop_id, o.paid_on as business_date
from {{ ref('stg_orders') }} as o
inner join turning_authors as a
    on o.shop_id = a.shop_id and o.author_id = a.author_id
left join {{ ref('stg_contents') }} as c
    on o.shop_id = c.shop_id and o.content_id = c.content_id and c.published_on <= {{ run_date() }}
left join moved_contents as m
    on o.shop_id = m.shop_id and o.content_id = m.content_id
where
    o.is_paid_line and a.domain = 'touched_sales'
    and (coalesce(c.published_on, o.paid_on) >= a.changed_from or (a.turns_later and m.content_id is not null))
