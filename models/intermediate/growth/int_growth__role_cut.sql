-- Grain: one day of a shop with a content that may be judged and was viewed in the window (shop_id, business_date): the medians
-- that cut observed roles, and over how many contents (R102). Not additive.
{{ config(materialized='view') }}

select
    shop_id,
    business_date,
    count(*) as judged_contents,
    percentile_cont(0.5) within group (order by flow_per_mille) as median_flow_per_mille,
    percentile_cont(0.5) within group (order by gpm) as median_gpm
from {{ ref('int_growth__content_window') }}
where window_views > 0 and flow_per_mille is not null
group by shop_id, business_date
