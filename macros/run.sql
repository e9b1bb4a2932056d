{# What the run knows, asked once an invocation and written as literals, so that days prune and nothing is parsed again. #}

{% macro control_value(column) -%}
  {%- if execute -%}
    {%- set key = "control.run of " ~ invocation_id -%}
    {%- if key not in graph -%}
      {%- do graph.update({key: run_query("select * from control.run").rows[0]}) -%}
    {%- endif -%}
    {{ return(graph[key][column]) }}
  {%- endif -%}
{%- endmacro %}

{% macro run_date() -%}
  date '{{ control_value("business_date") or "1970-01-01" }}'
{%- endmacro %}

{% macro rule_version() -%}
  cast('{{ control_value("rule_version") or "" }}' as {{ dbt.type_string() }})
{%- endmacro %}

{# First day this model has to compute again: meta.rebuild_on names the domains whose changes reach it. #}
{% macro rebuild_from() -%}
  {#- Outside every condition, so that the dependency is known when dbt parses. -#}
  {%- set changes = ref('int_run__changes') -%}
  {%- set domains = model.config.meta.get('rebuild_on', []) -%}
  {%- if not execute or not is_incremental() or not domains -%}
    date '1900-01-01'
  {%- else -%}
    {%- set found = run_query(
      "select least(max(r.previous_date) + 1, min(c.business_date)) from control.run as r left join ("
      ~ "select business_date from " ~ changes ~ " where domain in ('" ~ domains | join("', '") ~ "')"
      ~ (_facts_before_the_first_row(changes) if 'calendar' in domains else "")
      ~ ") as c on true"
    ).columns[0][0] -%}
    {#- Nothing was ever published: whatever a killed first night left behind is computed again. -#}
    date '{{ found or "1900-01-01" }}'
  {%- endif -%}
{%- endmacro %}

{# A model with a row for every calendar day names the domain 'calendar': a fact before a shop's first row moves the start. #}
{% macro _facts_before_the_first_row(changes) -%}
  {{ return(
    " union all select n.business_date from " ~ changes ~ " as n left join ("
    ~ "select shop_id, min(business_date) as first_on from " ~ this ~ " group by shop_id) as t on n.shop_id = t.shop_id"
    ~ " where n.domain in ('sales', 'traffic', 'traffic_daily') and (t.first_on is null or n.business_date < t.first_on)"
  ) }}
{%- endmacro %}

{# Predicate on a day column: exactly the days of the domains (meta.rebuild_days_of) that changed, and the new ones. #}
{% macro changed_days(column) -%}
  {%- set changes = ref('int_run__changes') -%}
  {%- set found = model.config.meta.get('rebuild_days_of') or [] -%}
  {%- set domains = [found] if found is string else found -%}
  {%- if not execute or not is_incremental() or not domains or not control_value('previous_date') -%}
    {{ column }} <= {{ run_date() }}
  {%- else -%}
    {{ one_of_days(
      column,
      "select c.business_date from " ~ changes ~ " as c, control.run as r"
      ~ " where c.domain in ('" ~ domains | join("', '") ~ "') and c.business_date <= r.previous_date"
      ~ " union select cast(d.business_date as date) from control.run as r, "
      ~ days_between('r.previous_date + 1', 'r.business_date') ~ " as d (business_date)"
    ) }}
  {%- endif -%}
{%- endmacro %}

{# Predicate on the stg_orders that is called `lines`: paid on `day`, a literal, or later. paid_on is computed; payment_at is
   read from the file, so that it leaves out what lies before. #}
{% macro paid_since(lines, day) -%}
  {{ lines }}.paid_on >= {{ day }}{% if is_incremental() %} and {{ lines }}.payment_at >= {{ day }}{% endif %}
{%- endmacro %}

{# Predicate on a day column: one of the days a query finds, each by itself. Days alone prune; a range or days do not. #}
{% macro one_of_days(column, query) -%}
  {%- set days = run_query("select distinct business_date from (" ~ query ~ ") as days order by 1").columns[0].values() -%}
  {%- if days -%}
    {{ column }} in ({% for day in days %}date '{{ day }}'{{ ", " if not loop.last }}{% endfor %})
  {%- else -%}
    1 = 0
  {%- endif -%}
{%- endmacro %}

{# Predicate on a day column: the whole calendar months of the days that changed_days names. #}
{% macro changed_months(column) -%}
  {%- set changes = ref('int_run__changes') -%}
  {%- set domains = model.config.meta.get('rebuild_days_of') or [] -%}
  {%- if not execute or not is_incremental() or not domains -%}
    {{ column }} <= {{ run_date() }}
  {%- else -%}
    {%- set found = run_query(
      "select distinct cast(date_trunc('month', c.business_date) as date) from " ~ changes ~ " as c, control.run as r"
      ~ " where c.domain in ('" ~ domains | join("', '") ~ "') and c.business_date <= r.previous_date"
      ~ " union select cast(date_trunc('month', coalesce(previous_date + 1, date '1900-01-01')) as date) from control.run"
      ~ " order by 1 desc"
    ).columns[0].values() -%}
    ({{ column }} >= date '{{ found[0] }}' and {{ column }} <= {{ run_date() }}
    {%- if found | length > 1 %} or cast(date_trunc('month', {{ column }}) as date) in (
      {%- for month in found[1:] %}date '{{ month }}'{{ ", " if not loop.last }}{% endfor -%}
    ){% endif %})
  {%- endif -%}
{%- endmacro %}
