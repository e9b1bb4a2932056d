-- Grain: one author of int_growth__author_window on a day with enough profiled buyers and an audience of the author known by then
-- (shop_id, business_date, author_id; R103). audience_match is the overlap of two distributions: never add or average it.
{{ config(
    materialized='incremental', incremental_strategy='replace_days',
    meta={'rebuild_on': ['sales', 'refunds', 'traffic', 'traffic_daily', 'users', 'author_audience']}
) }}
{%- set first_day = rebuild_from() %}

with buyers as (
    select
        shop_id, business_date, gender, age_band, city_tier, buyers,
        sum(buyers) over (partition by shop_id, business_date) as all_buyers
    from {{ ref('int_growth__buyer_cell') }}
    where business_date >= {{ first_day }}
),

totals as (
    select b.shop_id, b.business_date, max(b.all_buyers) as all_buyers
    from buyers as b
    cross join {{ ref('int_growth__rule') }} as r
    where b.all_buyers >= r.match_minimum_buyers
    group by b.shop_id, b.business_date
),

snapshots as (
    select
        shop_id, author_id, snapshot_on,
        coalesce(lead(snapshot_on) over (partition by shop_id, author_id order by snapshot_on), {{ run_date() }} + 1) as next_on
    from (
        select distinct shop_id, author_id, snapshot_on
        from {{ ref('stg_author_audience') }}
    ) as days
),

author_days as (
    select w.shop_id, w.business_date, w.author_id, s.snapshot_on, t.all_buyers
    from {{ ref('int_growth__author_window') }} as w
    inner join totals as t
        on w.shop_id = t.shop_id and w.business_date = t.business_date
    inner join snapshots as s
        on
            w.shop_id = s.shop_id and w.author_id = s.author_id
            and w.business_date >= s.snapshot_on and w.business_date < s.next_on
    where w.business_date >= {{ first_day }}
)

-- min(author share, buyer share) of a cell, times the buyers: exact, so that one division is left.
select
    d.shop_id,
    d.business_date,
    d.author_id,
    cast(sum(
        least(
            cast(least(coalesce(a.share, 0), 1) * cast(d.all_buyers as decimal(9, 0)) as decimal(38, 12)),
            cast(coalesce(b.buyers, 0) as decimal(38, 12))
        )
    ) as double) / cast(max(d.all_buyers) as double) as audience_match
from author_days as d
inner join {{ ref('stg_author_audience') }} as a
    on d.shop_id = a.shop_id and d.author_id = a.author_id and d.snapshot_on = a.snapshot_on
left join buyers as b
    on
        d.shop_id = b.shop_id and d.business_date = b.business_date
        and a.gender = b.gender and a.age_band = b.age_band and a.city_tier = b.city_tier
group by d.shop_id, d.business_date, d.author_id
