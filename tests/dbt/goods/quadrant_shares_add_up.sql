-- Where products sell, the shares of the N products add up to 1, and there are N of them.
select shop_id, business_date, scope
from {{ ref('product_quadrant') }}
group by shop_id, business_date, scope
having
    count(amount_share) <> max(product_count)
    or abs(coalesce(sum(amount_share), 1) - 1) > 1e-9
    or abs(coalesce(sum(quantity_share), 1) - 1) > 1e-9
