{# Incremental strategy: delete the days to rebuild by constants, insert them again. Repeating it changes nothing. #}
{% macro get_incremental_replace_days_sql(arg_dict) -%}
  {{ return(adapter.dispatch('replace_days', 'quanyu')(arg_dict)) }}
{%- endmacro %}

{% macro default__replace_days(arg_dict) -%}
  {%- set columns = arg_dict["dest_columns"] | map(attribute="quoted") | join(", ") -%}
  delete from {{ arg_dict["target_relation"] }}
  where
    {%- if model.config.meta.get('rebuild_days_of') %} {{ changed_days('business_date') }}
    {%- else %} business_date >= {{ rebuild_from() }}
    {%- endif %};
  insert into {{ arg_dict["target_relation"] }} ({{ columns }})
  select {{ columns }} from {{ arg_dict["temp_relation"] }};
{%- endmacro %}
