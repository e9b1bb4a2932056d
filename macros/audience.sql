{# A day of int_audience__scope as a literal, so that facts before it are never read: traffic_from or purchases_from. #}
{% macro audience_scope(column) -%}
  {%- set scope = ref('int_audience__scope') -%}
  {%- if execute -%}
    date '{{ run_query("select " ~ column ~ " from " ~ scope).columns[0][0] }}'
  {%- else -%}
    date '1900-01-01'
  {%- endif -%}
{%- endmacro %}

{# The log of layers is either extended or written whole: what control.run says and how dbt was called must agree. #}
{% macro audience_refuse_half_history() -%}
  {%- if execute -%}
    {%- set is_whole = run_query("select is_full_refresh or previous_date is null from control.run").columns[0][0] -%}
    {%- if is_whole == is_incremental() -%}
      {{ exceptions.raise_compiler_error(
        "layer changes: control.run " ~ ("wants" if is_whole else "does not want")
        ~ " the whole history, dbt " ~ ("extends" if is_whole else "rebuilds") ~ " the table; run a rebuild (dbt --full-refresh)"
      ) }}
    {%- endif -%}
  {%- endif -%}
{%- endmacro %}
