{# A rule of int_growth__rule as a literal, so that days prune. #}
{% macro growth_rule(column) -%}
  {%- set rule = ref('int_growth__rule') -%}
  {%- if execute -%}
    {{ run_query("select " ~ column ~ " from " ~ rule).columns[0][0] }}
  {%- else -%}
    0
  {%- endif -%}
{%- endmacro %}
