"""A warehouse small enough to check on paper: one shop, three days, two users, every mart consistent.

User 1 is seen on 1 March (A1), clicks on 2 March (A3) and buys on 3 March (A4); user 2 is first seen on 2 March (A1).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.landing.declarations import load_feeds
from pipelines.quality import ExpectationResult, SuiteResult, run_gate
from pipelines.quality.statements import identifier
from pipelines.quality.suites import EXPECTATIONS_DIR, LITERALS_FILE, Edge
from pipelines.warehouse.schema import raw_columns, superseded_columns

RUN = "run-3"
NIGHT = datetime(2024, 3, 4, 2, 30)
PSEUDONYM = {1: "a1" * 32, 2: "b2" * 32}

RAW = """
create schema raw; create schema control; create schema intermediate;
create table control.run (
    run_id varchar, business_date date, previous_date date, built_seq bigint, current_seq bigint, started_at timestamp,
    rule_version varchar, code_version varchar, is_full_refresh boolean);
insert into control.run values ('run-3', '2024-03-03', '2024-03-02', 2, 9, '2024-03-04 02:30:00', 'r1', 'c1', false);
create table control.load_audit (
    load_seq bigint, run_id varchar, sha256 varchar, feed varchar, path varchar, rows_read bigint, rows_loaded bigint,
    rows_duplicate bigint, rows_quarantined bigint, rows_set_aside bigint, values_nulled bigint, values_rounded bigint,
    encoding varchar, loaded_at timestamp, status varchar, error varchar, lines_counted bigint);
create table control.quarantine (
    feed varchar, sha256 varchar, path varchar, line bigint, column_name varchar, reason varchar, raw_row varchar,
    row_key varchar, load_seq bigint, released_at timestamp);
create table control.user_keys (user_id varchar, user_key bigint);
create table control.expectation_results (
    run_id varchar, suite varchar, expectation varchar, table_name varchar, success boolean, observed varchar,
    failing_rows varchar, checked_at timestamp);
create table intermediate.int_run__changes (domain varchar, shop_id varchar, user_key bigint, business_date date);
"""

ROWS = """
insert into control.user_keys values ('{one}', 1), ('{two}', 2);
insert into raw.raw_orders (
    order_line_id, order_id, user_key, product_id, quantity, list_amount, paid_amount, created_at,
    paid_at, status, scene, entry, shop_id, load_seq, source_line)
values
    ('L0', 'O0', null, 'P1', 1, 10, 10, '2024-03-01 08:00', '2024-03-01 08:01', 'paid', 'live', 'recommend', 's', 1, 2),
    ('L1', 'O1', 1, 'P1', 1, 10, 10, '2024-03-03 08:00', '2024-03-03 08:01', 'paid', 'live', 'recommend', 's', 3, 2);
insert into raw.raw_refunds (
    refund_id, order_line_id, kind, reason, applied_at, refunded_at, refund_amount, refund_quantity,
    status, shop_id, load_seq, source_line)
values
    ('R1', 'L0', 'refund_only', null, '2024-03-03 09:00', '2024-03-03 10:00', 4.00, null, 'succeeded', 's', 4, 2);
insert into raw.raw_reviews (
    review_id, order_id, order_line_id, product_id, user_key, rating, content, created_at, shop_id,
    load_seq, source_line)
values
    ('V1', null, 'L1', null, 1, 5, 'call me on 13800000000', '2024-03-03 20:00', 's', 5, 2);
insert into raw.raw_products (
    product_id, title, listed_at, list_price, unit_cost, shop_id, load_seq, source_line)
values ('P1', 'Mug', '2024-01-01', 10.00, 4.00, 's', 6, 2);
insert into raw.raw_contents (
    content_id, content_type, author_id, published_at, declared_intent, shop_id, load_seq, source_line)
values ('C1', 'live', 'A1', '2024-03-01 19:00', 'selling', 's', 7, 2);
insert into raw.raw_authors (author_id, snapshot_on, followers, shop_id, load_seq, source_line)
values ('A1', '2024-03-01', 1000, 's', 8, 2);
insert into raw.raw_traffic_events (
    event_id, occurred_at, business_date, event_type, user_key, scene, traffic_source, search_query,
    shop_id, load_seq, source_line)
