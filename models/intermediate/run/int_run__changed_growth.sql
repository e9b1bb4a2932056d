-- Grain: one day (domain, shop_id, business_date) of a content, author snapshot, author audience, user profile or ad cost that
-- arrived or changed since the last build, old version and new. Empty on a full refresh. Versions are compared by what the
-- growth marts read of them, as text.
with run as (
    select built_seq
    from {{ source('control', 'run') }}
    where not is_full_refresh
),

-- Superseded versions that were never built too: a build that was not published may have left them in the tables.
contents as (
    select
        shop_id, content_id, published_at, author_id, topic, content_type, declared_intent, has_product_link, load_seq,
        cast(null as bigint) as superseded_seq
    from {{ source('raw', 'raw_contents') }}
    union all
    select
        shop_id, content_id, published_at, author_id, topic, content_type, declared_intent, has_product_link, load_seq,
        superseded_seq
    from {{ source('raw', 'raw_contents_superseded') }}
),

authors as (
    select shop_id, author_id, snapshot_on, followers, load_seq, cast(null as bigint) as superseded_seq
    from {{ source('raw', 'raw_authors') }}
    union all
    select shop_id, author_id, snapshot_on, followers, load_seq, superseded_seq
    from {{ source('raw', 'raw_authors_superseded') }}
),

audiences as (
    select
        shop_id, author_id, snapshot_on, gender, age_band, city_tier, share, load_seq, cast(null as bigint) as superseded_seq
    from {{ source('raw', 'raw_author_audience') }}
    union all
    select shop_id, author_id, snapshot_on, gender, age_band, city_tier, share, load_seq, superseded_seq
    from {{ source('raw', 'raw_author_audience_superseded') }}
),

profiles as (
    select
        shop_id, user_key, snapshot_on, gender, age_band, city_tier, load_seq, cast(null as bigint) as superseded_seq
    from {{ source('raw', 'raw_users') }}
    union all
    select shop_id, user_key, snapshot_on, gender, age_band, city_tier, load_seq, superseded_seq
    from {{ source('raw', 'raw_users_superseded') }}
),

costs as (
    select shop_id, business_date, ad_id, content_id, cost_amount, load_seq, cast(null as bigint) as superseded_seq
    from {{ source('raw', 'raw_ad_spend') }}
    union all
    select shop_id, business_date, ad_id, content_id, cost_amount, load_seq, superseded_seq
    from {{ source('raw', 'raw_ad_spend_superseded') }}
),

versions as (
    select
        'contents' as domain, c.shop_id, c.content_id as key_1, cast(null as varchar) as key_2, cast(null as varchar) as key_3,
        cast(null as varchar) as key_4, cast(c.published_at as date) as business_date, c.author_id as value_1, c.topic as value_2,
        c.content_type || coalesce(c.declared_intent, '') || coalesce(cast(c.has_product_link as varchar), '') as value_3,
        case when c.load_seq <= run.built_seq then 1 else 0 end as is_built
    from contents as c
    cross join run
    where coalesce(c.superseded_seq, c.load_seq) > run.built_seq
    union all
    select
        'authors' as domain, a.shop_id, a.author_id as key_1, null as key_2, null as key_3, null as key_4,
        a.snapshot_on as business_date, cast(a.followers as varchar) as value_1, null as value_2, null as value_3,
        case when a.load_seq <= run.built_seq then 1 else 0 end as is_built
    from authors as a
    cross join run
    where coalesce(a.superseded_seq, a.load_seq) > run.built_seq
    union all
    select
        'author_audience' as domain, u.shop_id, u.author_id as key_1, u.gender as key_2, u.age_band as key_3,
        u.city_tier as key_4, u.snapshot_on as business_date,
        cast(u.share as varchar) as value_1, null as value_2, null as value_3,
        case when u.load_seq <= run.built_seq then 1 else 0 end as is_built
    from audiences as u
    cross join run
    where coalesce(u.superseded_seq, u.load_seq) > run.built_seq
    union all
    select
        'users' as domain, p.shop_id, cast(p.user_key as varchar) as key_1, null as key_2, null as key_3, null as key_4,
        p.snapshot_on as business_date, p.gender as value_1, p.age_band as value_2, p.city_tier as value_3,
        case when p.load_seq <= run.built_seq then 1 else 0 end as is_built
    from profiles as p
    cross join run
    where coalesce(p.superseded_seq, p.load_seq) > run.built_seq
    union all
    select
        'ad_spend' as domain, k.shop_id, k.ad_id as key_1, null as key_2, null as key_3, null as key_4,
        k.business_date, k.content_id as value_1, cast(k.cost_amount as varchar) as value_2, null as value_3,
        case when k.load_seq <= run.built_seq then 1 else 0 end as is_built
    from costs as k
    cross join run
    where coalesce(k.superseded_seq, k.load_seq) > run.built_seq
),

distinct_versions as (
    select
        domain, shop_id, key_1, key_2, key_3, key_4, business_date, value_1, value_2, value_3, max(is_built) as is_built
    from versions
    group by domain, shop_id, key_1, key_2, key_3, key_4, business_date, value_1, value_2, value_3
),

-- The day is part of the key of all but contents, which may move.
compared as (
    select
        domain, shop_id, business_date,
        count(*) over same_fact as variants,
        max(is_built) over same_fact as is_built
    from distinct_versions
    window same_fact as (
        partition by domain, shop_id, key_1, key_2, key_3, key_4, case when domain <> 'contents' then business_date end
    )
)

select domain, shop_id, business_date
from compared
where variants > 1 or is_built = 0
group by domain, shop_id, business_date
