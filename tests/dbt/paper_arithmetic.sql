-- The paper's own arithmetic (its contradictions included): a row for every statement that does not come out.
with figures as (
    select
        max(case when figure = 'breadth_points' then value end) as breadth_points,
        max(case when figure = 'depth_points' then value end) as depth_points,
        max(case when figure = 'operating_score' then value end) as operating_score,
        sum(case when figure like 'quadrant_%' then value end) as quadrants,
        sum(case when figure like 'traffic_source_%' and figure not like '%repeated' then value end) as traffic_sources,
        sum(case when figure in ('product_experience_points', 'logistics_experience_points', 'service_experience_points')
            then value end) as experience_points,
        sum(case when figure in ('product_experience_points', 'logistics_experience_points',
                'service_experience_points_restated') then value end) as experience_points_restated,
        max(case when figure = 'experience_score' then value end) as experience_score,
        max(case when figure = 'netizens' then value end) as netizens,
        max(case when figure = 'online_shoppers' then value end) as online_shoppers,
        max(case when figure = 'online_shopper_share' then value end) as online_shopper_share,
        max(case when figure = 'short_video_users' then value end) as short_video_users,
        max(case when figure = 'short_video_penetration' then value end) as short_video_penetration,
        max(case when figure = 'live_users' then value end) as live_users,
        max(case when figure = 'live_user_share' then value end) as live_user_share,
        max(case when figure = 'sales_growth_2022' then value end) as growth_2022,
        max(case when figure = 'sales_growth_2023' then value end) as growth_2023,
        max(case when figure = 'lucky_bags' then value end) as lucky_bags,
        max(case when figure = 'lucky_bag_participations' then value end) as participations,
        max(case when figure = 'lucky_bags_per_live' then value end) as bags_per_live,
        max(case when figure = 'lucky_bag_interval' then value end) as bag_interval
    from {{ ref('paper_reference_figures') }}
),

weights as (
    select sum(w.weight) as weights, max(abs(w.weight - f.value)) as difference
    from {{ ref('operating_indicators') }} as w
    left join {{ ref('paper_reference_figures') }} as f
        on f.figure = w.indicator || '_weight'
    -- A dated change of a rule stands beside the paper's row, and is no statement of the paper.
    where w.valid_from = date '2000-01-01'
),

statements as (
    select '44 + 41 = 85' as statement, breadth_points + depth_points = operating_score as holds from figures
    union all
    select 'the eight weights make 100' as statement, weights = 100 as holds from weights
    union all
    select 'the rule weights are the printed ones' as statement, difference = 0 as holds from weights
    union all
    select '13.2 + 61.5 + 16.9 + 8.4 = 100.0' as statement, quadrants = 100 as holds from figures
    union all
    select '22 + 62 + 9 + 2 + 3 + 1 = 99' as statement, traffic_sources = 99 as holds from figures
    union all
    select '2 + 2 + 3 = 7' as statement, experience_points = experience_score as holds from figures
    union all
    select 'service 2 of 3 contradicts the 7' as statement, experience_points_restated <> experience_score as holds from figures
    union all
    select '8.42 / 10.32 = 81.6 %' as statement,
        abs(1000 * online_shoppers - 10 * online_shopper_share * netizens) <= netizens / 2 as holds from figures
    union all
    select '9.34 / 10.32 = 90.5 %' as statement,
        abs(1000 * short_video_users - 10 * short_video_penetration * netizens) <= netizens / 2 as holds from figures
    union all
    select '7.03 / 10.32 prints 68.2 but is 68.1' as statement,
        abs(1000 * live_users - 10 * live_user_share * netizens) > netizens / 2
        and abs(1000 * live_users - 681 * netizens) <= netizens / 2 as holds
    from figures
    union all
    select '+101 % then +77 % = x3.56' as statement,
        abs((100 + growth_2022) * (100 + growth_2023) - 35600) <= 50 as holds from figures
    union all
    select '92 / 1.2 = 76.7' as statement, abs(10 * participations - 767 * lucky_bags) <= lucky_bags / 2 as holds from figures
    union all
    select '49 x 3.7 min is about 3.0 h' as statement,
        abs((bags_per_live - 1) * bag_interval - 180) <= 3 as holds from figures
)

select statement
from statements
where not coalesce(holds, false)
