-- The four steps of a horizon go exactly so many days ahead.
select horizon_days, sum(exponent) as days_ahead, count(*) as steps
from {{ ref('audience_forecast_steps') }}
group by horizon_days
having sum(exponent) <> horizon_days or count(*) <> 4 or count(distinct step) <> 4