values
    ('E1', '2024-03-01 19:05', '2024-03-01', 'view', 1, 'live', 'recommend', null, 's', 2, 2),
    ('E2', '2024-03-02 19:05', '2024-03-02', 'product_click', 1, 'live', 'recommend', null, 's', 2, 3),
    ('E3', '2024-03-02 19:06', '2024-03-02', 'view', 2, 'live', 'follow', null, 's', 2, 4),
    ('E4', '2024-03-03 07:59', '2024-03-03', 'search', 1, 'search', 'search', 'mugs for anna', 's', 9, 2);
insert into intermediate.int_run__changes values
    ('sales', 's', 1, '2024-03-03'), ('traffic', 's', 1, '2024-03-03');
"""

# Feeds of one row each, as their only file delivered it: line 2 of `<feed>/<load_seq>.csv`.
ONE_ROW = {
    "traffic_daily": "'2024-03-03' as business_date, 'live' as scene, 'recommend' as traffic_source, 'C1' as content_id, "
    "100 as views, 80 as viewers, 20 as product_impressions, 5 as product_clicks, 9.90 as paid_amount",
    "service_sessions": "'S1' as session_id, 'im' as kind, 1 as user_key, timestamp '2024-03-03 10:00' as opened_at, "
    "3 as human_turns, 1 as unanswered_turns, 5 as rating, timestamp '2024-03-03 10:10' as closed_at",
    "author_audience": "'A1' as author_id, '2024-03-01' as snapshot_on, 'female' as gender, '18-23' as age_band, "
    "'1' as city_tier, 0.6 as share",
    "campaigns": "'K1' as campaign_id, 'Spring' as name, 'shop' as kind, '2024-03-08' as warm_up_on, "
    "'2024-03-10' as starts_on, '2024-03-12' as ends_on",
    "lucky_bags": "'B1' as bag_id, 'C1' as content_id, timestamp '2024-03-03 20:00' as started_at, "
    "timestamp '2024-03-03 20:10' as ended_at, 30 as participations, 20 as participants, 2 as winners, 5.00 as cost_amount",
    "ad_spend": "'2024-03-03' as business_date, 'product:P1' as ad_id, 'live' as scene, 12.00 as cost_amount, "
    "100 as impressions, 10 as clicks",
    "users": "1 as user_key, '2024-03-01' as snapshot_on, 'female' as gender",
    "members": "1 as user_key, timestamp '2024-03-02 09:00' as joined_at",
    "nps_surveys": "'N1' as response_id, 1 as user_key, 'O1' as order_id, 9 as score, timestamp '2024-03-03 21:00' as answered_at",
    "benchmarks": "'operating_score' as subject, 'click_rate' as indicator, 'day' as grain, 0.01 as floor, 0.02 as average, "
    "0.03 as excellent, 'report' as source, '2024-01-01' as valid_from",
    "official_metrics": "'2024-03-03' as business_date, 'experience_score' as metric, 92.5 as value, 'backend' as source",
    "settlements": "'T1' as settlement_id, 'L1' as order_line_id, timestamp '2024-03-03 23:00' as settled_at, "
    "9.00 as settled_amount, 0.50 as commission_amount, 0.50 as platform_fee",
    "buyer_map": "'O1' as order_id, 1 as user_key",
    "order_commissions": "'L1' as order_line_id, 'A1' as author_id, 0.50 as commission_amount",
}

FILES = (
    (1, "orders", 1), (2, "traffic_events", 3), (3, "orders", 1), (4, "refunds", 1), (5, "reviews", 1),
    (6, "products", 1), (7, "contents", 1), (8, "authors", 1), (9, "traffic_events", 1),
    *((seq, feed, 1) for seq, feed in enumerate(ONE_ROW, start=11)),
)  # fmt: skip

MARTS = """
create schema serving.marts;
create table serving.marts.audience_layer_history as
select 's' as shop_id, user_id, valid_from, layer::smallint as layer, valid_to, 'r1' as rule_version,
    'ok' as data_status
