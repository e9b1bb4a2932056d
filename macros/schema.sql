{# Schemas are named as declared, without the profile's prefix: the published contract says `marts`. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
  {{ custom_schema_name | trim if custom_schema_name is not none else target.schema }}
{%- endmacro %}
{# A name that is reserved in SQL, quoted the engine's way. #}
{% macro quoted(name) -%}
  {{ adapter.quote(name) }}
{%- endmacro %}
