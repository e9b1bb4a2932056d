-- The six displayed shares of a day add up to exactly 100, or there were no views.
select shop_id, business_date, sum(displayed_share) as displayed, sum(views) as views
from {{ ref('traffic_source_daily') }}
group by shop_id, business_date
having coalesce(sum(displayed_share), 100) <> 100 or (sum(displayed_share) is null and sum(views) > 0)