from (values
    ('{one}', date '2024-03-01', 1, date '2024-03-02'), ('{one}', date '2024-03-02', 3, date '2024-03-03'),
    ('{one}', date '2024-03-03', 4, null), ('{two}', date '2024-03-02', 1, null)
) as h (user_id, valid_from, layer, valid_to);

create table serving.marts.audience_5a_daily as
with days as (select unnest([date '2024-03-01', date '2024-03-02', date '2024-03-03']) as business_date),
layers as (select unnest([0, 1, 2, 3, 4, 5])::smallint as layer),
stock (business_date, layer, users, share, entered, left_users) as (values
    (date '2024-03-01', 1, 1, 1.0, 1, 0),
    (date '2024-03-02', 1, 1, 0.5, 1, 1), (date '2024-03-02', 3, 1, 0.5, 1, 0),
    (date '2024-03-03', 1, 1, 0.5, 0, 0), (date '2024-03-03', 3, 0, 0.0, 0, 1), (date '2024-03-03', 4, 1, 0.5, 1, 0))
select 's' as shop_id, d.business_date, l.layer, coalesce(s.users, 0)::bigint as users,
    case when l.layer > 0 then coalesce(s.share, 0)::double end as share,
    coalesce(s.entered, 0)::bigint as entered, coalesce(s.left_users, 0)::bigint as left_users,
    case when l.layer in (1, 2) then 'seeding' when l.layer in (3, 4) then 'acquisition'
        when l.layer = 5 then 'repurchase' end as action_level,
    case when l.layer in (1, 2) then 'awareness' when l.layer = 3 then 'seeding'
        when l.layer in (4, 5) then 'purchase' end as platform_level,
    'r1' as rule_version, 'ok' as data_status
from days as d cross join layers as l left join stock as s on d.business_date = s.business_date and l.layer = s.layer;

create table serving.marts.audience_5a_flow as
select 's' as shop_id, business_date, horizon_days::smallint as horizon_days, from_layer::smallint as from_layer,
    to_layer::smallint as to_layer, 1::bigint as users, case when from_layer >= 0 then 1.0::double end as rate,
    'r1' as rule_version, 'ok' as data_status
from (values
    (date '2024-03-01', 1, -1, 1), (date '2024-03-01', 7, -1, 1), (date '2024-03-01', 30, -1, 1),
    (date '2024-03-02', 1, 1, 3), (date '2024-03-02', 1, -1, 1),
    (date '2024-03-02', 7, -1, 3), (date '2024-03-02', 7, -1, 1),
    (date '2024-03-02', 30, -1, 3), (date '2024-03-02', 30, -1, 1),
    (date '2024-03-03', 1, 3, 4), (date '2024-03-03', 1, 1, 1),
    (date '2024-03-03', 7, -1, 4), (date '2024-03-03', 7, -1, 1),
    (date '2024-03-03', 30, -1, 4), (date '2024-03-03', 30, -1, 1)
) as f (business_date, horizon_days, from_layer, to_layer);

create table serving.marts.audience_health_daily as
select 's' as shop_id, business_date, asset::bigint as asset, share as deep_share, null::double as up_rate_1,
    null::double as up_rate_2, null::double as up_rate_3, null::double as up_rate_4, ratio as a3_ratio,
    null::double as a5_ratio, 2 * share as benchmark_deep_share, null::double as benchmark_up_rate_1,
    null::double as benchmark_up_rate_2, null::double as benchmark_up_rate_3, null::double as benchmark_up_rate_4,
    case when share > 0 then 'deep_share' end as bottleneck, null::boolean as a3_thin, null::boolean as leaky,
    null::boolean as repurchase_gap, 'r1' as rule_version, 'ok' as data_status
from (values
    (date '2024-03-01', 1, 0.0::double, 0.0::double), (date '2024-03-02', 2, 0.5, 1.0), (date '2024-03-03', 2, 0.5, 0.0)
) as d (business_date, asset, share, ratio);

