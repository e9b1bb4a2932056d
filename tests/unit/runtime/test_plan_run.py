"""What a run decides before it builds: its day, from where it goes on, and when everything is computed again."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from pipelines.orchestration.night import Request
from pipelines.orchestration.runner import backfill_requests
from pipelines.warehouse.database import Build, Run, plan_run

BUILT = Build(run_id="before", business_date=date(2025, 3, 10), built_seq=7, rule_version="r1", code_version="c1")
TRIED = Run(
    run_id="before",
    business_date=date(2025, 3, 10),
    previous_date=date(2025, 3, 9),
    built_seq=6,
    current_seq=7,
    started_at=datetime(2025, 3, 11, 2, 30),
    rule_version="r1",
    code_version="c1",
    is_full_refresh=False,
)


def plan(**changes: object) -> Run:
    usual: dict[str, object] = {
        "run_id": "now",
        "wanted": date(2025, 3, 11),
        "started_at": datetime(2025, 3, 12, 2, 30),
        "current_seq": 9,
        "built": BUILT,
        "tried": TRIED,
        "rule_version": "r1",
        "code_version": "c1",
    }
    return plan_run(**(usual | changes))  # type: ignore[arg-type]


def test_a_usual_night_goes_on_from_the_last_build() -> None:
    run = plan()
    assert (run.business_date, run.previous_date) == (date(2025, 3, 11), date(2025, 3, 10))
    assert (run.built_seq, run.current_seq, run.is_full_refresh) == (7, 9, False)


def test_the_first_night_computes_everything() -> None:
    run = plan(built=None, tried=None)
    assert (run.previous_date, run.built_seq, run.is_full_refresh) == (None, 0, True)


def test_an_older_day_republishes_up_to_the_newest_built() -> None:
    run = plan(wanted=date(2025, 1, 1))
    assert (run.business_date, run.is_full_refresh) == (date(2025, 3, 10), False)


@pytest.mark.parametrize("changed", [{"rule_version": "r2"}, {"code_version": "c2"}, {"rebuild": True}])
def test_new_rules_new_code_and_a_rebuild_compute_everything(changed: dict[str, object]) -> None:
    run = plan(**changed)
    assert (run.previous_date, run.built_seq, run.is_full_refresh) == (None, 0, True)


def test_a_rebuild_from_a_day_goes_back_to_the_day_before_it() -> None:
    run = plan(wanted=date(2025, 3, 10), since=date(2025, 3, 1), current_seq=7)
    assert (run.previous_date, run.business_date, run.is_full_refresh) == (date(2025, 2, 28), date(2025, 3, 10), False)


def test_days_long_built_that_come_again_with_new_deliveries_compute_everything() -> None:
    assert plan(wanted=date(2025, 3, 10), since=date(2025, 3, 1)).is_full_refresh


def test_a_day_ahead_of_the_last_build_cannot_skip_days() -> None:
    assert plan(since=date(2025, 3, 12)).previous_date == date(2025, 3, 10)


def test_a_killed_night_starts_again_from_the_same_place() -> None:
    killed = replace(TRIED, run_id="killed", business_date=date(2025, 3, 11), current_seq=9)
    run = plan(tried=killed)
    assert (run.previous_date, run.built_seq, run.is_full_refresh) == (date(2025, 3, 10), 7, False)


@pytest.mark.parametrize(
    "left",
    [
        {"business_date": date(2025, 3, 12)},
        {"rule_version": "r0"},
        {"code_version": "c0"},
        {"is_full_refresh": True},
        {"current_seq": 8},
    ],
    ids=["a later day", "other rules", "other code", "half a full refresh", "fewer deliveries"],
)
def test_what_a_killed_night_may_have_mixed_in_is_computed_again(left: dict[str, object]) -> None:
    killed = replace(TRIED, **({"run_id": "killed", "current_seq": 9} | left))  # type: ignore[arg-type]
    assert plan(tried=killed).is_full_refresh


def test_a_published_full_refresh_is_not_repeated() -> None:
    assert not plan(tried=replace(TRIED, is_full_refresh=True)).is_full_refresh


def test_a_backfill_of_new_days_is_one_night_a_day_and_one_load() -> None:
    assert backfill_requests(date(2025, 3, 1), date(2025, 3, 3), None) == [
        Request(on=date(2025, 3, 1), load=True),
        Request(on=date(2025, 3, 2), load=False),
        Request(on=date(2025, 3, 3), load=False),
    ]


def test_a_backfill_over_built_days_computes_those_together_first() -> None:
    assert backfill_requests(date(2025, 3, 9), date(2025, 3, 11), date(2025, 3, 10)) == [
        Request(on=date(2025, 3, 10), since=date(2025, 3, 9), load=True),
        Request(on=date(2025, 3, 11), load=False),
    ]


@pytest.mark.parametrize(
    ("present", "full"),
    [
        ({("a", "orders", True)}, False),
        ({("a", "orders", True), ("a", "refunds", False)}, True),
        ({("a", "orders", True), ("b", "orders", True), ("b", "refunds", False)}, False),
    ],
    ids=["as before", "a shop gained a feed", "a new shop came"],
)
def test_a_feed_gained_computes_everything_a_new_shop_does_not(present: set[tuple[str, str, bool]], full: bool) -> None:
    built = replace(BUILT, presence=frozenset({("a", "orders", True)}))
    assert plan(built=built, present=frozenset(present)).is_full_refresh is full


def test_the_first_named_user_of_a_feed_computes_everything() -> None:
    built = replace(BUILT, presence=frozenset({("a", "orders", False)}))
    assert plan(built=built, present=frozenset({("a", "orders", True)})).is_full_refresh


@pytest.mark.parametrize(
    ("start", "full"), [(date(2025, 3, 10), False), (date(2025, 3, 11), True), (date(2025, 3, 12), False)]
)
def test_a_rule_that_starts_to_hold_computes_everything(start: date, full: bool) -> None:
    assert plan(rules_start={date(2020, 1, 1), start}).is_full_refresh is full
