-- Grain: one complete or running period with contents (shop_id, grain, period_start): contents published in it that had an
-- impression in it, in either source; lives of the minimum length only (R31). Not additive over periods.
with rules as (
    select minimum_live_minutes, valid_from, lead(valid_from) over (order by valid_from) as valid_before
    from {{ ref('operating_rules') }}
),

published as (
    select c.shop_id, c.content_id, c.published_on
    from {{ ref('stg_contents') }} as c
    inner join rules as r
        on c.published_on >= r.valid_from and (r.valid_before is null or c.published_on < r.valid_before)
    where
        c.published_on <= {{ run_date() }}
        and (
            c.content_type <> 'live'
            or c.ended_at >= c.published_at + r.minimum_live_minutes * interval '1' minute
        )
),

-- A content lies in one day, one week and one month: whether it was shown in each.
shown as (
    select
        p.shop_id, p.content_id, p.published_on,
        max(case when i.business_date = p.published_on then 1 else 0 end) as in_day,
        max(case when date_trunc('week', i.business_date) = date_trunc('week', p.published_on) then 1 else 0 end) as in_week,
        max(case when date_trunc('month', i.business_date) = date_trunc('month', p.published_on) then 1 else 0 end) as in_month
    from published as p
    inner join {{ ref('int_traffic__content_day') }} as i
        on
            p.shop_id = i.shop_id and p.content_id = i.content_id
            and i.business_date between p.published_on - 31 and p.published_on + 31
    group by p.shop_id, p.content_id, p.published_on
),

periods as (
    select shop_id, 'day' as grain, published_on as period_start, in_day as is_counted
    from shown
    union all
    select shop_id, 'week' as grain, cast(date_trunc('week', published_on) as date) as period_start, in_week as is_counted
    from shown
    union all
    select shop_id, 'month' as grain, cast(date_trunc('month', published_on) as date) as period_start, in_month as is_counted
    from shown
)

select shop_id, grain, period_start, cast(sum(is_counted) as bigint) as contents
from periods
group by shop_id, grain, period_start
