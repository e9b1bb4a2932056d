"""Experience marts of random shops after several nights, held against the oracle row for row, and replayed at once."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.oracle import compute
from tests.oracle.compare import compare, except_both_ways
from tests.oracle.generate import Profile, as_deliveries, current_rows, make_history, only
from tests.oracle.generate_service import with_service
from tests.oracle.nights import pseudonymised, published, run_at_once, run_deliveries

MARTS = ("experience_score_daily", "experience_score_indicators", "complaint_rates_daily")
BUSY = Profile(users=12, products=6, days=75, orders_a_day=3, events_a_day=1)
QUIET = Profile(users=6, products=6, days=60, orders_a_day=0.6, events_a_day=1)


def history(seed: int, last: date) -> list[tuple[date, str, dict]]:
    """Shops over and under the gate of 30 orders, and shops that lack a feed each."""
    rows = with_service(make_history(seed, [("busy", BUSY), ("quiet", QUIET)], last), seed)
    rows += with_service(only(make_history(seed, [("bare", BUSY)], last), {"orders"}), seed, thorough=False)
    rows += with_service(
        only(make_history(seed, [("refunds", BUSY)], last), {"orders", "refunds"}), seed, thorough=False
    )
    for feed in ("service_sessions", "reviews", "refunds"):
        shop = with_service(make_history(seed, [(f"no_{feed}", BUSY)], last), seed)
        rows += only(shop, {"orders", "refunds", "reviews", "service_sessions", "nps_surveys", "benchmarks"} - {feed})
    rows += only(make_history(seed, [("traffic_only", QUIET)], last), {"traffic_events", "reviews"})
    return rows


def check(folder: Path, seed: int, nights: list[date]) -> None:
    deliveries = as_deliveries(history(seed, nights[-1]), nights, seed)
    run_deliveries(folder / "nightly", deliveries, nights)
    expected = compute(pseudonymised(current_rows(deliveries)), nights[-1], marts=MARTS)
    # Nothing of this is worth much if no shop is ever scored.
    statuses = {row["data_status"] for row in expected["experience_score_daily"]}
    assert statuses == {"ok", "insufficient", "missing_source"}
    problems = compare(published(folder / "nightly"), expected)
    assert not problems, "\n".join(problems)
    run_at_once(folder / "at_once", deliveries, nights[-1])
    assert except_both_ways(published(folder / "nightly"), published(folder / "at_once")) == []


@pytest.mark.slow
def test_experience_of_random_shops(tmp_path: Path) -> None:
    last = date(2024, 3, 10)
    check(tmp_path, 5, [last - timedelta(days=n) for n in (21, 4, 0)])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [41])
def test_experience_night_after_night(tmp_path: Path, seed: int) -> None:
    last = date(2024, 3, 10) + timedelta(days=seed)
    check(tmp_path, seed, [last - timedelta(days=n) for n in (50, 35, *range(12, -1, -1))])