create table serving.marts.audience_forecast as
select 's' as shop_id, business_date, horizon_days, layer::smallint as layer,
    case when business_date = date '2024-03-03' then layer + horizon_days / 10.0 end::double as expected_users,
    case when business_date = date '2024-03-03' then 0.25 end::double as backtest_error, 0.5::double as unchanged_error,
    true as beats_unchanged, 'r1' as rule_version,
    case when business_date = date '2024-03-03' then 'ok' else 'insufficient' end as data_status
from (select unnest([date '2024-03-01', date '2024-03-02', date '2024-03-03']) as business_date)
cross join (select unnest([0, 1, 2, 3, 4, 5]) as layer)
cross join (select unnest([7, 30]) as horizon_days);

create table serving.marts.audience_segment_members as
select 's' as shop_id, date '2024-03-03' as business_date, 'large' as segment, n < 10 as is_holdout,
    (case when n < 10 then '1' else 'a' end) || lpad(n::varchar, 63, '0') as user_id, 'r1' as rule_version,
    'ok' as data_status
from range(100) as r (n);

create table serving.marts.audience_segments as
select 's' as shop_id, date '2024-03-03' as business_date, segment, segment as segment_zh, users::bigint as users,
    held::bigint as holdout_users, 'r1' as rule_version,
    case when users is null then 'insufficient' else 'ok' end as data_status
from (values ('large', 100, 10), ('small', null, null)) as g (segment, users, held);

create table serving.marts.shop_daily as
select 's' as shop_id, business_date, 0::bigint as impressions, views::bigint as views, views::bigint as viewers,
    0::bigint as product_impression_users, clicks::bigint as product_click_users, buyers::bigint as buyers,
    orders::bigint as orders, orders::bigint as units, paid::decimal(18,2) as paid_amount,
    (paid - back)::decimal(18,2) as net_amount, back::decimal(18,2) as refund_by_pay_date,
    later::decimal(18,2) as refund_by_refund_date, 0::decimal(18,2) as excess_refund_amount,
    buyers::bigint as new_buyers, 0::bigint as returning_buyers, null::double as roi, 'r1' as rule_version,
    'ok' as data_status
from (values
    (date '2024-03-01', 1, 0, 0, 1, 10, 4, 0), (date '2024-03-02', 1, 1, 0, 0, 0, 0, 0),
    (date '2024-03-03', 0, 0, 1, 1, 10, 0, 4)
) as d (business_date, views, clicks, buyers, orders, paid, back, later);

create table serving.marts.repurchase_daily as
select 's' as shop_id, business_date,
    rate as repurchase_rate_30d, rate as repurchase_rate_90d, rate as repurchase_rate_180d,
    rate as repurchase_rate_365d,
    buyers as buyers_30d, buyers as buyers_90d, buyers as buyers_180d, buyers as buyers_365d,
    0::bigint as repeat_buyers_30d, 0::bigint as repeat_buyers_90d, 0::bigint as repeat_buyers_180d,
    0::bigint as repeat_buyers_365d, 'r1' as rule_version,
    case when rate is null then 'insufficient' else 'ok' end as data_status
from (values
    (date '2024-03-01', null::double, 0::bigint), (date '2024-03-02', null, 0), (date '2024-03-03', 0.0, 1)
) as d (business_date, rate, buyers);

create table serving.marts.product_quadrant as
select 's' as shop_id, business_date, scope, 'P1' as product_id, net::decimal(18,2) as net_amount,
    n::bigint as net_quantity,
    1.0::double as amount_share, 1.0::double as quantity_share, 1::bigint as product_count, 'core' as quadrant,
    'core' as quadrant_gross, null::varchar as moved_from, null::varchar as moved_because, 'r1' as rule_version, 'ok' as data_status
from (values (date '2024-03-01', 10, 1), (date '2024-03-02', 10, 1), (date '2024-03-03', 16, 2))
    as d (business_date, net, n)
cross join (values ('live'), ('all')) as s (scope);

