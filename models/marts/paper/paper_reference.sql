-- Grain: one figure of the paper (figure), as printed. The same for every shop; nothing adds up.
select
    '*' as shop_id,
    figure,
    cast(value as double) as value,
    unit_printed,
    sentence,
    note,
    {{ rule_version() }} as rule_version,
    'ok' as data_status
from {{ ref('paper_reference_figures') }}
