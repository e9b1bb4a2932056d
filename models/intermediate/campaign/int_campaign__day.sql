-- Grain: one calendar day of a shop that lies in a campaign (shop_id, business_date), however many campaigns hold it (R92).
-- Undated like the campaigns themselves: the newest version of the feed speaks for every day.
with shops as (
    select c.shop_id, c.business_date, coalesce(s.has_campaigns, false) as has_campaigns
    from {{ ref('int_shop__calendar') }} as c
    left join {{ ref('int_shop__sources') }} as s
        on c.shop_id = s.shop_id
),

newest_window as (
    select
        max_by(days_before_anchor, valid_from) as days_before_anchor,
        max_by(days_after_anchor, valid_from) as days_after_anchor
    from {{ ref('campaign_window') }}
    where valid_from <= {{ run_date() }}
),

promotions as (
    select
        coalesce(p.starts_on, p.anchor_on - w.days_before_anchor) as first_on,
        coalesce(p.ends_on, p.anchor_on + w.days_after_anchor) as last_on
    from {{ ref('campaign_calendar') }} as p
    cross join newest_window as w
),

days as (
    select s.shop_id, s.business_date
    from shops as s
    inner join {{ ref('stg_campaigns') }} as k
        on s.shop_id = k.shop_id and s.business_date between k.warm_up_on and k.ends_on
    union all
    -- The calendar's days count only for a shop without the feed.
    select s.shop_id, s.business_date
    from shops as s
    inner join promotions as p
        on s.business_date between p.first_on and p.last_on
    where not s.has_campaigns
)

select distinct shop_id, business_date
from days
