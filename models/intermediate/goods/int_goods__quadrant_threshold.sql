-- Grain: what is high among the products that sell in a window (shop_id, business_date, scope), net of refunds and gross.
-- A value is high when value x factor >= threshold, exactly; mean: value x N >= total, ties high. Nothing here is read twice,
-- so that a reader's days reach the table below.
{{ config(materialized='view') }}

with totals as (
    select
        shop_id, business_date, scope,
        count(*) filter (where net_amount > 0 and net_quantity > 0) as product_count,
        sum(net_amount) filter (where net_amount > 0 and net_quantity > 0) as total_amount,
        sum(net_quantity) filter (where net_amount > 0 and net_quantity > 0) as total_quantity,
        count(*) filter (where paid_amount > 0) as gross_product_count,
        sum(paid_amount) as gross_total_amount,
        sum(paid_quantity) as gross_total_quantity
    from {{ ref('int_goods__product_day') }}
    group by shop_id, business_date, scope
),

measure_names as (
    select 'amount' as measure
    union all
    select 'quantity' as measure
    union all
    select 'gross_amount' as measure
    union all
    select 'gross_quantity' as measure
),

-- The configured alternatives need the values in order; under the rule mean nothing is ranked.
measures as (
    select
        p.shop_id, p.business_date, p.scope, p.product_id, m.measure, r.threshold_method, r.cumulative_share,
        cast(case
            when m.measure = 'amount' then p.net_amount
            when m.measure = 'quantity' then p.net_quantity
            when m.measure = 'gross_amount' then p.paid_amount
            else p.paid_quantity
        end as decimal(28, 2)) as measured
    from {{ ref('int_goods__product_day') }} as p
    inner join {{ ref('int_goods__rule_day') }} as r
        on p.business_date = r.business_date
    cross join measure_names as m
    where
        r.threshold_method <> 'mean'
        and case
            when m.measure in ('amount', 'quantity') then p.net_amount > 0 and p.net_quantity > 0
            else p.paid_amount > 0
        end
),

ranked as (
    select
        shop_id, business_date, scope, measure, threshold_method, cumulative_share, measured,
        count(*) over everything as n,
        row_number() over (partition by shop_id, business_date, scope, measure order by measured, product_id) as place,
        sum(measured) over everything as total,
        sum(measured) over (
            partition by shop_id, business_date, scope, measure order by measured
            range between unbounded preceding and current row
        ) as total_up_to
    from measures
    window everything as (partition by shop_id, business_date, scope, measure)
),

-- median: twice the value against the sum of the two middle ones (the same one when N is odd).
-- cumulative: the smallest value whose strictly larger ones do not reach the share yet.
cuts as (
    select
        shop_id, business_date, scope, measure,
        max(case when threshold_method = 'median' then 2 else 1 end) as factor,
        case
            when max(threshold_method) = 'median'
                then sum(case when 2 * place in (n, n + 1) then measured else 0 end)
                    + sum(case when 2 * place in (n + 1, n + 2) then measured else 0 end)
            else min(case when total - total_up_to < cumulative_share * total then measured end)
        end as threshold
    from ranked
    group by shop_id, business_date, scope, measure
),

alternatives as (
    select
        shop_id, business_date, scope,
        max(factor) as factor,
        max(case when measure = 'amount' then threshold end) as amount_threshold,
        max(case when measure = 'quantity' then threshold end) as quantity_threshold,
        max(case when measure = 'gross_amount' then threshold end) as gross_amount_threshold,
        max(case when measure = 'gross_quantity' then threshold end) as gross_quantity_threshold
    from cuts
    group by shop_id, business_date, scope
)

select
    t.shop_id,
    t.business_date,
    t.scope,
    r.minimum_products,
    t.product_count,
    t.total_amount,
    t.total_quantity,
    t.gross_product_count,
    cast(coalesce(a.factor, t.product_count) as decimal(10, 0)) as factor,
    cast(coalesce(a.factor, t.gross_product_count) as decimal(10, 0)) as gross_factor,
    cast(coalesce(a.amount_threshold, t.total_amount) as decimal(38, 2)) as amount_threshold,
    cast(coalesce(a.quantity_threshold, t.total_quantity) as decimal(38, 2)) as quantity_threshold,
    cast(coalesce(a.gross_amount_threshold, t.gross_total_amount) as decimal(38, 2)) as gross_amount_threshold,
    cast(coalesce(a.gross_quantity_threshold, t.gross_total_quantity) as decimal(38, 2)) as gross_quantity_threshold
from totals as t
inner join {{ ref('int_goods__rule_day') }} as r
    on t.business_date = r.business_date
left join alternatives as a
    on t.shop_id = a.shop_id and t.business_date = a.business_date and t.scope = a.scope
