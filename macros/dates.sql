{# Whole days from `earlier` to `later`. #}
{% macro day_diff(later, earlier) -%}
  {{ return(adapter.dispatch('day_diff', 'quanyu')(later, earlier)) }}
{%- endmacro %}

{% macro default__day_diff(later, earlier) -%}
  ({{ later }} - {{ earlier }})
{%- endmacro %}

{% macro spark__day_diff(later, earlier) -%}
  datediff({{ later }}, {{ earlier }})
{%- endmacro %}

{# A table expression with one column `business_date`, one row a day, both ends in. The arguments may be columns of a
   table before it in the same FROM. #}
{% macro days_between(first, last) -%}
  {{ return(adapter.dispatch('days_between', 'quanyu')(first, last)) }}
{%- endmacro %}

{% macro default__days_between(first, last) -%}
  unnest(generate_series(cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval 1 day))
{%- endmacro %}

{% macro spark__days_between(first, last) -%}
  lateral explode(sequence({{ first }}, {{ last }}, interval 1 day))
{%- endmacro %}

{# Whole microseconds from `earlier` to `later`: exact, so that sums do not depend on order. #}
{% macro microseconds_between(earlier, later) -%}
  {{ return(adapter.dispatch('microseconds_between', 'quanyu')(earlier, later)) }}
{%- endmacro %}

{% macro default__microseconds_between(earlier, later) -%}
  date_diff('microsecond', {{ earlier }}, {{ later }})
{%- endmacro %}

{% macro spark__microseconds_between(earlier, later) -%}
  (unix_micros({{ later }}) - unix_micros({{ earlier }}))
{%- endmacro %}

{# The same calendar date a year before; 29 February has none (R80). An expression, so that a join on it can hash. #}
{% macro year_before(day) -%}
  case when not (month({{ day }}) = 2 and day({{ day }}) = 29) then cast({{ day }} - interval '1' year as date) end
{%- endmacro %}

{# End of what has not ended. A bound that is never NULL is a plain comparison, which a join can hash beside its keys. #}
{% macro never() -%}
  date '9999-12-31'
{%- endmacro %}
