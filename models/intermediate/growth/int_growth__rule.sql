-- Grain: one row, the rules of authors, contents and campaigns in force on the run's day; they hold for the whole history.
{{ config(materialized='view') }}

with author_row as (
    select max(valid_from) as valid_from
    from {{ ref('author_rules') }}
    where valid_from <= {{ run_date() }}
),

content_row as (
    select max(valid_from) as valid_from
    from {{ ref('content_rules') }}
    where valid_from <= {{ run_date() }}
),

campaign_row as (
    select max(valid_from) as valid_from
    from {{ ref('campaign_rules') }}
    where valid_from <= {{ run_date() }}
)

select
    a.window_days as author_window_days, a.minimum_views as author_minimum_views, a.growth_days,
    a.net_weight, a.gpm_weight, a.followers_weight, a.growth_limit,
    a.vertical_days, a.vertical_contents, a.vertical_share,
    a.long_term_months, a.long_term_sale_months, a.long_term_last_days, a.match_minimum_buyers,
    c.window_days as content_window_days, c.minimum_views as content_minimum_views,
    c.seeding_days, c.seeding_layer, c.minimum_contents,
    p.baseline_days, p.baseline_gap_days, p.baseline_minimum_points, p.after_days
from {{ ref('author_rules') }} as a
inner join author_row
    on a.valid_from = author_row.valid_from
cross join {{ ref('content_rules') }} as c
inner join content_row
    on c.valid_from = content_row.valid_from
cross join {{ ref('campaign_rules') }} as p
inner join campaign_row
    on p.valid_from = campaign_row.valid_from