create table serving.marts.quadrant_summary_daily as
select 's' as shop_id, d.business_date, s.scope, q.quadrant,
    case when q.quadrant = 'core' then 1 else 0 end::bigint as products,
    case when q.quadrant = 'core' then d.net else 0 end::decimal(18,2) as net_amount,
    case when q.quadrant = 'core' then 1 else 0 end::double as amount_share, q.paper_share,
    100 * (case when q.quadrant = 'core' then 1 else 0 end - q.paper_share) as gap_points, 0.385::double as tvd,
    'r1' as rule_version, 'ok' as data_status
from (values (date '2024-03-01', 10), (date '2024-03-02', 10), (date '2024-03-03', 16)) as d (business_date, net)
cross join (values ('live'), ('all')) as s (scope)
cross join (values ('traffic', 0.132::double), ('core', 0.615), ('profit', 0.169), ('potential', 0.084))
    as q (quadrant, paper_share);

create table serving.marts.operating_score as
select 's' as shop_id, 'day' as grain, business_date as period_start, business_date as period_end,
    100.0::double as score_100, 14.0::double as score_raw, 14.0::double as coverage, 14.0::double as breadth_points,
    null::double as depth_points, case when business_date > date '2024-03-01' then 0.0::double end as score_change,
    null::varchar as biggest_mover, 'r1' as rule_version, 'ok' as data_status
from (select unnest([date '2024-03-01', date '2024-03-02', date '2024-03-03']) as business_date);

create table serving.marts.operating_score_indicators as
select 's' as shop_id, 'day' as grain, business_date as period_start, indicator,
    case when scored then 500.0::double end as numerator, null::double as denominator,
    case when scored then 500.0::double end as value, case when scored then 1.0::double end as fraction,
    weight::double as weight, case when scored then 14.0::double end as points,
    case when business_date > date '2024-03-01' then 0.0::double end as contribution, 'r1' as rule_version,
    case when scored then 'ok' else 'insufficient' end as data_status
from (select unnest([date '2024-03-01', date '2024-03-02', date '2024-03-03']) as business_date)
cross join (
    values ('total_impressions', 14, true), ('content_count', 10, false), ('live_dwell_seconds', 12, false),
    ('live_interaction_rate', 14, false), ('product_click_rate', 14, false), ('click_purchase_rate', 14, false),
    ('price_per_unit', 10, false), ('repurchase_rate_90d', 12, false)
) as i (indicator, weight, scored);

create table serving.marts.experience_score_daily as
select 's' as shop_id, business_date, 6.0::double as experience_10, 2.0::double as product_points,
    1.0::double as logistics_points, 3.0::double as service_points, 88.5::double as official_score,
    'r1' as rule_version, 'ok' as data_status
from (select unnest([date '2024-03-01', date '2024-03-02', date '2024-03-03']) as business_date);

create table serving.marts.experience_score_indicators as
select 's' as shop_id, business_date, indicator, 1.0::double as numerator, 4.0::double as denominator,
    0.25::double as value, 0.6::double as fraction, weight::double as weight, 0.6 * weight::double as points,
    'r1' as rule_version, 'ok' as data_status
from (select unnest([date '2024-03-01', date '2024-03-02', date '2024-03-03']) as business_date)
cross join (
    values ('bad_review_rate', 1.5), ('quality_return_rate', 1.5), ('pickup_on_time', 1), ('delivery_on_time', 1.5),
    ('damage_return_rate', 0.5), ('reply_seconds', 1), ('review_hours', 1), ('complaint_rate', 1),
    ('dissatisfied_rate', 0.5), ('help_rate', 0.5)
) as i (indicator, weight);

create table serving.marts.complaint_rates_daily as
select 's' as shop_id, business_date, 40::bigint as signed_orders, 0.1::double as quality_return_rate,
    0.2::double as bad_review_rate, 0.05::double as complaint_rate, 75.0::double as ccr, null::double as nps,
    -20.0::double as nps_proxy_stars, 'r1' as rule_version, 'ok' as data_status
from (select unnest([date '2024-03-01', date '2024-03-02', date '2024-03-03']) as business_date);

