-- Grain: one operating and one marketing function on a calendar day of a shop (shop_id, business_date, operating_function,
-- marketing_function), nine rows always. Lines of W(30) touched by both. Cells overlap: they never add up; nor do days.
with shops as (
    select shop_id, first_event_on, (has_orders and names_users) as names_buyers
    from {{ ref('int_shop__sources') }}
    where first_event_on is not null
),

cells as (
    select e.function_code as operating_function, m.function_code as marketing_function
    from {{ ref('synergy_functions') }} as e
    cross join {{ ref('synergy_functions') }} as m
    where e.side = 'operating' and m.side = 'marketing'
),

touched as (
    select
        l.shop_id, l.business_date, c.operating_function, c.marketing_function,
        sum(l.paid_amount) as paid_amount
    from {{ ref('int_fields__line_class') }} as l
    inner join {{ ref('int_fields__line_touch') }} as t
        on l.shop_id = t.shop_id and l.order_line_id = t.order_line_id
    inner join cells as c
        on
            case c.operating_function when 'live' then t.has_live_touch when 'short_video' then t.has_short_video_touch
                else t.has_mall_touch end
            and case c.marketing_function when 'author' then t.has_author_touch when 'campaign' then t.has_campaign_touch
                else t.has_ad_touch end
    group by l.shop_id, l.business_date, c.operating_function, c.marketing_function
),

paid as (
    select shop_id, business_date, sum(paid_amount) as paid_amount
    from {{ ref('int_fields__line_class') }}
    group by shop_id, business_date
),

-- The window starts with the shop's first event at the earliest (R3b).
days as (
    select
        d.shop_id, d.business_date, c.operating_function, c.marketing_function,
        coalesce(s.names_buyers and d.business_date >= s.first_event_on, false) as is_measured,
        case when d.business_date >= s.first_event_on then coalesce(t.paid_amount, 0) else 0 end as touched_amount,
        case when d.business_date >= s.first_event_on then coalesce(p.paid_amount, 0) else 0 end as all_amount
    from {{ ref('int_shop__calendar') }} as d
    cross join cells as c
    left join shops as s
        on d.shop_id = s.shop_id
    left join touched as t
        on
            d.shop_id = t.shop_id and d.business_date = t.business_date and c.operating_function = t.operating_function
            and c.marketing_function = t.marketing_function
    left join paid as p
        on d.shop_id = p.shop_id and d.business_date = p.business_date
),

-- The calendar has no holes, so the window is so many rows.
windows as (
    select
        shop_id, business_date, operating_function, marketing_function, is_measured,
        sum(touched_amount) over last_days as touched_amount,
        sum(all_amount) over last_days as all_amount
    from days
    window last_days as (
        partition by shop_id, operating_function, marketing_function order by business_date
        rows between {{ fields_rule('window_days - 1') }} preceding and current row
    )
)

select
    shop_id,
    business_date,
    operating_function,
    marketing_function,
    cast(case when is_measured then touched_amount end as decimal(18, 2)) as paid_amount,
    case when is_measured then cast(touched_amount as double) / cast(nullif(all_amount, 0) as double) end as share,
    {{ rule_version() }} as rule_version,
    case when is_measured then 'ok' else 'missing_source' end as data_status
from windows
