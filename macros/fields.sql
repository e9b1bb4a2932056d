{# Predicate on an event's day: near enough to a pay date this model computes for the look-back to reach it. Days are
   those of changed_days, each with the days before it. #}
{% macro touch_days(column) -%}
  {%- set changes = ref('int_run__changes') -%}
  {%- set rule = ref('int_fields__rule') -%}
  {%- if not execute or not is_incremental() -%}
    {{ column }} <= {{ run_date() }}
  {%- else -%}
    {%- set days = run_query(
      "select distinct c.business_date - cast(b.days as integer) from " ~ changes ~ " as c cross join control.run as r"
      ~ " inner join (select unnest(range(look_back_days + 1)) as days from " ~ rule ~ ") as b on true"
      ~ " where c.domain = '" ~ model.config.meta.get('rebuild_days_of') ~ "' and c.business_date <= r.previous_date order by 1"
    ).columns[0].values() -%}
    {%- set newest = run_query("select r.previous_date + 1 - l.look_back_days from control.run as r cross join " ~ rule ~ " as l")
      .columns[0][0] or "1900-01-01" -%}
    ({{ column }} >= date '{{ newest }}' and {{ column }} <= {{ run_date() }}
    {%- if days %} or {{ column }} in (
      {%- for day in days %}date '{{ day }}'{{ ", " if not loop.last }}{% endfor -%}
    ){% endif %})
  {%- endif -%}
{%- endmacro %}

{# A rule of int_fields__rule as a literal, so that days prune. #}
{% macro fields_rule(column) -%}
  {%- set rule = ref('int_fields__rule') -%}
  {%- if execute -%}
    {{ run_query("select " ~ column ~ " from " ~ rule).columns[0][0] }}
  {%- else -%}
    0
  {%- endif -%}
{%- endmacro %}
