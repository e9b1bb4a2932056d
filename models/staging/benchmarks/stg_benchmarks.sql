-- Grain: one imported industry line (shop_id, subject, indicator, grain, valid_from). Ratios are 0–1 (R39).
select
    shop_id, subject, indicator, grain,
    cast(floor as double) as floor_anchor,
    cast(average as double) as average_anchor,
    cast(excellent as double) as excellent_anchor,
    source, valid_from, valid_to, load_seq
from {{ source('raw', 'raw_benchmarks') }}
