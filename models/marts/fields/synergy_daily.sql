-- Grain: one calendar day of a shop (shop_id, business_date). Association among exposed users, never a cause. Nothing here is
-- additive: windows overlap and arms are people.
with arms as (
    select
        a.shop_id, a.business_date, a.neither_users, a.neither_buyers, a.own_users, a.own_buyers, a.marketing_users,
        a.marketing_buyers, a.both_users, a.both_buyers, r.z_score, r.synergy_above, r.cannibalising_below,
        coalesce(f.has_orders and f.names_users and a.business_date >= f.first_event_on, false) as is_measured,
        least(a.neither_users, a.own_users, a.marketing_users, a.both_users) >= r.minimum_users
            and least(a.neither_buyers, a.own_buyers, a.marketing_buyers, a.both_buyers) >= r.minimum_buyers as is_sufficient
    from {{ ref('int_fields__arm_day') }} as a
    cross join {{ ref('int_fields__rule') }} as r
    left join {{ ref('int_shop__sources') }} as f
        on a.shop_id = f.shop_id
),

rates as (
    select
        arms.*,
        case when is_measured and is_sufficient then cast(neither_buyers as double) / nullif(neither_users, 0) end as p0,
        case when is_measured and is_sufficient then cast(own_buyers as double) / nullif(own_users, 0) end as p_e,
        case when is_measured and is_sufficient then cast(marketing_buyers as double) / nullif(marketing_users, 0) end as p_m,
        case when is_measured and is_sufficient then cast(both_buyers as double) / nullif(both_users, 0) end as p_em
    from arms
),

-- What would be bought if own and marketing touches worked apart: 1 - p = (1 - p_e)(1 - p_m) / (1 - p0).
expectations as (
    select
        rates.*,
        (1 - p_m) / nullif(1 - p0, 0) as slope_e,
        (1 - p_e) / nullif(1 - p0, 0) as slope_m,
        (1 - p_e) * (1 - p_m) / nullif(1 - p0, 0) as not_expected
    from rates
),

lifts as (
    select
        expectations.*,
        1 - not_expected as expected,
        case when 1 - not_expected > 0 then p_em / (1 - not_expected) end as lift
    from expectations
),

-- Delta method on ln(lift), arms independent (R76).
errors as (
    select
        lifts.*,
        case when lift is not null then
            sqrt(
                (1 - p_em) / (p_em * both_users)
                + (
                    slope_e * slope_e * p_e * (1 - p_e) / own_users
                    + slope_m * slope_m * p_m * (1 - p_m) / marketing_users
                    + (not_expected / (1 - p0)) * (not_expected / (1 - p0)) * p0 * (1 - p0) / neither_users
                ) / (expected * expected)
            )
        end as standard_error
    from lifts
)

select
    shop_id,
    business_date,
    lift,
    p0,
    p_e,
    p_m,
    p_em,
    expected,
    lift * exp(-cast(z_score as double) * standard_error) as lower_95,
    lift * exp(cast(z_score as double) * standard_error) as upper_95,
    case
        when lift > cast(synergy_above as double) then 'synergy'
        when lift < cast(cannibalising_below as double) then 'cannibalising'
        when lift is not null then 'additive'
    end as verdict,
    case when is_measured then neither_users end as neither_users,
    case when is_measured then neither_buyers end as neither_buyers,
    case when is_measured then own_users end as own_users,
    case when is_measured then own_buyers end as own_buyers,
    case when is_measured then marketing_users end as marketing_users,
    case when is_measured then marketing_buyers end as marketing_buyers,
    case when is_measured then both_users end as both_users,
    case when is_measured then both_buyers end as both_buyers,
    {{ rule_version() }} as rule_version,
    case when not is_measured then 'missing_source' when lift is null then 'insufficient' else 'ok' end as data_status
from errors
