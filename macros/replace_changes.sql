{# Incremental strategies of what is kept by user instead of by day. Both delete what this build computes again, for all users
   the days after the last build and for late users all from their own day on, and insert it. Repeating changes nothing. #}

{% macro get_incremental_replace_changes_sql(arg_dict) -%}
  {{ return(adapter.dispatch('replace_changes', 'quanyu')(arg_dict)) }}
{%- endmacro %}

{% macro default__replace_changes(arg_dict) -%}
  {%- set target = arg_dict["target_relation"] -%}
  delete from {{ target }} where business_date > date '{{ control_value("previous_date") }}';
  delete from {{ target }} as held
  using {{ ref('int_audience__late_users') }} as late
  where held.shop_id = late.shop_id and held.user_key = late.user_key and held.business_date >= late.start_on;
  insert into {{ target }} by name
  select * from {{ arg_dict["temp_relation"] }};
{%- endmacro %}

{% macro get_incremental_replace_histories_sql(arg_dict) -%}
  {{ return(adapter.dispatch('replace_histories', 'quanyu')(arg_dict)) }}
{%- endmacro %}

{# Stays that reach the first day computed again: those before it can no longer change. #}
{% macro default__replace_histories(arg_dict) -%}
  {%- set target = arg_dict["target_relation"] -%}
  delete from {{ target }} as held
  using {{ ref('int_audience__moved_users') }} as moved
  where
    held.shop_id = moved.shop_id and held.user_id = moved.user_id
    and (held.valid_to is null or held.valid_to >= moved.start_on);
  insert into {{ target }} by name
  select * from {{ arg_dict["temp_relation"] }};
{%- endmacro %}
