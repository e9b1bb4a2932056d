{# Days of the longest window that any rule of the experience score looks at, as a literal: facts before it are never read. #}
{% macro experience_window() -%}
  {%- set rules = ref('experience_rules') -%}
  {%- if execute -%}
    {{ run_query("select max(window_days) from " ~ rules).columns[0][0] }}
  {%- else -%}
    0
  {%- endif -%}
{%- endmacro %}
