"""Random histories, every night's marts held against the oracle, row for row."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.oracle import compute
from tests.oracle.compare import compare
from tests.oracle.facts import Row
from tests.oracle.generate import (
    DAILY,
    MIDDLE,
    SMALL,
    WEEKLY,
    Delivery,
    as_deliveries,
    current_rows,
    make_history,
    only,
    with_aggregate,
    without_users,
)
from tests.oracle.nights import pseudonymised, published, run_deliveries

Item = tuple[date, str, Row]


def rows_of(seed: int, last: date, large: bool) -> list[Item]:
    """Shops of every kind: complete, without users, with orders alone, with traffic alone, with aggregated traffic."""
    rows = make_history(seed, [("small", SMALL), ("middle", MIDDLE)], last)
    rows += without_users(make_history(seed, [("nameless", SMALL)], last))
    rows += only(make_history(seed, [("orders_only", SMALL)], last), {"orders"})
    rows += only(make_history(seed, [("traffic_only", SMALL)], last), {"traffic_events", "contents", "products"})
    rows += with_aggregate(make_history(seed, [("aggregate", SMALL)], last), seed)
    if large:
        rows += make_history(
            seed, [("weekly", WEEKLY), ("daily", DAILY), ("small_2", SMALL), ("middle_2", MIDDLE)], last
        )
        rows += with_aggregate(make_history(seed, [("aggregate_weekly", WEEKLY)], last), seed)
    return rows


def check(home: Path, seed: int, last: date, nights: list[date], large: bool) -> None:
    deliveries: list[Delivery] = as_deliveries(rows_of(seed, last, large), nights, seed)
    run_deliveries(home, deliveries, nights)
    problems = compare(published(home), compute(pseudonymised(current_rows(deliveries)), nights[-1]))
    assert not problems, "\n".join(problems)


def test_random_shops(tmp_path: Path) -> None:
    last = date(2024, 3, 10)
    check(tmp_path, 11, last, [last - timedelta(days=5), last], large=False)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [21, 22, 23])
def test_large_random_shops_over_several_nights(tmp_path: Path, seed: int) -> None:
    last = date(2024, 2, 29) + timedelta(days=seed * 31)
    nights = [last - timedelta(days=n) for n in (200, 45, 44, 31, 3, 2, 1, 0)]
    check(tmp_path, seed, last, nights, large=True)
