-- Grain: what is high among the products that sell in a window (shop_id, business_date, scope), net of refunds and gross.
-- A value is high when value x factor >= threshold, exactly; mean: value x N >= total, ties high.
{{ config(materialized='view') }}

with selling as (
    select shop_id, business_date, scope, 'net' as basis, product_id, net_amount as amount, net_quantity as quantity
    from {{ ref('int_goods__product_day') }}
    where net_amount > 0 and net_quantity > 0
    union all
    select shop_id, business_date, scope, 'gross' as basis, product_id, paid_amount as amount, paid_quantity as quantity
    from {{ ref('int_goods__product_day') }}
    where paid_amount > 0 and paid_quantity > 0
),

totals as (
    select
        shop_id, business_date, scope, basis,
        count(*) as product_count, sum(amount) as total_amount, sum(quantity) as total_quantity
    from selling
    group by shop_id, business_date, scope, basis
),

-- The configured alternatives need the values in order; under the rule mean nothing is ranked.
measures as (
    select
        s.shop_id, s.business_date, s.scope, s.basis, s.product_id, m.measure, r.threshold_method, r.cumulative_share,
        cast(case when m.measure = 'amount' then s.amount else s.quantity end as decimal(28, 2)) as measured
    from selling as s
    inner join {{ ref('int_goods__rule_day') }} as r
        on s.business_date = r.business_date
    cross join (select 'amount' as measure union all select 'quantity' as measure) as m
    where r.threshold_method <> 'mean'
),

ranked as (
    select
        shop_id, business_date, scope, basis, measure, threshold_method, cumulative_share, measured,
        count(*) over everything as n,
        row_number() over (
            partition by shop_id, business_date, scope, basis, measure order by measured, product_id
        ) as place,
        sum(measured) over everything as total,
        sum(measured) over (
            partition by shop_id, business_date, scope, basis, measure order by measured
            range between unbounded preceding and current row
        ) as total_up_to
    from measures
    window everything as (partition by shop_id, business_date, scope, basis, measure)
),

-- median: twice the value against the sum of the two middle ones (the same one when N is odd).
-- cumulative: the smallest value whose strictly larger ones do not reach the share yet.
alternatives as (
    select
        shop_id, business_date, scope, basis, measure,
        max(case when threshold_method = 'median' then 2 else 1 end) as factor,
        case
            when max(threshold_method) = 'median'
                then sum(case when 2 * place in (n, n + 1) then measured else 0 end)
                    + sum(case when 2 * place in (n + 1, n + 2) then measured else 0 end)
            else min(case when total - total_up_to < cumulative_share * total then measured end)
        end as threshold
    from ranked
    group by shop_id, business_date, scope, basis, measure
),

thresholds as (
    select
        t.shop_id, t.business_date, t.scope, t.basis, t.product_count, t.total_amount, t.total_quantity,
        cast(coalesce(a.factor, t.product_count) as decimal(10, 0)) as amount_factor,
        cast(coalesce(a.threshold, t.total_amount) as decimal(38, 2)) as amount_threshold,
        cast(coalesce(q.factor, t.product_count) as decimal(10, 0)) as quantity_factor,
        cast(coalesce(q.threshold, t.total_quantity) as decimal(38, 2)) as quantity_threshold
    from totals as t
    left join alternatives as a
        on
            t.shop_id = a.shop_id and t.business_date = a.business_date and t.scope = a.scope and t.basis = a.basis
            and a.measure = 'amount'
    left join alternatives as q
        on
            t.shop_id = q.shop_id and t.business_date = q.business_date and t.scope = q.scope and t.basis = q.basis
            and q.measure = 'quantity'
)

select
    g.shop_id,
    g.business_date,
    g.scope,
    r.minimum_products,
    coalesce(n.product_count, 0) as product_count,
    n.total_amount,
    n.total_quantity,
    n.amount_factor,
    n.amount_threshold,
    n.quantity_factor,
    n.quantity_threshold,
    g.product_count as gross_product_count,
    g.amount_factor as gross_amount_factor,
    g.amount_threshold as gross_amount_threshold,
    g.quantity_factor as gross_quantity_factor,
    g.quantity_threshold as gross_quantity_threshold
from thresholds as g
inner join {{ ref('int_goods__rule_day') }} as r
    on g.business_date = r.business_date
-- Whatever sells net of refunds sells gross.
left join thresholds as n
    on g.shop_id = n.shop_id and g.business_date = n.business_date and g.scope = n.scope and n.basis = 'net'
where g.basis = 'gross'