create table serving.marts.fan_member_daily as
select 's' as shop_id, business_date, viewer_group, viewers::bigint as viewers, 0::bigint as buyers,
    case when viewers > 0 then 0.0::double end as conversion, null::double as amount_per_buyer,
    null::double as amount_per_order, 0::bigint as orders, 0::decimal(18,2) as paid_amount, 'r1' as rule_version,
    'ok' as data_status
from (values (date '2024-03-01', 1), (date '2024-03-02', 1), (date '2024-03-03', 0)) as d (business_date, seen)
cross join (values ('fan', 0), ('non_fan', 1), ('member', 0), ('non_member', 1)) as g (viewer_group, is_everybody)
cross join lateral (select seen * is_everybody as viewers);

create table serving.marts.lucky_bag_daily as
select 's' as shop_id, business_date, bags::bigint as bags, 10 * bags::bigint as participations,
    8 * bags::bigint as participants, bags::bigint as winners,
    case when bags > 1 then 3.7::double end as mean_interval_minutes, 0::bigint as "overlaps",
    case when bags > 0 then 0.5::double end as participant_conversion, null::double as non_participant_conversion,
    'r1' as rule_version, 'ok' as data_status
from (values (date '2024-03-01', 2), (date '2024-03-02', 1), (date '2024-03-03', 0)) as d (business_date, bags);

create table serving.marts.cohort_value as
select 's' as shop_id, date '2024-01-01' as cohort_month, m::bigint as months_since_first, 2::bigint as users,
    10::decimal(18,2) as net_amount, 5.0 * (m + 1)::double as cumulative_per_user, null::double as clv12,
    'revenue' as clv_basis, 'r1' as rule_version, 'ok' as data_status
from range(2) as r (m);

create table serving.marts.customer_value as
select 's' as shop_id, '{one}' as user_id, date '2024-03-03' as first_paid_on, date '2024-03-03' as last_paid_on,
    1::bigint as occasions, 10::decimal(18,2) as net_amount, 4::smallint as layer, null::double as clv12,
    'r1' as rule_version, 'ok' as data_status;

create table serving.marts.purchase_path_daily as
select 's' as shop_id, business_date, 'direct_push' as path_class, 'live' as scene, 'content' as field,
    10::decimal(18,2) as paid_amount, 0::decimal(18,2) as marketing_amount, 1::bigint as orders,
    buyers::bigint as buyers, 1.0::double as amount_share, 'r1' as rule_version, 'ok' as data_status
from (values (date '2024-03-01', 0), (date '2024-03-03', 1)) as d (business_date, buyers);

create table serving.marts.traffic_source_daily as
select 's' as shop_id, d.business_date, s.traffic_source,
    case when s.traffic_source = d.viewed then 1 else 0 end::bigint as views,
    case when d.viewed is not null then case when s.traffic_source = d.viewed then 1 else 0 end end::double as share,
    case when d.viewed is not null then case when s.traffic_source = d.viewed then 100 else 0 end end::bigint
        as displayed_share,
    s.printed / 99.0::double as paper_share, 'r1' as rule_version, 'ok' as data_status
from (values (date '2024-03-01', 'recommend'), (date '2024-03-02', 'follow'), (date '2024-03-03', null))
    as d (business_date, viewed)
cross join (
    values ('paid', 22), ('short_video_referral', 3), ('search', 2), ('follow', 9), ('recommend', 62), ('other', 1)
) as s (traffic_source, printed);

create table serving.marts.synergy_daily as
select 's' as shop_id, business_date, null::double as lift, null::double as p0, null::double as p_e,
    null::double as p_m, null::double as p_em, null::double as expected, null::double as lower_95,
    null::double as upper_95, null::varchar as verdict, 0::bigint as neither_users, 0::bigint as neither_buyers,
    known::bigint as own_users, buyers::bigint as own_buyers, 0::bigint as marketing_users,
    0::bigint as marketing_buyers, 0::bigint as both_users, 0::bigint as both_buyers, 'r1' as rule_version,
    'insufficient' as data_status
from (values (date '2024-03-01', 1, 0), (date '2024-03-02', 2, 0), (date '2024-03-03', 2, 1))
    as d (business_date, known, buyers);

