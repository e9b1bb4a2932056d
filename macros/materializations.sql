{# Tables, views and incremental tables on DuckDB in as few statements as it needs: it replaces in one what dbt's own ways
   build under another name, rename and drop, and a night consists of some hundred of them. Other engines keep dbt's own. #}

{% materialization table, adapter='duckdb' %}
  {%- set target = this.incorporate(type='table') -%}
  {{ replace_table(target, sql) }}
  {{ adapter.commit() }}
  {{ return({'relations': [target]}) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
  {%- set target = this.incorporate(type='view') -%}
  {{ make_way(target) }}
  {%- call statement('main') -%}
    create or replace view {{ target }} as ({{ sql }}
    )
  {%- endcall -%}
  {{ adapter.commit() }}
  {{ return({'relations': [target]}) }}
{% endmaterialization %}

{% materialization incremental, adapter='duckdb' %}
  {%- set target = this.incorporate(type='table') -%}
  {%- set held = load_cached_relation(this) -%}
  {%- if held is none or held.is_view or should_full_refresh() -%}
    {{ replace_table(target, sql) }}
  {%- else -%}
    {%- set fresh = make_temp_relation(target).include(database=false, schema=false) -%}
    {%- call statement('fresh') -%}
      create or replace temp table {{ fresh }} as ({{ sql }}
      )
    {%- endcall -%}
    {%- set strategy = adapter.get_incremental_strategy_macro(context, config.get('incremental_strategy')) -%}
    {%- call statement('main') -%}
      {{ strategy({'target_relation': target, 'temp_relation': fresh}) }}
      drop table {{ fresh }};
    {%- endcall -%}
  {%- endif -%}
  {{ adapter.commit() }}
  {{ return({'relations': [target]}) }}
{% endmaterialization %}

{% macro replace_table(target, sql) -%}
  {%- if config.get('contract').enforced -%}
    {{ get_assert_columns_equivalent(sql) }}
  {%- endif -%}
  {{ make_way(target) }}
  {%- call statement('main') -%}
    create or replace table {{ target }} as ({{ sql }}
    )
  {%- endcall -%}
{%- endmacro %}

{# A view cannot replace a table, nor a table a view. #}
{% macro make_way(target) -%}
  {%- set held = load_cached_relation(target) -%}
  {%- if held is not none and held.type != target.type -%}
    {{ adapter.drop_relation(held) }}
  {%- endif -%}
{%- endmacro %}
