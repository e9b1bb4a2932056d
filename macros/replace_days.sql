{# Incremental strategy: delete the days to rebuild by constants, insert them again. Repeating it changes nothing. #}
{% macro get_incremental_replace_days_sql(arg_dict) -%}
  {{ return(adapter.dispatch('replace_days', 'quanyu')(arg_dict)) }}
{%- endmacro %}

{% macro default__replace_days(arg_dict) -%}
  delete from {{ arg_dict["target_relation"] }}
  where
    {%- if model.config.meta.get('rebuild_days_of') %} {{ changed_days('business_date') }}
    {%- else %} business_date >= {{ rebuild_from() }}
    {%- endif %};
  insert into {{ arg_dict["target_relation"] }} by name
  select * from {{ arg_dict["temp_relation"] }};
{%- endmacro %}