create table serving.marts.synergy_matrix_daily as
select 's' as shop_id, d.business_date, o.operating_function, m.marketing_function, 0::decimal(18,2) as paid_amount,
    0.0::double as share, 'r1' as rule_version, 'ok' as data_status
from (select unnest([date '2024-03-01', date '2024-03-02', date '2024-03-03']) as business_date) as d
cross join (values ('live'), ('short_video'), ('mall')) as o (operating_function)
cross join (values ('author'), ('campaign'), ('ad')) as m (marketing_function);

create table serving.marts.field_matrix_daily as
select 's' as shop_id, d.business_date, c.field_class,
    case when c.field_class = 'own' then d.paid else 0 end::decimal(18,2) as paid_amount,
    case when d.paid > 0 then case when c.field_class = 'own' then 1 else 0 end end::double as share,
    0::decimal(18,2) as campaign_amount, null::double as yoy_growth, c.paper_share::double as paper_share,
    'r1' as rule_version, 'ok' as data_status
from (values (date '2024-03-01', 10), (date '2024-03-02', 0), (date '2024-03-03', 10)) as d (business_date, paid)
cross join (
    values ('head_author', null), ('campaign', null), ('author_matrix', 0.61), ('own', 0.21), ('shelf', null)
) as c (field_class, paper_share);

create table serving.marts.author_performance_daily as
select 's' as shop_id, business_date, 'A1' as author_id, 'koc' as tier, false as is_vertical, 0::decimal(18,2) as paid_amount,
    0::decimal(18,2) as net_amount, views::bigint as views, null::double as gpm, 'traffic_events' as gpm_basis,
    null::double as growth, null::double as audience_match, false as is_long_term, 1000::bigint as followers,
    'r1' as rule_version, 'ok' as data_status
from (values (date '2024-03-01', 1), (date '2024-03-02', 2), (date '2024-03-03', 2)) as d (business_date, views);

create table serving.marts.content_performance as
select 's' as shop_id, 'C1' as content_id, 'A1' as author_id, 'live' as content_type, 'selling' as declared_role,
    null::varchar as observed_role, 2::bigint as views, null::bigint as a3_flow_users, null::double as a3_flow_rate,
    0::decimal(18,2) as paid_amount, null::double as gpm, null::bigint as ripe_users, 'r1' as rule_version,
    'immature' as data_status;

create table serving.marts.content_mix_daily as
select 's' as shop_id, business_date, role_basis, role,
    case when role_basis = 'declared' then case when role = 'selling' then 1 else 0 end end::bigint as contents,
    case when role_basis = 'declared' then case when role = 'selling' then 1 else 0 end end::double as views_share,
    null::double as spend_share, 'r1' as rule_version,
    case when role_basis = 'declared' then 'ok' else 'insufficient' end as data_status
from (select unnest([date '2024-03-01', date '2024-03-02', date '2024-03-03']) as business_date)
cross join (
    values ('declared', 'seeding'), ('declared', 'selling'), ('declared', 'unknown'), ('observed', 'seeding'),
    ('observed', 'selling'), ('observed', 'both'), ('observed', 'weak'), ('observed', 'unknown')
) as r (role_basis, role);

create table serving.marts.campaign_performance as
select 's' as shop_id, 'K1' as campaign_id, 10::decimal(18,2) as paid_amount, 8::decimal(18,2) as baseline_amount,
    0.25::double as uplift, 2::decimal(18,2) as incremental_amount, null::decimal(18,2) as net_incremental_amount,
    -1::bigint as a3_gained, 0::bigint as asset_gained, null::double as repurchase_30d, null::double as repurchase_90d,
    null::double as roi, date '2024-03-03' as starts_on, date '2024-03-03' as ends_on, 1::bigint as buyers_won,
    null::bigint as repeat_buyers_30d, null::bigint as repeat_buyers_90d, 'r1' as rule_version, 'ok' as data_status;

create table serving.marts.paper_reference as
select 'figure_' || n as figure, n::double as value, '%' as unit_printed, 'As printed.' as sentence, null as note
from range(12) as r (n);

