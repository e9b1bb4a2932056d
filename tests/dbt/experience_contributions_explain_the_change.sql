-- The contributions of the ten indicators add up to the change of the score, exactly but for the last bits of doubles.
with parts as (
    select shop_id, business_date, sum(contribution) as explained, count(contribution) as explaining
    from {{ ref('experience_score_indicators') }}
    group by shop_id, business_date
)

select s.shop_id, s.business_date, s.score_change, p.explained, p.explaining
from {{ ref('experience_score_daily') }} as s
inner join parts as p
    on s.shop_id = p.shop_id and s.business_date = p.business_date
where
    (s.score_change is null and p.explaining > 0)
    or (s.score_change is not null and (p.explaining <> 10 or abs(s.score_change - p.explained) > 1e-9))
