-- Grain: one of the five classes of the field matrix on a calendar day of a shop (shop_id, business_date, field_class), zeros
-- included. Amounts add up over classes and days; campaign_amount is a part of paid_amount, not a class.
with amounts as (
    select
        shop_id, business_date, field_class,
        sum(paid_amount) as paid_amount,
        sum(case when is_campaign then paid_amount else 0 end) as campaign_amount
    from {{ ref('int_fields__line_class') }}
    group by shop_id, business_date, field_class
),

days as (
    select
        d.shop_id, d.business_date, c.field_class, c.field_class_zh, coalesce(f.has_orders, false) as has_orders,
        coalesce(a.paid_amount, 0) as paid_amount, coalesce(a.campaign_amount, 0) as campaign_amount,
        y.paid_amount as amount_year_before, cast(p.value as double) / 100 as paper_share
    from {{ ref('int_shop__calendar') }} as d
    cross join {{ ref('fields_classes') }} as c
    left join {{ ref('paper_reference_figures') }} as p
        on c.paper_figure = p.figure
    left join {{ ref('int_shop__sources') }} as f
        on d.shop_id = f.shop_id
    left join amounts as a
        on d.shop_id = a.shop_id and d.business_date = a.business_date and c.field_class = a.field_class
    left join amounts as y
        on
            d.shop_id = y.shop_id and c.field_class = y.field_class
            and y.business_date = {{ year_before('d.business_date') }}
),

totals as (
    select shop_id, business_date, sum(paid_amount) as day_amount
    from days
    group by shop_id, business_date
)

select
    d.shop_id,
    d.business_date,
    d.field_class,
    cast(case when d.has_orders then d.paid_amount end as decimal(18, 2)) as paid_amount,
    case when d.has_orders then cast(d.paid_amount as double) / cast(nullif(t.day_amount, 0) as double) end as share,
    cast(case when d.has_orders then d.campaign_amount end as decimal(18, 2)) as campaign_amount,
    case
        when d.has_orders then cast(d.paid_amount as double) / cast(nullif(d.amount_year_before, 0) as double) - 1
    end as yoy_growth,
    d.paper_share,
    d.field_class_zh,
    {{ rule_version() }} as rule_version,
    case when d.has_orders then 'ok' else 'missing_source' end as data_status
from days as d
inner join totals as t
    on d.shop_id = t.shop_id and d.business_date = t.business_date
