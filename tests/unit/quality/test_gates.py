"""What the gates let through and what they refuse, on a warehouse of three days that is right to begin with."""

from __future__ import annotations

import hashlib
import json
import socket
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.errors import QuanyuError
from pipelines.quality import failure_messages, gate_check_specs, record_results, refusal
from pipelines.quality.suites import EXPECTATIONS_DIR, load_suites

from .conftest import RUN, Only, Warehouse

RAW_USER = "buyer-13800000000"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("edge", ["raw", "marts"])
def test_a_sound_warehouse_passes_every_suite(warehouse: Warehouse, edge: Any) -> None:
    results = warehouse.gate(edge)

    assert [f"{s.suite}.{r.expectation}: {r.observed}" for s in results for r in s.failures] == []
    assert {s.suite for s in results} == {s.name for s in load_suites(edge)}
    assert {s.suite: len(s.results) for s in results} == {s.name: len(s.expectations) for s in load_suites(edge)}
    assert refusal(edge, results) is None


def test_a_gate_changes_neither_file(warehouse: Warehouse) -> None:
    before = digest(warehouse.build_db), digest(warehouse.serving_db)
    warehouse.gate("raw")
    warehouse.gate("marts")

    assert (digest(warehouse.build_db), digest(warehouse.serving_db)) == before
    assert not list(warehouse.build_db.parent.glob("*.wal"))


