-- Grain: one period of the quadrant's rules (valid_from); holds from valid_from until the day before valid_to (NULL = open).
{{ config(materialized='view') }}

select
    valid_from,
    lead(valid_from) over (order by valid_from) as valid_to,
    window_days, threshold_method, cumulative_share, minimum_products,
    provisional_days, tail_risk_days, tail_growth_days, confirmation_days
from {{ ref('goods_quadrant') }}
