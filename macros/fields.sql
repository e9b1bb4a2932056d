{# Predicate on an event's day: near enough to a pay date this model computes for the look-back to reach it. Days are
   those of changed_days, each with the days before it. #}
{% macro touch_days(column) -%}
  {%- set changes = ref('int_run__changes') -%}
  {%- set rule = ref('int_fields__rule') -%}
  {%- if not execute or not is_incremental() or not control_value('previous_date') -%}
    {{ column }} <= {{ run_date() }}
  {%- else -%}
    {{ one_of_days(
      column,
      "select cast(d.business_date as date) as business_date from " ~ changes ~ " as c cross join control.run as r cross join "
      ~ rule ~ " as l, " ~ days_between('c.business_date - l.look_back_days', 'c.business_date') ~ " as d (business_date)"
      ~ " where c.domain = '" ~ model.config.meta.get('rebuild_days_of') ~ "' and c.business_date <= r.previous_date"
      ~ " union select cast(d.business_date as date) from control.run as r cross join " ~ rule ~ " as l, "
      ~ days_between('r.previous_date + 1 - l.look_back_days', 'r.business_date') ~ " as d (business_date)"
    ) }}
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
