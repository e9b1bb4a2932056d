"""A suite for every feed: what each refuses with file and line, what it only warns of, and when it has nothing to check."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pandas as pd
import pytest

from pipelines.landing.declarations import FeedSpec, load_feeds
from pipelines.quality import failure_messages, refusal, statements
from pipelines.quality.suites import (
    BETWEEN,
    EXPECTATIONS_DIR,
    IN_SET,
    NOT_NULL,
    ROW_COUNT,
    Expectation,
    load_suites,
)

from .conftest import ONE_ROW, Only, Warehouse

# Of each feed: faults of one row (the columns that are other than delivered → the expectation that must name the row).
FAULTS = {
    "traffic_daily": {
        "null as business_date": "business_date_is_there",
        "'shelf' as scene": "scene_is_known",
        "'radio' as traffic_source": "traffic_source_is_known",
        "-1 as impressions": "impressions_is_not_negative",
        "-1 as watch_seconds": "watch_seconds_is_not_negative",
        "-0.01 as paid_amount": "paid_amount_is_not_negative",
        "'2009-12-31' as business_date": "dates_are_plausible",
        "'6.91793E+18' as product_id": "ids_keep_their_digits",
    },
    "service_sessions": {
        "null as session_id": "session_id_is_there",
        "'fax' as kind": "kind_is_known",
        "null as opened_at": "opened_at_is_there",
        "6 as rating": "rating_is_within_bounds",
        "-1 as reply_seconds": "reply_seconds_is_not_negative",
        "'2024-03-06' as closed_at": "dates_are_plausible",
    },
    "author_audience": {
        "null as author_id": "author_id_is_there",
        "null as snapshot_on": "snapshot_on_is_there",
        "-0.1 as share": "share_is_within_bounds",
        "1.2 as share": "share_is_within_bounds",
        "'2024-03-06' as snapshot_on": "dates_are_plausible",
    },
    "campaigns": {
        "null as name": "name_is_there",
        "null as ends_on": "ends_on_is_there",
        "'street' as kind": "kind_is_known",
        "'2009-12-31' as starts_on": "dates_are_plausible",
        "'6.91793e+18' as campaign_id": "ids_keep_their_digits",
    },
    "lucky_bags": {
        "null as content_id": "content_id_is_there",
        "null as started_at": "started_at_is_there",
        "-1 as winners": "winners_is_not_negative",
        "-0.01 as cost_amount": "cost_amount_is_not_negative",
        "'2024-03-06' as ended_at": "dates_are_plausible",
    },
    "ad_spend": {
        "null as ad_id": "ad_id_is_there",
        "null as cost_amount": "cost_amount_is_there",
        "-1 as cost_amount": "cost_amount_is_not_negative",
        "'shelf' as scene": "scene_is_known",
        "0 as cut": "cut_is_within_bounds",
        "'2024-03-06' as business_date": "dates_are_plausible",
    },
    "users": {
        "null as user_key": "user_key_is_there",
        "7 as user_key": "users_are_pseudonyms",
        "'2024-03-06' as snapshot_on": "dates_are_plausible",
    },
    "members": {
        "null as user_key": "user_key_is_there",
        "null as joined_at": "joined_at_is_there",
        "'2009-12-31' as left_at": "dates_are_plausible",
    },
    "nps_surveys": {
        "null as response_id": "response_id_is_there",
        "11 as score": "score_is_within_bounds",
        "null as answered_at": "answered_at_is_there",
        "'2024-03-06' as answered_at": "dates_are_plausible",
    },
    "benchmarks": {
        "'weather' as subject": "subject_is_known",
        "'year' as grain": "grain_is_known",
        "null as average": "average_is_there",
        "'2009-12-31' as valid_from": "dates_are_plausible",
    },
    "official_metrics": {
        "null as metric": "metric_is_there",
        "null as value": "value_is_there",
        "'2024-03-06' as business_date": "dates_are_plausible",
    },
    "settlements": {
        "null as order_line_id": "order_line_id_is_there",
        "-0.01 as settled_amount": "settled_amount_is_not_negative",
        "-0.01 as platform_fee": "platform_fee_is_not_negative",
        "'2024-03-06' as settled_at": "dates_are_plausible",
        "'6.91793E+18' as order_line_id": "ids_keep_their_digits",
    },
    "buyer_map": {
        "null as user_key": "user_key_is_there",
        "'6.91793E+18' as order_id": "ids_keep_their_digits",
    },
    "order_commissions": {
        "null as order_line_id": "order_line_id_is_there",
        "-0.01 as commission_amount": "commission_amount_is_not_negative",
    },
}

# What a merchant's own file may say without breaking the contract.
ODDITIES = {
    "traffic_daily": {"101 as viewers": "people_do_not_outnumber_their_acts"},
    "service_sessions": {
        "4 as unanswered_turns": "unanswered_turns_are_turns",
        "'2024-03-03 09:59' as closed_at": "session_ends_after_it_began",
    },
    "author_audience": {"0.5 as share": "cells_are_one_audience"},
    "campaigns": {"'2024-03-09' as ends_on": "days_are_in_order"},
    "lucky_bags": {"21 as winners": "winners_took_part", "'2024-03-03 19:00' as ended_at": "bag_ends_after_it_began"},
    "ad_spend": {"101 as clicks": "clicks_follow_impressions"},
    "users": {"null as gender": "profile_says_something"},
    "members": {"'2024-03-01' as left_at": "member_leaves_after_joining"},
    "nps_surveys": {"null as user_key, null as order_id": "answer_names_user_or_order"},
    "benchmarks": {
        "0.04 as average": "anchors_are_in_order",
        "'2023-12-31' as valid_to": "validity_ends_after_it_begins",
    },
    "official_metrics": {"100.5 as value": "value_is_possible"},
    "settlements": {"'2024-03-03 07:00' as settled_at": "line_is_settled_after_it_was_ordered"},
    "buyer_map": {"2 as user_key": "order_has_one_buyer"},
    "order_commissions": {"10.01 as commission_amount": "commission_is_part_of_the_payment"},
}


def plant(warehouse: Warehouse, feed: str, faults: dict[str, str], first_line: int) -> dict[int, str]:
    """Put the row again, once for each fault, into lines of its file; line → expectation."""
    lines = dict(enumerate(faults, start=first_line))
    table = f"raw.raw_{feed}"
    warehouse.change(
        "".join(
            f"insert into {table} select * replace ({fault}, {line} as source_line) from {table} where source_line = 2;"
            for line, fault in lines.items()
        )
    )
    return {line: faults[fault] for line, fault in lines.items()}


@pytest.mark.parametrize("feed", ONE_ROW)
def test_bad_rows_are_refused_and_odd_ones_told_with_file_and_line(warehouse: Warehouse, only: Only, feed: str) -> None:
    wrong = plant(warehouse, feed, {**FAULTS[feed], "'s' as shop_id": "key_is_held_once"}, 10)
    odd = plant(warehouse, feed, ODDITIES[feed], 50)
    file = f"{feed}/{11 + list(ONE_ROW).index(feed)}.csv"

    results = warehouse.gate("raw", only(f"raw_{feed}"))
    failed = {result.expectation: result for result in results[0].failures}
    places = {name: {(row.get("file"), row.get("line")) for row in r.failing_rows} for name, r in failed.items()}
    for line, expectation in {**wrong, **odd}.items():
        if expectation == "users_are_pseudonyms":
            assert [row["user_key"] for row in failed[expectation].failing_rows] == [7]
        else:
            assert (file, line) in places[expectation], expectation
    assert all(failed[expectation].is_blocking for expectation in wrong.values())
    assert not any(failed[expectation].is_blocking for expectation in odd.values())
    assert "loaded_rows_are_held" in failed
    refused = refusal("raw", results)
    assert refused is not None
    assert all(f"raw_{feed}: {name}:" in refused.evidence for name in wrong.values())


def test_odd_rows_alone_refuse_nothing(warehouse: Warehouse) -> None:
    """All feeds at once. Each odd row stands in for the delivered one, so that books and keys hold; an audience is odd
    only with a second row.
    """
    odd = {feed: faults for feed, faults in ODDITIES.items() if feed != "author_audience"}
    for feed, faults in odd.items():
        fault = next(iter(faults))
        plant(warehouse, feed, {fault: faults[fault]}, 50)
        warehouse.change(f"delete from raw.raw_{feed} where source_line = 2")
    results = warehouse.gate("raw")

    warned = {(s.suite, r.expectation) for s in results for r in s.failures}
    assert warned == {(f"raw_{feed}", next(iter(faults.values()))) for feed, faults in odd.items()}
    assert refusal("raw", results) is None
    assert all(line.startswith("warning: ") for line in failure_messages(results))


def test_an_id_that_only_resembles_a_mangled_one_is_let_through(warehouse: Warehouse, only: Only) -> None:
    """A spreadsheet writes one digit before the point; the load keeps `12E+5`, so the gate must."""
    warehouse.change("update raw.raw_orders set order_id = '12E+5' where order_line_id = 'L1'")
    assert warehouse.failures("raw", only("raw_orders")) == {}


def test_a_feed_that_was_never_delivered_is_recorded_as_such(warehouse: Warehouse) -> None:
    warehouse.change("delete from raw.raw_members; delete from control.load_audit where feed = 'members'")
    [members] = [s for s in warehouse.gate("raw") if s.suite == "raw_members"]

    assert members.success and members.rows == 0
    [result] = members.results
    assert (result.expectation, result.observed) == (
        "nothing_is_held",
        "members was never delivered: there is nothing to check",
    )


@pytest.mark.parametrize(
    ("change", "expectation"),
    [
        ("delete from raw.raw_members", "loaded_rows_are_held"),
        ("delete from control.load_audit where feed = 'members'", "row_names_its_file"),
    ],
)
def test_rows_without_a_delivery_and_a_delivery_without_rows_are_refused(
    warehouse: Warehouse, only: Only, change: str, expectation: str
) -> None:
    warehouse.change(change)
    assert ("raw_members", expectation) in warehouse.failures("raw", only("raw_members"))


def test_a_feed_with_rows_and_a_suite_that_says_nothing_is_refused(warehouse: Warehouse, only: Only) -> None:
    folder = only("raw_members")
    path = folder / "raw" / "raw_members.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "expectations": []}), "utf-8")

    assert list(warehouse.failures("raw", folder)) == [("raw_members", "suite_evaluates_something")]


def test_a_large_delivery_is_asked_query_by_query_and_answers_the_same(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.change("update raw.raw_orders set status = 'lost', order_id = null where order_line_id = 'L1'")
    together = warehouse.gate("raw")
    monkeypatch.setattr(statements, "ROWS_TOGETHER", 0)

    assert warehouse.gate("raw") == together
    assert {r.expectation for s in together for r in s.failures} == {"status_is_known", "order_id_is_there"}


@pytest.mark.parametrize("spec", load_feeds().values(), ids=lambda spec: spec.feed)
def test_a_suite_says_what_the_declaration_says(spec: FeedSpec) -> None:
    [suite] = [s for s in load_suites("raw") if s.feed == spec.feed]
    said: dict[str, dict[str, Any]] = {kind: {} for kind in (NOT_NULL, IN_SET, BETWEEN)}
    for expectation in suite.expectations:
        if expectation.is_blocking and expectation.kind in said:
            said[expectation.kind][expectation.kwargs["column"]] = expectation.kwargs

    assert suite.table == f"build.{spec.raw_table}"
    assert {"shop_id", *(c.stored_name for c in spec.columns if c.required)} <= said[NOT_NULL].keys()
    # Where the type of the column is the list of its words, no row can hold another.
    words = {name for name, kind in spec.data_columns if kind.startswith("ENUM")}
    assert {c: tuple(k["value_set"]) for c, k in said[IN_SET].items()} == {
        c.name: c.values for c in spec.columns if c.type == "enum" and c.name not in words
    }
    assert {c: (k.get("min_value"), k.get("max_value")) for c, k in said[BETWEEN].items()} == {
        c.name: (c.min, c.max) for c in spec.columns if c.min is not None or c.max is not None
    }
    names = {expectation.name for expectation in suite.expectations}
    assert {"row_names_its_file", "loaded_rows_are_held"} <= names
    assert names & {"key_is_held_once", "event_was_not_held_before"}
    assert ("users_are_pseudonyms" in names) == (spec.personal is not None)


def test_the_statement_judges_as_the_library_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kind of rule, met and broken, over rows with NULLs: the library's own evaluation is the reference."""
    monkeypatch.setenv("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from great_expectations.core.expectation_suite import ExpectationSuite

    rules: list[tuple[str, dict[str, Any]]] = [
        (NOT_NULL, {"column": "full"}), (NOT_NULL, {"column": "gaps"}),
        (IN_SET, {"column": "word", "value_set": ["a", "it's"]}), (IN_SET, {"column": "word", "value_set": ["a"]}),
        (BETWEEN, {"column": "gaps", "min_value": 1, "max_value": 3}), (BETWEEN, {"column": "gaps", "min_value": 2}),
        (BETWEEN, {"column": "gaps", "max_value": 2}), (BETWEEN, {"column": "full", "min_value": 0.5}),
        (ROW_COUNT, {"min_value": 3}),
        (ROW_COUNT, {"min_value": 4}),
        (ROW_COUNT, {"max_value": 2}),
    ]  # fmt: skip
    frame = pd.DataFrame({"full": [1, 2, 3], "gaps": [1.0, None, 3.0], "word": ["a", "it's", None]})
    written = [
        {"type": kind, "kwargs": kwargs, "meta": {"name": f"rule_{n}"}} for n, (kind, kwargs) in enumerate(rules)
    ]
    batch = (
        gx.get_context(mode="ephemeral").data_sources.add_pandas("p").add_dataframe_asset("a")
        .add_batch_definition_whole_dataframe("b").get_batch({"dataframe": frame})
    )  # fmt: skip
    outcome = batch.validate(ExpectationSuite(name="reference", expectations=written))
    reference = {r.expectation_config.meta["name"]: r.success for r in outcome.results if r.expectation_config}

    expectations = [
        Expectation(f"rule_{n}", "", kind, kwargs, is_blocking=True) for n, (kind, kwargs) in enumerate(rules)
    ]
    with duckdb.connect() as con:
        con.execute(
            "create table t as select * from (values (1, 1.0, 'a'), (2, null, 'it''s'), (3, 3.0, null)) v(\"full\", gaps, word)"
        )
        con.execute("create table evaluated as select 't' as suite")
        [asked] = statements.statements("t", expectations, 0)
        judged = {name: broken == 0 for name, broken in con.execute(asked.sql.format(batch="evaluated")).fetchall()}
    assert judged == reference
    assert set(reference.values()) == {True, False}


def test_every_suite_file_is_one_of_the_library() -> None:
    from great_expectations.core.expectation_suite import ExpectationSuite

    for path in sorted(EXPECTATIONS_DIR.glob("*/*.json")):
        if path.name == "literals.json":
            continue
        written = json.loads(path.read_text("utf-8"))
        columns = [e for e in written["expectations"] if e["type"] != "unexpected_rows_expectation"]
        assert len(ExpectationSuite(name=written["name"], expectations=columns).expectations) == len(columns), path
