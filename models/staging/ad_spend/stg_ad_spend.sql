-- Grain: one ad's cost of a day (shop_id, business_date, ad_id). Reports by product and by creative show the same spend in two
-- cuts: of a shop's day only the rows of the finest one stay, so cost_amount adds up.
with cuts as (
    select
        shop_id, business_date, ad_id, campaign_id, content_id, author_id, scene, cost_amount, impressions, clicks, load_seq,
        coalesce(cut, 0) as cut,
        min(coalesce(cut, 0)) over (partition by shop_id, business_date) as finest_cut
    from {{ source('raw', 'raw_ad_spend') }}
    where business_date <= {{ run_date() }}
)

select
    shop_id, business_date, ad_id, campaign_id, content_id, author_id, scene, cost_amount, impressions, clicks, load_seq
from cuts
where cut = finest_cut
