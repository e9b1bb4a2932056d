{# A rule of int_growth__rule as a literal, so that days prune. #}
{% macro growth_rule(column) -%}
  {%- set rule = ref('int_growth__rule') -%}
  {%- if execute -%}
    {{ run_query("select " ~ column ~ " from " ~ rule).columns[0][0] }}
  {%- else -%}
    0
  {%- endif -%}
{%- endmacro %}

{# Incremental strategy of int_growth__first_touch: pairs that this build found anew or on an earlier day replace what is held
   of them. Repeating it changes nothing. #}
{% macro get_incremental_replace_first_touches_sql(arg_dict) -%}
  {{ return(adapter.dispatch('replace_first_touches', 'quanyu')(arg_dict)) }}
{%- endmacro %}

{% macro default__replace_first_touches(arg_dict) -%}
  delete from {{ arg_dict["target_relation"] }} as held
  using {{ arg_dict["temp_relation"] }} as fresh
  where held.shop_id = fresh.shop_id and held.content_id = fresh.content_id and held.user_key = fresh.user_key;
  insert into {{ arg_dict["target_relation"] }} by name
  select * from {{ arg_dict["temp_relation"] }};
{%- endmacro %}
