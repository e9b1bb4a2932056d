{# Days of the longest window that any rule of the experience score looks at, as a literal: facts before it are never read. #}
{% macro experience_window() -%}
  {%- set rules = ref('experience_rules') -%}
  {%- if execute -%}
    {{ run_query("select max(window_days) from " ~ rules).columns[0][0] }}
  {%- else -%}
    0
  {%- endif -%}
{%- endmacro %}

{# Day by day what joins and leaves the running sums: a span of `spans` counts from starts_on on and no more on ends_on. #}
{% macro entering_and_leaving(spans) -%}
select
    shop_id, business_date, measure,
    cast(sum(numerator) as decimal(38, 0)) as numerator,
    cast(sum(denominator) as decimal(38, 0)) as denominator
from (
    select shop_id, measure, starts_on as business_date, numerator, denominator
    from {{ spans }}
    where starts_on < ends_on
    union all
    select shop_id, measure, ends_on as business_date, -numerator as numerator, -denominator as denominator
    from {{ spans }}
    where starts_on < ends_on
) as steps
where business_date >= {{ rebuild_from() }} and business_date <= {{ run_date() }}
group by shop_id, business_date, measure
having sum(numerator) <> 0 or sum(denominator) <> 0
{%- endmacro %}
