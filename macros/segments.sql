{# First day of events that any segment looks at, as a literal, so that days prune; tomorrow where none does. #}
{% macro segment_events_from() -%}
  {%- set conditions = source('control', 'segment_conditions') -%}
  {%- set rules = ref('segment_rules') -%}
  {%- if execute -%}
    {%- set days = run_query(
      "select coalesce(max(coalesce(c.days, r.high_potential_days)), 0) from " ~ conditions ~ " as c cross join ("
      ~ "select max_by(high_potential_days, valid_from) as high_potential_days from " ~ rules
      ~ " where valid_from <= " ~ run_date() ~ ") as r where c.subject in ('saw', 'touched')"
    ).columns[0][0] -%}
    {{ run_date() }} - {{ days }} + 1
  {%- else -%}
    {{ run_date() }}
  {%- endif -%}
{%- endmacro %}

{# Facts that speak for a condition of the subject which names the attribute (any = none), within its days. #}
{% macro segment_hits(facts, subject, attribute) -%}
  select c.condition_id, f.shop_id, f.user_key, f.business_date, f.net_amount
  from {{ facts }} as f
  inner join conditions as c
    on
      c.subject = '{{ subject }}' and c.attribute = '{{ attribute }}'
      and c.accepted_value = {% if attribute == 'any' %}''{% else %}f.{{ attribute }}{% endif %}
      and (c.days is null or f.business_date > {{ run_date() }} - c.days)
{%- endmacro %}

{# Whether any segment asks for one of these traits of a user; what none asks for is not read. #}
{% macro segment_asks(traits) -%}
  {%- set conditions = source('control', 'segment_conditions') -%}
  {%- if execute -%}
    {{ return(run_query(
      "select count(*) from " ~ conditions ~ " where subject = 'trait' and attribute in ('" ~ traits | join("', '") ~ "')"
    ).columns[0][0] > 0) }}
  {%- else -%}
    {{ return(true) }}
  {%- endif -%}
{%- endmacro %}
