-- The eight contributions of a period make its score_change and are there exactly when it is (R42).
select s.shop_id, s.grain, s.period_start, s.score_change, sum(i.contribution) as contributions
from {{ ref('operating_score') }} as s
inner join {{ ref('operating_score_indicators') }} as i
    on s.shop_id = i.shop_id and s.grain = i.grain and s.period_start = i.period_start
group by s.shop_id, s.grain, s.period_start, s.score_change
having
    count(i.contribution) <> case when s.score_change is null then 0 else count(*) end
    or abs(sum(i.contribution) - s.score_change) > 0.000000001
