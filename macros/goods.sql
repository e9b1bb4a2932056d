{# The most days that any rule of the quadrant says (confirmation_days, window_days): how far back a day has to look. A literal,
   so that days prune. #}
{% macro most_goods_days(column) -%}
  {%- set rules = ref('goods_quadrant') -%}
  {%- if execute -%}
    {{ return(run_query("select max(" ~ column ~ ") from " ~ rules).columns[0][0]) }}
  {%- endif -%}
{%- endmacro %}
