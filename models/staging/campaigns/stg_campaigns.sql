-- Grain: one campaign (shop_id, campaign_id). Planned ones may lie ahead of the run's day.
select
    shop_id, campaign_id, name, kind, coalesce(warm_up_on, starts_on) as warm_up_on, starts_on, ends_on,
    coalesce(is_verified, false) as is_verified, load_seq
from {{ source('raw', 'raw_campaigns') }}
