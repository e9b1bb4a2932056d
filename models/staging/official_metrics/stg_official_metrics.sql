-- Grain: what one source says the platform reports for a day (shop_id, business_date, metric, source). Never overwritten by
-- our own figures.
select shop_id, business_date, metric, source, cast(value as double) as value, load_seq
from {{ source('raw', 'raw_official_metrics') }}
where business_date <= {{ run_date() }}
