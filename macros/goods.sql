{# Days in one class that confirm it, over all rules: how far back a day has to look. A literal, so that days prune. #}
{% macro longest_confirmation() -%}
  {%- set rules = ref('goods_quadrant') -%}
  {%- if execute -%}
    {{ return(run_query("select max(confirmation_days) from " ~ rules).columns[0][0]) }}
  {%- endif -%}
{%- endmacro %}