def test_a_gate_needs_no_network(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a gate opened a socket")

    for name in ("connect", "connect_ex", "sendto", "bind"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)

    assert all(result.success for edge in ("raw", "marts") for result in warehouse.gate(edge))


def test_the_raw_gate_of_a_first_night_does_not_need_the_marts(warehouse: Warehouse) -> None:
    warehouse.serving_db.unlink()
    assert all(result.success for result in warehouse.gate("raw"))
    assert not warehouse.serving_db.exists()


# Each fault: what went wrong with one delivered row → the expectation that must name it, with its file and line.
RAW_FAULTS = {
    "a key twice in one delivery": (
        "insert into raw.raw_orders select * replace (7 as source_line) from raw.raw_orders where order_line_id = 'L1'",
        "raw_orders",
        "key_is_held_once",
        "orders/3.csv",
        7,
    ),
    "a key beside one held before": (
        "insert into raw.raw_orders select * replace (3 as load_seq, 7 as source_line) from raw.raw_orders "
        "where order_line_id = 'L0'",
        "raw_orders",
        "key_is_held_once",
        "orders/3.csv",
        7,
    ),
    "an order without product": (
        "update raw.raw_orders set product_id = null where order_line_id = 'L1'",
        "raw_orders",
        "product_id_is_there",
        "orders/3.csv",
        2,
    ),
    "a negative payment": (
        "update raw.raw_orders set paid_amount = -0.01 where order_line_id = 'L1'",
        "raw_orders",
        "paid_amount_is_not_negative",
        "orders/3.csv",
        2,
    ),
    "no units": (
        "update raw.raw_orders set quantity = 0 where order_line_id = 'L1'",
        "raw_orders",
        "quantity_is_within_bounds",
        "orders/3.csv",
        2,
    ),
    "an unknown status": (
        "update raw.raw_orders set status = 'lost' where order_line_id = 'L1'",
        "raw_orders",
        "status_is_known",
        "orders/3.csv",
        2,
    ),
    "a payment before 2010": (
        "update raw.raw_orders set paid_at = '2009-12-31 23:59:59' where order_line_id = 'L1'",
        "raw_orders",
        "dates_are_plausible",
        "orders/3.csv",
        2,
    ),
    "an order of the day after tomorrow": (
        "update raw.raw_orders set created_at = '2024-03-06 00:00:00' where order_line_id = 'L1'",
        "raw_orders",
        "dates_are_plausible",
        "orders/3.csv",
        2,
    ),
    "an id that a spreadsheet made a number": (
        "update raw.raw_orders set order_line_id = '6.91793E+18' where order_line_id = 'L1'",
        "raw_orders",
        "ids_keep_their_digits",
        "orders/3.csv",
        2,
    ),
    "a refund of less than nothing": (
        "update raw.raw_refunds set refund_amount = -1",
        "raw_refunds",
        "refund_amount_is_not_negative",
        "refunds/4.csv",
        2,
    ),
    "six stars": (
        "update raw.raw_reviews set rating = 6",
        "raw_reviews",
        "rating_is_within_bounds",
        "reviews/5.csv",
        2,
    ),
    "a review of nothing": (
        "update raw.raw_reviews set order_line_id = null",
        "raw_reviews",
        "review_names_what_it_is_about",
        "reviews/5.csv",
        2,
    ),
    "a review twice under no order": (
        "insert into raw.raw_reviews select * replace (9 as source_line) from raw.raw_reviews",
        "raw_reviews",
        "key_is_held_once",
        "reviews/5.csv",
        2,
    ),
    "a negative price": (
        "update raw.raw_products set list_price = -1",
        "raw_products",
        "list_price_is_not_negative",
        "products/6.csv",
        2,
    ),
    "a margin of more than all": (
        "update raw.raw_products set margin_rate = 32",
        "raw_products",
        "margin_rate_is_at_most_one",
        "products/6.csv",
        2,
    ),
    "a content of no kind": (
        "update raw.raw_contents set content_type = 'radio'",
        "raw_contents",
        "content_type_is_known",
        "contents/7.csv",
        2,
    ),
    "an author without a day": (
        "update raw.raw_authors set snapshot_on = null",
        "raw_authors",
        "snapshot_on_is_there",
        "authors/8.csv",
        2,
    ),
    "an event twice in one delivery": (
        "insert into raw.raw_traffic_events select * replace (7 as source_line) from raw.raw_traffic_events "
        "where event_id = 'E4'",
        "raw_traffic_events",
        "event_is_delivered_once",
        "traffic_events/9.csv",
        2,
    ),
    "an event held before": (
        "insert into raw.raw_traffic_events "
        "select * replace (9 as load_seq, 7 as source_line) from raw.raw_traffic_events "
        "where event_id = 'E2'",
        "raw_traffic_events",
        "event_was_not_held_before",
        "traffic_events/9.csv",
        7,
    ),
    "an event on another day than its time": (
        "update raw.raw_traffic_events set business_date = '2024-03-02' where event_id = 'E4'",
        "raw_traffic_events",
        "day_is_the_day_of_the_event",
        "traffic_events/9.csv",
        2,
    ),
    "an event watched for less than no time": (
        "update raw.raw_traffic_events set watch_seconds = -1 where event_id = 'E4'",
        "raw_traffic_events",
        "watch_seconds_is_not_negative",
        "traffic_events/9.csv",
        2,
    ),
}


@pytest.mark.parametrize("fault", RAW_FAULTS)
def test_a_bad_raw_row_is_refused_with_file_and_line(warehouse: Warehouse, only: Only, fault: str) -> None:
    sql, suite, expectation, file, line = RAW_FAULTS[fault]
    warehouse.change(sql)
    results = warehouse.gate("raw", only(suite))
    failed = {(s.suite, r.expectation): r for s in results for r in s.failures}

    assert (suite, expectation) in failed
    rows = failed[suite, expectation].failing_rows
    assert (file, line) in {(row["file"], row["line"]) for row in rows}
    message = next(m for m in failure_messages(results) if f"{suite}: {expectation}:" in m)
    assert f"{file} line " in message and "\n" not in message
    refused = refusal("raw", results)
    assert refused is not None and message in refused.evidence and suite in str(refused)


BOOK_FAULTS = {
    "a row that went nowhere": (
        "update control.load_audit set rows_read = 2, lines_counted = 2 where load_seq = 3",
        "load_audit",
        "books_balance",
    ),
    "a line the reader lost": (
        "update control.load_audit set lines_counted = 2 where load_seq = 3",
        "load_audit",
        "lines_agree",
    ),
    "a count that is absent": (
        "update control.load_audit set rows_set_aside = null where load_seq = 3",
        "load_audit",
        "counts_are_counts",
    ),
    "a refusal without a reason": (
        "update control.load_audit set status = 'refused' where load_seq = 3",
        "load_audit",
        "refused_files_load_nothing",
    ),
    "a quarantined row that was not kept": (
        "update control.load_audit set rows_read = 2, lines_counted = 2, rows_quarantined = 1 where load_seq = 3",
        "load_audit",
        "quarantine_is_complete",
    ),
    "fewer rows held than loaded": (
        "update control.load_audit set rows_read = 2, lines_counted = 2, rows_loaded = 2 where load_seq = 3",
        "raw_orders",
        "loaded_rows_are_held",
    ),
}


@pytest.mark.parametrize("fault", BOOK_FAULTS)
def test_books_that_do_not_balance_refuse_the_night(warehouse: Warehouse, only: Only, fault: str) -> None:
    sql, suite, expectation = BOOK_FAULTS[fault]
    warehouse.change(sql)
    failed = warehouse.failures("raw", only(suite))

    assert (suite, expectation) in failed
    [row] = failed[suite, expectation].failing_rows
    assert "orders/3.csv" in (row.get("path"), row.get("file"))


def test_a_replaced_row_still_counts_as_loaded(warehouse: Warehouse) -> None:
    """L1 was restated by a fourth file the same night: its first version moved to the superseded rows."""
    warehouse.change(
        "insert into raw.raw_orders_superseded select *, 10 from raw.raw_orders where order_line_id = 'L1';"
        "update raw.raw_orders set load_seq = 10 where order_line_id = 'L1';"
        "insert into control.load_audit select * replace (10 as load_seq, 'sha10' as sha256, 'orders/10.csv' as path) "
        "from control.load_audit where load_seq = 3"
    )
    assert warehouse.failures("raw") == {}


def test_much_quarantine_is_a_warning_and_never_fatal(warehouse: Warehouse) -> None:
    warehouse.change(
        "update control.load_audit set rows_read = 100, lines_counted = 100, rows_quarantined = 99 where load_seq = 3;"
        "insert into control.quarantine "
        "select 'orders', 'sha3', 'orders/3.csv', 3 + n, 'paid_amount', 'not_a_number', '{}', "
        "null, 3, case when n < 79 then timestamp '2024-03-04 02:00:00' end from range(99) as r (n)"
    )
    assert warehouse.failures("raw") == {}, "20 of 100 rows still held back is the limit"

    warehouse.change("update control.quarantine set released_at = null where line = 3")
    results = warehouse.gate("raw")
    [message] = failure_messages(results)
    assert message.startswith("warning: control.load_audit: quarantine_stays_small") and "orders/3.csv" in message
    assert refusal("raw", results) is None


def test_rows_of_earlier_nights_are_not_looked_at_again(warehouse: Warehouse) -> None:
    warehouse.change("update raw.raw_orders set paid_amount = -5 where order_line_id = 'L0'")
    assert warehouse.failures("raw") == {}
    assert {s.suite: s.rows for s in warehouse.gate("raw")}["raw_orders"] == 1


MART_FAULTS = {
    "an author nobody saw nor paid": (
        "update serving.marts.author_performance_daily set views = 0 where business_date = '2024-03-03'",
        "author_performance_daily",
        "somebody_saw_or_paid",
    ),
    "more users seeded than ripe": (
        "update serving.marts.content_performance set ripe_users = 1, a3_flow_users = 2, a3_flow_rate = 2, data_status = 'ok'",
        "content_performance",
        "seeded_users_are_ripe",
    ),
    "contents that one basis does not see": (
        "update serving.marts.content_mix_daily set contents = 0, data_status = 'ok' where role_basis = 'observed'",
        "content_mix_daily",
        "both_bases_count_the_same_contents",
    ),
    "an increment of something else": (
        "update serving.marts.campaign_performance set incremental_amount = 3",
        "campaign_performance",
        "increments_explain_themselves",
    ),
    "a campaign paid less than its days": (
        "update serving.marts.campaign_performance set paid_amount = 9, incremental_amount = 1",
        "campaign_performance",
        "a_campaign_is_paid_what_the_shop_was",
    ),
    "a layer that does not exist": (
        "update serving.marts.audience_layer_history set layer = 6 where valid_to is null and layer = 4",
        "audience_layer_history",
        "layer_is_within_bounds",
    ),
    "an overlap": (
        "update serving.marts.audience_layer_history set valid_to = '2024-03-04' where layer = 3",
        "audience_layer_history",
        "intervals_follow_each_other",
    ),
    "a hole": (
        "update serving.marts.audience_layer_history set valid_from = '2024-03-04' where layer = 4",
        "audience_layer_history",
        "intervals_follow_each_other",
    ),
    "an interval of tomorrow": (
        "update serving.marts.audience_layer_history set valid_from = '2024-03-04' where layer = 4",
        "audience_layer_history",
        "nothing_lies_after_the_day",
    ),
    "a stay of no days": (
        "update serving.marts.audience_layer_history set valid_to = valid_from where layer = 4",
        "audience_layer_history",
        "interval_has_days",
    ),
    "a raw user id": (
        f"update serving.marts.audience_layer_history set user_id = '{RAW_USER}' where layer = 4",
        "audience_layer_history",
        "users_are_pseudonyms",
    ),
    "a user nobody counted": (
        "delete from serving.marts.audience_layer_history where layer = 4",
        "audience_5a_daily",
        "stock_is_the_open_intervals",
    ),
    "an asset of nobody": (
        "update serving.marts.audience_health_daily set asset = 3 where business_date = '2024-03-03'",
        "audience_health_daily",
        "asset_is_the_stock",
    ),
    "a bottleneck above its benchmark": (
        "update serving.marts.audience_health_daily set benchmark_deep_share = 0.4 where bottleneck is not null",
        "audience_health_daily",
        "bottleneck_is_narrow",
    ),
    "an error of one layer": (
        "update serving.marts.audience_forecast set backtest_error = 0.3 where layer = 2 and horizon_days = 7",
        "audience_forecast",
        "error_is_one_of_six_layers",
    ),
    "a forecast that forgets people": (
        "update serving.marts.audience_forecast set expected_users = 0 where horizon_days = 7 and data_status = 'ok'",
        "audience_forecast",
        "nobody_is_forgotten",
    ),
    "a segment of few": (
        "update serving.marts.audience_segments set users = 99 where segment = 'large'",
        "audience_segments",
        "suppressed_below_100",
    ),
    "a member nobody counted": (
        "delete from serving.marts.audience_segment_members where is_holdout",
        "audience_segments",
        "sizes_are_the_members",
    ),
    "members of a suppressed segment": (
        "update serving.marts.audience_segment_members set segment = 'small' where is_holdout",
        "audience_segment_members",
        "members_belong_to_a_shown_segment",
    ),
    "somebody held out by choice": (
        "update serving.marts.audience_segment_members set is_holdout = true where user_id like 'a%20'",
        "audience_segment_members",
        "held_out_by_the_pseudonym",
    ),
    "shares of more than all": (
        "update serving.marts.audience_5a_daily set share = 0.6 where layer = 4 and users = 1",
        "audience_5a_daily",
        "shares_add_up",
    ),
    "five layers": (
        "delete from serving.marts.audience_5a_daily where layer = 5 and business_date = '2024-03-02'",
        "audience_5a_daily",
        "every_day_is_there",
    ),
    "a zero where nothing is known": (
        "update serving.marts.audience_5a_daily set data_status = 'missing_source' where layer = 5",
        "audience_5a_daily",
        "status_speaks_for_the_main_value",
    ),
    "a flow that loses a user": (
        "delete from serving.marts.audience_5a_flow "
        "where business_date = '2024-03-03' and horizon_days = 1 and to_layer = 4",
        "audience_5a_flow",
        "arrivals_are_the_stock",
    ),
    "a flow out of nowhere": (
        "update serving.marts.audience_5a_flow set from_layer = 2 "
        "where business_date = '2024-03-03' and horizon_days = 1 and from_layer = 3",
        "audience_5a_flow",
        "departures_are_the_stock_before",
    ),
    "a rate above one": (
        "update serving.marts.audience_5a_flow set rate = 1.01 where business_date = '2024-03-03' and rate is not null",
        "audience_5a_flow",
        "rate_is_within_bounds",
    ),
    "a row twice": (
        "insert into serving.marts.shop_daily "
        "select * from serving.marts.shop_daily where business_date = '2024-03-02'",
        "shop_daily",
        "key_is_unique",
    ),
    "a hole in the calendar": (
        "delete from serving.marts.shop_daily where business_date = '2024-03-02'",
        "shop_daily",
        "calendar_ends_on_the_day",
    ),
    "a night without its day": (
        "delete from serving.marts.shop_daily where business_date = '2024-03-03'",
        "shop_daily",
        "calendar_ends_on_the_day",
    ),
    "a shop that is missing": ("delete from serving.marts.shop_daily", "shop_daily", "every_shop_is_there"),
    "a net above paid": (
        "update serving.marts.shop_daily set net_amount = 10.01 where business_date = '2024-03-03'",
        "shop_daily",
        "net_stays_within_paid",
    ),
    "a negative amount": (
        "update serving.marts.shop_daily set net_amount = -0.01 where business_date = '2024-03-02'",
        "shop_daily",
        "net_amount_is_not_negative",
    ),
    "more repeat buyers than buyers": (
        "update serving.marts.repurchase_daily set repeat_buyers_90d = 2 where business_date = '2024-03-03'",
        "repurchase_daily",
        "repeat_buyers_are_buyers",
    ),
    "a split that loses a viewer": (
        "update serving.marts.fan_member_daily set viewers = 2 "
        "where business_date = '2024-03-01' and viewer_group = 'non_fan'",
        "fan_member_daily",
        "both_splits_are_all_viewers",
    ),
    "buyers who never looked": (
        "update serving.marts.fan_member_daily set buyers = 1 where viewer_group = 'fan'",
        "fan_member_daily",
        "buyers_view",
    ),
    "a group that is missing": (
        "delete from serving.marts.fan_member_daily where viewer_group = 'member' and business_date = '2024-03-02'",
        "fan_member_daily",
        "every_day_is_there",
    ),
    "more overlaps than bags": (
        "update serving.marts.lucky_bag_daily set \"overlaps\" = 2 where business_date = '2024-03-02'",
        "lucky_bag_daily",
        "a_bag_overlaps_once_at_most",
    ),
    "a month that still runs": (
        "insert into serving.marts.cohort_value "
        "select * replace (2 as months_since_first) from serving.marts.cohort_value where months_since_first = 1",
        "cohort_value",
        "months_are_complete",
    ),
    "a month that is missing": (
        "delete from serving.marts.cohort_value where months_since_first = 0",
        "cohort_value",
        "months_have_no_holes",
    ),
    "a customer by name": (
        f"update serving.marts.customer_value set user_id = '{RAW_USER}'",
        "customer_value",
        "users_are_pseudonyms",
    ),
    "a customer of tomorrow": (
        "update serving.marts.customer_value set last_paid_on = '2024-03-04'",
        "customer_value",
        "purchases_have_an_order",
    ),
    "a class that does not exist": (
        "update serving.marts.product_quadrant set quadrant = 'dog' where business_date = '2024-03-03'",
        "product_quadrant",
        "quadrant_is_known",
    ),
    "half the amount": (
        "update serving.marts.product_quadrant set amount_share = 0.5 where business_date = '2024-03-03'",
        "product_quadrant",
        "shares_add_up",
    ),
    "a class without its product": (
        "update serving.marts.product_quadrant set quadrant = 'profit' "
        "where business_date = '2024-03-03' and scope = 'all'",
        "quadrant_summary_daily",
        "classes_hold_their_products",
    ),
    "three classes": (
        "delete from serving.marts.quadrant_summary_daily where quadrant = 'profit' and business_date = '2024-03-01'",
        "quadrant_summary_daily",
        "every_day_is_there",
    ),
    "a score above a hundred": (
        "update serving.marts.operating_score set score_100 = 100.1",
        "operating_score",
        "score_100_is_within_bounds",
    ),
    "points above the weight": (
        "update serving.marts.operating_score_indicators set points = 14.5 where points = 14",
        "operating_score_indicators",
        "points_stay_within_the_weight",
    ),
    "a score that is not its sum": (
        "update serving.marts.operating_score set score_raw = 13.9",
        "operating_score",
        "score_is_the_sum_of_its_indicators",
    ),
    "a change that is not its parts": (
        "update serving.marts.operating_score set score_change = 1 where score_change = 0",
        "operating_score",
        "score_is_the_sum_of_its_indicators",
    ),
    "a day without a score": (
        "delete from serving.marts.operating_score where period_start = '2024-03-02'",
        "operating_score",
        "every_day_is_scored",
    ),
    "seven indicators": (
        "delete from serving.marts.operating_score_indicators where indicator = 'content_count'",
        "operating_score_indicators",
        "every_period_has_eight",
    ),
    "an experience score that is not its dimensions": (
        "update serving.marts.experience_score_daily set service_points = 2.5 where business_date = '2024-03-03'",
        "experience_score_daily",
        "dimensions_add_up",
    ),
    "an experience score beyond its scale": (
        "update serving.marts.experience_score_daily set logistics_points = 3.1 where business_date = '2024-03-03'",
        "experience_score_daily",
        "logistics_points_is_within_bounds",
    ),
    "a day without an experience score": (
        "delete from serving.marts.experience_score_daily where business_date = '2024-03-02'",
        "experience_score_daily",
        "calendar_is_the_shops",
    ),
    "nine indicators": (
        "delete from serving.marts.experience_score_indicators where indicator = 'help_rate'",
        "experience_score_indicators",
        "every_day_has_ten",
    ),
    "an indicator above one": (
        "update serving.marts.experience_score_indicators set value = 1.5 where indicator = 'help_rate'",
        "experience_score_indicators",
        "a_rate_is_a_part",
    ),
    "a combined rate below the complaints": (
        "update serving.marts.complaint_rates_daily set ccr = 40 where business_date = '2024-03-03'",
        "complaint_rates_daily",
        "the_combined_rate_holds_the_complaints",
    ),
    "an unknown status": (
        "update serving.marts.shop_daily set data_status = 'fine'",
        "shop_daily",
        "data_status_is_known",
    ),
    "a name of no known kind": ("update serving.marts.entity_names set kind = 'x'", "entity_names", "kind_is_known"),
    "a finding of yesterday": (
        "update serving.marts.diagnosis set business_date = '2024-03-02'",
        "diagnosis",
        "rows_are_of_the_newest_day",
    ),
    "no figures": ("delete from serving.marts.paper_reference", "paper_reference", "figures_are_there"),
}


@pytest.mark.parametrize("fault", MART_FAULTS)
def test_a_mart_that_breaks_its_contract_is_refused(warehouse: Warehouse, only: Only, fault: str) -> None:
    sql, suite, expectation = MART_FAULTS[fault]
    warehouse.change(sql)
    results = warehouse.gate("marts", only(suite))
    failed = {(s.suite, r.expectation): r for s in results for r in s.failures}

    assert (suite, expectation) in failed, sorted(failed)
    assert "could not be evaluated" not in failed[suite, expectation].observed
    if expectation != "figures_are_there":
        assert failed[suite, expectation].failing_rows
    assert refusal("marts", results) is not None


@pytest.mark.parametrize(("edge", "table"), [("raw", "raw.raw_refunds"), ("marts", "serving.marts.repurchase_daily")])
def test_a_missing_table_fails_its_suite(warehouse: Warehouse, edge: Any, table: str) -> None:
    warehouse.change(f"drop table {table}")
    failed = warehouse.failures(edge)

    suite = table.split(".")[-1]
    assert {name for name, _ in failed} == {suite}
    assert suite in failed[suite, "suite_can_be_evaluated"].observed


def test_a_missing_column_fails_the_expectation_and_not_the_program(warehouse: Warehouse) -> None:
    warehouse.change("alter table raw.raw_refunds drop column refund_quantity")
    [(suite, _)] = failed = warehouse.failures("raw")
    assert suite == "raw_refunds"
    assert next(iter(failed.values())).observed.startswith("could not be evaluated")


def suite_folder(tmp_path: Path, edge: str, **changes: Any) -> Path:
    source = json.loads((EXPECTATIONS_DIR / "raw" / "raw_orders.json").read_text(encoding="utf-8"))
    literals = (EXPECTATIONS_DIR / "raw" / "literals.json").read_text(encoding="utf-8")
    (tmp_path / edge).mkdir(parents=True)
    (tmp_path / edge / "literals.json").write_text(literals, encoding="utf-8")
    (tmp_path / edge / "raw_orders.json").write_text(json.dumps({**source, **changes}), encoding="utf-8")
    return tmp_path


def test_a_suite_that_evaluates_nothing_fails(warehouse: Warehouse, tmp_path: Path) -> None:
    [result] = results = warehouse.gate("raw", suite_folder(tmp_path / "suites", "raw", expectations=[]))

    assert not result.success
    assert [r.expectation for r in result.failures] == ["suite_evaluates_something"]
    assert refusal("raw", results) is not None


def test_an_error_inside_a_query_fails_even_a_warning(warehouse: Warehouse, tmp_path: Path) -> None:
    broken = {
        "type": "unexpected_rows_expectation",
        "kwargs": {"unexpected_rows_query": "select no_such_column from {batch}"},
        "meta": {"name": "broken", "says": "Nothing."},
        "severity": "warning",
    }
    [result] = results = warehouse.gate("raw", suite_folder(tmp_path / "suites", "raw", expectations=[broken]))

    assert not result.success and "no_such_column" in result.failures[0].observed
    assert refusal("raw", results) is not None


def test_a_gate_without_suites_is_an_error(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    with pytest.raises(QuanyuError, match="no expectation suite"):
        warehouse.gate("raw", tmp_path)


def test_results_are_kept_once_a_run_with_bounded_rows(warehouse: Warehouse) -> None:
    warehouse.change(
        "insert into raw.raw_orders "
        "select o.* replace ('X' || n as order_line_id, -1 as paid_amount, 10 + n as source_line) "
        "from raw.raw_orders as o, range(100) as r (n) where order_line_id = 'L1'"
    )
    results = warehouse.gate("raw")
    con = duckdb.connect(str(warehouse.build_db))
    try:
        written = record_results(con, results)
        assert record_results(con, results) == written
        kept = con.execute(
            "select count(*), count(distinct (run_id, suite, expectation)) from control.expectation_results"
        )
        assert kept.fetchone() == (written, written)
        row = con.execute(
            "select run_id, table_name, success, observed, failing_rows from control.expectation_results "
            "where suite = 'raw_orders' and expectation = 'paid_amount_is_not_negative'"
        ).fetchone()
    finally:
        con.close()
    assert row is not None
    assert row[:4] == (RUN, "raw.raw_orders", False, "100 failing rows, 101 rows looked at")
    rows = json.loads(row[4])
    assert len(rows) == 20
    assert rows[0] == {
        "file": "orders/3.csv",
        "line": 10,
        "shop_id": "s",
        "order_line_id": "X0",
        "paid_amount": "-1.00",
    }


def test_no_result_holds_a_raw_user_id_or_what_people_wrote(warehouse: Warehouse) -> None:
    """A raw id in the place of a pseudonym is reported by its length; free text never leaves the build database."""
    warehouse.change(
        f"update control.user_keys set user_id = '{RAW_USER}' where user_key = 1;"
        f"update serving.marts.audience_layer_history set user_id = '{RAW_USER}' where layer = 4;"
        "update raw.raw_reviews set rating = 9;"
        "update raw.raw_traffic_events set watch_seconds = -1 where event_id = 'E4'"
    )
    results = warehouse.gate("raw") + warehouse.gate("marts")
    failed = {(s.suite, r.expectation) for s in results for r in s.failures}
    assert {("raw_orders", "users_are_pseudonyms"), ("raw_reviews", "rating_is_within_bounds")} <= failed

    said = repr(results) + "\n".join(failure_messages(results))
    for secret in (RAW_USER, "13800000000", "mugs for anna"):
        assert secret not in said


def test_the_checks_are_known_before_anything_ran() -> None:
    checks = {check.suite: check for edge in ("raw", "marts") for check in gate_check_specs(edge)}

    assert checks["raw_orders"].asset_key == ("raw", "raw_orders")
    assert checks["load_audit"].asset_key == ("control", "load_audit")
    assert checks["shop_daily"].asset_key == ("marts", "shop_daily")
    assert "books_balance" in checks["load_audit"].expectations
    assert all(check.expectations for check in checks.values())
