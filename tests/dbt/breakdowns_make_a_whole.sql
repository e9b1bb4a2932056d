-- The parts of a day that are shares of one whole add up to 1, all or none of them there; a source that says it is missing, as its
-- rows tell no views, is no part (R29). Fans and others are as many live viewers as members and others (R91).
with shares as (
    select shop_id, business_date, 'audience_5a_daily' as mart, '' as part, share
    from {{ ref('audience_5a_daily') }}
    where layer > 0
    union all
    select shop_id, business_date, 'quadrant_summary_daily' as mart, scope as part, amount_share as share
    from {{ ref('quadrant_summary_daily') }}
    union all
    select shop_id, business_date, 'purchase_path_daily' as mart, '' as part, amount_share as share
    from {{ ref('purchase_path_daily') }}
    union all
    select shop_id, business_date, 'field_matrix_daily' as mart, '' as part, share
    from {{ ref('field_matrix_daily') }}
    union all
    select shop_id, business_date, 'traffic_source_daily' as mart, '' as part, share
    from {{ ref('traffic_source_daily') }}
    where data_status <> 'missing_source'
    union all
    select shop_id, business_date, 'content_mix_daily: views' as mart, role_basis as part, views_share as share
    from {{ ref('content_mix_daily') }}
    union all
    select shop_id, business_date, 'content_mix_daily: spend' as mart, role_basis as part, spend_share as share
    from {{ ref('content_mix_daily') }}
),

viewers as (
    select
        shop_id, business_date,
        sum(case when viewer_group in ('fan', 'non_fan') then viewers end) as by_fans,
        sum(case when viewer_group in ('member', 'non_member') then viewers end) as by_members
    from {{ ref('fan_member_daily') }}
    group by shop_id, business_date
)

select shop_id, business_date, mart, part, sum(share) as added_up
from shares
group by shop_id, business_date, mart, part
having count(share) not in (0, count(*)) or abs(sum(share) - 1) > 1e-9
union all
select shop_id, business_date, 'fan_member_daily' as mart, '' as part, cast(by_members - by_fans as double) as added_up
from viewers
where by_fans <> by_members
