{# Σ over the states -1 (the constant that feeds newcomers in) to 5 of `value`, in this order and never another: a sum of
   doubles over rows would depend on the order the engine meets them in. Each state has at most one row in the group. #}
{% macro sum_over_states(state, value) -%}
  (
    sum(case when {{ state }} = -1 then {{ value }} else 0 end)
    + sum(case when {{ state }} = 0 then {{ value }} else 0 end)
    + sum(case when {{ state }} = 1 then {{ value }} else 0 end)
    + sum(case when {{ state }} = 2 then {{ value }} else 0 end)
    + sum(case when {{ state }} = 3 then {{ value }} else 0 end)
    + sum(case when {{ state }} = 4 then {{ value }} else 0 end)
    + sum(case when {{ state }} = 5 then {{ value }} else 0 end)
  )
{%- endmacro %}

{# The matrix `half` times itself: the moves over twice as many days. #}
{% macro twice_as_far(half) -%}
  select
    a.shop_id, a.business_date, a.from_layer, b.to_layer, 2 * a.exponent as exponent,
    {{ sum_over_states('a.to_layer', 'a.share * b.share') }} as share
  from {{ half }} as a
  inner join {{ half }} as b
    on a.shop_id = b.shop_id and a.business_date = b.business_date and a.to_layer = b.from_layer
  group by a.shop_id, a.business_date, a.from_layer, b.to_layer, a.exponent
{%- endmacro %}

{# The stock `before` moved on by the step's power of the matrix. #}
{% macro moved_on(before, step) -%}
  select
    x.shop_id, x.business_date, x.horizon_days, p.to_layer as layer,
    {{ sum_over_states('x.layer', 'x.users * p.share') }} as users
  from {{ before }} as x
  inner join {{ ref('audience_forecast_steps') }} as s
    on x.horizon_days = s.horizon_days and s.step = {{ step }}
  inner join powers as p
    on x.shop_id = p.shop_id and x.business_date = p.business_date and x.layer = p.from_layer and s.exponent = p.exponent
  group by x.shop_id, x.business_date, x.horizon_days, p.to_layer
{%- endmacro %}
