-- The four arms of a day hold every user in a 5A layer, O included, once.
select s.shop_id, s.business_date, sum(a.users) as known_users
from {{ ref('synergy_daily') }} as s
inner join {{ ref('audience_5a_daily') }} as a
    on s.shop_id = a.shop_id and s.business_date = a.business_date
where s.neither_users is not null
group by s.shop_id, s.business_date, s.neither_users, s.own_users, s.marketing_users, s.both_users
having sum(a.users) <> s.neither_users + s.own_users + s.marketing_users + s.both_users
