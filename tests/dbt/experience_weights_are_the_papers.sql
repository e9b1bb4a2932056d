-- The ten indicators share out what the paper gives to each dimension: 3 + 3 + 4 = 10. A row for every dimension that does not.
with dimensions as (
    select dimension, sum(weight) as weight
    from {{ ref('experience_indicators') }}
    where valid_from = date '2000-01-01'
    group by dimension
)

select d.dimension, d.weight, f.value
from dimensions as d
left join {{ ref('paper_reference_figures') }} as f
    on f.figure = d.dimension || '_experience_weight'
where f.value is null or f.value <> d.weight
