-- users(D) = users(D-1) + entered - left_users (R24).
select today.shop_id, today.business_date, today.layer, today.users, before.users as users_before, today.entered, today.left_users
from {{ ref('audience_5a_daily') }} as today
inner join {{ ref('audience_5a_daily') }} as before
    on
        today.shop_id = before.shop_id and today.layer = before.layer
        and today.business_date = before.business_date + 1
where today.users <> before.users + today.entered - today.left_users
