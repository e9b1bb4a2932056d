{# Incremental strategies: delete the days, or months, to rebuild by constants, insert them again. Repeating it changes nothing.
   meta.day, meta.month name the column; a day is business_date where nothing else is said. #}
{% macro get_incremental_replace_days_sql(arg_dict) -%}
  {{ return(adapter.dispatch('replace_days', 'quanyu')(arg_dict)) }}
{%- endmacro %}

{% macro default__replace_days(arg_dict) -%}
  delete from {{ arg_dict["target_relation"] }}
  where
    {%- if model.config.meta.get('rebuild_days_of') %} {{ changed_days(model.config.meta.get('day', 'business_date')) }}
    {%- else %} business_date >= {{ rebuild_from() }}
    {%- endif %};
  insert into {{ arg_dict["target_relation"] }} by name
  select * from {{ arg_dict["temp_relation"] }};
{%- endmacro %}

{% macro get_incremental_replace_months_sql(arg_dict) -%}
  {{ return(adapter.dispatch('replace_months', 'quanyu')(arg_dict)) }}
{%- endmacro %}

{% macro default__replace_months(arg_dict) -%}
  delete from {{ arg_dict["target_relation"] }}
  where {{ changed_months(model.config.meta.get('month')) }};
  insert into {{ arg_dict["target_relation"] }} by name
  select * from {{ arg_dict["temp_relation"] }};
{%- endmacro %}
