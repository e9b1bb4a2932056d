-- Grain: one product ever listed or paid for (shop_id, product_id): the day from which it has rows (R44) and the day from
-- which its age counts (R48). A product of the feed without a listing date is there from the shop's first day.
with first_payments as (
    select shop_id, product_id, min(paid_on) as first_paid_on
    from {{ ref('stg_orders') }}
    where is_paid_line
    group by shop_id, product_id
)

select
    coalesce(p.shop_id, f.shop_id) as shop_id,
    coalesce(p.product_id, f.product_id) as product_id,
    case
        when p.product_id is not null and p.listed_on is null then date '1900-01-01'
        else least(coalesce(p.listed_on, f.first_paid_on), coalesce(f.first_paid_on, p.listed_on))
    end as starts_on,
    coalesce(p.listed_on, f.first_paid_on) as age_from
from {{ ref('stg_products') }} as p
full outer join first_payments as f
    on p.shop_id = f.shop_id and p.product_id = f.product_id
