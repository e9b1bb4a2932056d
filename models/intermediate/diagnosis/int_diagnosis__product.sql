-- Grain: one product of a shop (shop_id, product_id) whose buyers complain out of proportion, on the run's day. Lines add up over
-- products; rates do not.
with rules as (
    select window_days, lookback_days, minimum_lines, minimum_bad_lines, minimum_bad_rate, minimum_lift
    from {{ ref('diagnosis_rules') }}
    where valid_from <= {{ run_date() }}
    order by valid_from desc
    limit 1
),

-- A line is bad once its first reason to return it is quality, or its review has 1 or 2 stars.
signed as (
    select
        l.shop_id, o.product_id, l.paid_on, l.delivered_on > {{ run_date() }} - r.window_days as is_in_window,
        case
            when l.bad_review_on <= {{ run_date() }} then 1
            when l.first_reason = 'quality' and l.first_applied_on <= {{ run_date() }} then 1
            else 0
        end as bad
    from {{ ref('int_experience__line') }} as l
    inner join {{ ref('stg_orders') }} as o
        on l.shop_id = o.shop_id and l.order_line_id = o.order_line_id
    cross join rules as r
    where
        l.rule_from <= {{ run_date() }} and l.rule_until > {{ run_date() }}
        and l.delivered_on > {{ run_date() }} - r.lookback_days and l.delivered_on <= {{ run_date() }}
),

products as (
    select shop_id, product_id, count(*) as signed_lines, sum(bad) as bad_lines
    from signed
    where is_in_window
    group by shop_id, product_id
),

compared as (
    select
        products.*,
        sum(signed_lines) over (partition by shop_id) - signed_lines as other_lines,
        sum(bad_lines) over (partition by shop_id) - bad_lines as other_bad_lines
    from products
),

-- Compared by products of whole numbers: b/n >= lift * B/N.
standing_out as (
    select
        c.shop_id, c.product_id, c.signed_lines, c.bad_lines, c.other_lines, c.other_bad_lines,
        cast(c.bad_lines as double) / c.signed_lines as bad_rate,
        cast(c.other_bad_lines as double) / nullif(c.other_lines, 0) as other_bad_rate
    from compared as c
    cross join rules as r
    where
        c.signed_lines >= r.minimum_lines and c.bad_lines >= r.minimum_bad_lines and c.other_lines > 0
        and c.bad_lines >= r.minimum_bad_rate * c.signed_lines
        and c.bad_lines * c.other_lines >= r.minimum_lift * c.other_bad_lines * c.signed_lines
),

-- When it began: the pay date after which the lines sold are bad most plainly. Every bad line lifts the sum, every line sold
-- lowers it by the rate halfway between the product's and the others'; the turn is at its lowest point.
days as (
    select
        s.shop_id, s.product_id, s.paid_on,
        sum(cast(s.bad as decimal(18, 9)) - cast((p.bad_rate + p.other_bad_rate) / 2 as decimal(18, 9))) as excess
    from signed as s
    inner join standing_out as p
        on s.shop_id = p.shop_id and s.product_id = p.product_id
    group by s.shop_id, s.product_id, s.paid_on
),

walks as (
    select
        shop_id, product_id, paid_on,
        coalesce(sum(excess) over (
            partition by shop_id, product_id order by paid_on rows between unbounded preceding and 1 preceding
        ), 0) as excess_before
    from days
),

turns as (
    select
        shop_id, product_id, paid_on,
        row_number() over (partition by shop_id, product_id order by excess_before asc, paid_on desc) as place
    from walks
)

select
    p.shop_id, p.product_id, t.paid_on as since, p.signed_lines, p.bad_lines, p.bad_rate, p.other_bad_rate
from standing_out as p
inner join turns as t
    on p.shop_id = t.shop_id and p.product_id = t.product_id and t.place = 1
