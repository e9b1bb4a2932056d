-- Grain: one segment of a shop on the newest day (shop_id, business_date, segment). Segments overlap: users do not add up.
with rules as (
    select max_by(minimum_users, valid_from) as minimum_users
    from {{ ref('segment_rules') }}
    where valid_from <= {{ run_date() }}
),

sizes as (
    select
        shop_id, segment,
        count(*) as users,
        sum(case when is_holdout then 1 else 0 end) as holdout_users
    from {{ ref('int_segments__member') }}
    group by shop_id, segment
)

select
    s.shop_id,
    {{ run_date() }} as business_date,
    s.segment,
    s.label_zh as segment_zh,
    case when z.users >= r.minimum_users then cast(z.users as bigint) end as users,
    case when z.users >= r.minimum_users then cast(z.holdout_users as bigint) end as holdout_users,
    {{ rule_version() }} as rule_version,
    cast(case
        when not s.is_answerable then 'missing_source'
        when z.users >= r.minimum_users then 'ok'
        else 'insufficient'
    end as varchar) as data_status
from {{ ref('int_segments__shop') }} as s
cross join rules as r
left join sizes as z
    on s.shop_id = z.shop_id and s.segment = z.segment
