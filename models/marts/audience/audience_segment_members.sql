-- Grain: one user in a segment of a shop on the newest day (shop_id, business_date, segment, user_id); none of a segment that is
-- suppressed. A user may be in several segments and shops.
select
    m.shop_id,
    s.business_date,
    m.segment,
    m.user_id,
    m.is_holdout,
    {{ rule_version() }} as rule_version,
    cast('ok' as varchar) as data_status
from {{ ref('int_segments__member') }} as m
inner join {{ ref('audience_segments') }} as s
    on m.shop_id = s.shop_id and m.segment = s.segment
where s.data_status = 'ok'