create table serving.marts.diagnosis as
select 's' as shop_id, date '2024-03-03' as business_date, 'late_pickup' as finding, 's' as subject_id, 'shop' as subject_kind,
    date '2024-03-01' as since, 0.5::double as value, 0.95::double as reference, '揽收变慢' as finding_zh, 'late' as evidence_en,
    '慢' as evidence_zh, 'r1' as rule_version, 'ok' as data_status;

create table serving.marts.entity_names as
select 's' as shop_id, 'product' as kind, 'p1' as entity_id, 'Kettle' as name, null::varchar as category,
    'r1' as rule_version, 'ok' as data_status;
"""


@dataclass
class Warehouse:
    """The two files of a run. `change` edits them the way a fault would."""

    build_db: Path
    serving_db: Path

    def change(self, sql: str) -> None:
        con = duckdb.connect(str(self.build_db))
        con.execute(f"attach '{self.serving_db}' as serving")
        con.execute(sql)
        con.close()

    def gate(self, edge: Edge, folder: Path = EXPECTATIONS_DIR) -> list[SuiteResult]:
        return run_gate(
            edge,
            build_db=self.build_db,
            serving_db=self.serving_db,
            run_id=RUN,
            memory_limit="200MB",
            threads=1,
            checked_at=NIGHT,
            folder=folder,
        )

    def failures(self, edge: Edge, folder: Path = EXPECTATIONS_DIR) -> dict[tuple[str, str], ExpectationResult]:
        """(suite, expectation) → result of what does not hold."""
        return {(s.suite, result.expectation): result for s in self.gate(edge, folder) for result in s.failures}


def sql_of_files() -> str:
    rows = ", ".join(
        f"({seq}, '{'run-3' if seq > 2 else 'run-2'}', 'sha{seq}', '{feed}', '{feed}/{seq}.csv', "
        f"{n}, {n}, 0, 0, 0, 0, 0, "
        f"'utf-8', timestamp '2024-03-04 02:30:00', 'loaded', null, {n})"
        for seq, feed, n in FILES
    )
    return f"insert into control.load_audit values {rows};"


def sql_of_tables() -> str:
    """The raw tables as the warehouse makes them, so that a suite meets every column it names."""
    made = [(spec.raw_table, raw_columns(spec)) for spec in load_feeds().values()]
    made += [(spec.superseded_table, superseded_columns(spec)) for spec in load_feeds().values()]
    return "".join(
        f"create table {table} ({', '.join(f'{identifier(name)} {kind}' for name, kind in columns)});"
        for table, columns in made
    )


def sql_of_single_rows() -> str:
    return "".join(
        f"insert into raw.raw_{feed} by name select 's' as shop_id, {row}, {seq} as load_seq, 2 as source_line;"
        for seq, (feed, row) in enumerate(ONE_ROW.items(), start=11)
    )


Only = Callable[[str], Path]


@pytest.fixture
def only(tmp_path: Path) -> Only:
    """A folder of expectations with one of the project's suites, and the literals of its edge."""

    def folder(suite: str) -> Path:
        [source] = EXPECTATIONS_DIR.glob(f"*/{suite}.json")
        target = tmp_path / "expectations" / source.parent.name
        target.mkdir(parents=True)
        for path in (source, source.with_name(LITERALS_FILE)):
            shutil.copy(path, target)
        return target.parent

    return folder


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    folder = tmp_path_factory.mktemp("warehouse")
    made = Warehouse(folder / "build.duckdb", folder / "serving.duckdb")
    users = {"one": PSEUDONYM[1], "two": PSEUDONYM[2]}
    made.change(
        RAW + sql_of_tables() + ROWS.format(**users) + sql_of_single_rows() + sql_of_files() + MARTS.format(**users)
    )
    return made


@pytest.fixture
def warehouse(sound: Warehouse, tmp_path: Path) -> Warehouse:
    """A copy to break."""
    return Warehouse(Path(shutil.copy(sound.build_db, tmp_path)), Path(shutil.copy(sound.serving_db, tmp_path)))
