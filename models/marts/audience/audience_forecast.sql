-- Grain: one layer, so many days after one calendar day of a shop (shop_id, business_date, horizon_days, layer), complete.
-- expected_users add up over layers, never over days; the two errors are values of the six layers together.
-- Few rows, written whole: whether a shop names users is not dated (R13b).
with horizons as (
    select distinct horizon_days
    from {{ ref('audience_forecast_steps') }}
),

-- How far the forecast made horizon_days before was off, over all layers, and how far "as it was then" would have been.
misses as (
    select
        s.shop_id, s.business_date, f.horizon_days,
        {{ sum_over_states('s.layer', 'abs(f.users - cast(s.users as double))') }} as miss,
        cast(sum(abs(b.users - s.users)) as double) as unchanged_miss,
        cast(sum(s.users) as double) as users
    from {{ ref('int_audience__forecast') }} as f
    inner join {{ ref('int_audience__stock') }} as s
        on f.shop_id = s.shop_id and s.business_date = f.business_date + f.horizon_days and f.layer = s.layer
    inner join {{ ref('int_audience__stock') }} as b
        on f.shop_id = b.shop_id and f.business_date = b.business_date and f.layer = b.layer
    group by s.shop_id, s.business_date, f.horizon_days
)

select
    s.shop_id,
    s.business_date,
    h.horizon_days,
    s.layer,
    case when n.names_users then f.users end as expected_users,
    case when n.names_users then m.miss / nullif(m.users, 0) end as backtest_error,
    case when n.names_users then m.unchanged_miss / nullif(m.users, 0) end as unchanged_error,
    -- Doubles that are equal on paper may differ in their last bits: a millionth of a user is no gain.
    case when n.names_users and m.users > 0 then m.unchanged_miss - m.miss > 0.000001 end as beats_unchanged,
    {{ rule_version() }} as rule_version,
    cast(case
        when n.names_users is not true then 'missing_source'
        when f.users is null then 'insufficient'
        else 'ok'
    end as varchar) as data_status
from {{ ref('int_audience__stock') }} as s
cross join horizons as h
left join {{ ref('int_audience__forecast') }} as f
    on
        s.shop_id = f.shop_id and s.business_date = f.business_date
        and h.horizon_days = f.horizon_days and s.layer = f.layer
left join misses as m
    on s.shop_id = m.shop_id and s.business_date = m.business_date and h.horizon_days = m.horizon_days
left join {{ ref('int_shop__sources') }} as n
    on s.shop_id = n.shop_id
