{# A statement about each row that is never false; NULL (nothing to compare) passes. Returns the rows that break it. #}
{% test holds(model, statement) %}
    select *
    from {{ model }}
    where not ({{ statement }})
{% endtest %}
