-- Grain: one ad's cost of a day (shop_id, business_date, ad_id).
select
    shop_id, business_date, ad_id, campaign_id, content_id, author_id, scene, cost_amount, impressions, clicks, load_seq
from {{ source('raw', 'raw_ad_spend') }}
where business_date <= {{ run_date() }}
