"""Random histories over several nights, the last publication held against the oracle, row for row.

The quick tests hold smaller ones against it in `test_replay`."""

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
    as_deliveries,
    current_rows,
    make_history,
    only,
    with_aggregate,
    without_users,
)
from tests.oracle.nights import pseudonymised, published, run_deliveries

Item = tuple[date, str, Row]


def rows_of(seed: int, last: date) -> list[Item]:
    """Shops of every kind, some large enough for scores at each grain: complete, without users, with orders alone, with
    traffic alone, with aggregated traffic."""
    rows = make_history(seed, [("middle", MIDDLE), ("weekly", WEEKLY), ("daily", DAILY)], last)
    rows += without_users(make_history(seed, [("nameless", SMALL)], last))
    rows += only(make_history(seed, [("orders_only", SMALL)], last), {"orders"})
    rows += only(make_history(seed, [("traffic_only", SMALL)], last), {"traffic_events", "contents", "products"})
    rows += with_aggregate(make_history(seed, [("aggregate", SMALL), ("aggregate_weekly", WEEKLY)], last), seed)
    return rows


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "is_backfill"), [(21, False), (22, True)])
def test_random_shops_over_several_nights(tmp_path: Path, seed: int, is_backfill: bool) -> None:
    """A backfill finds every file there before its first night: most rows lie months ahead of it, and each night they come up."""
    last = date(2024, 2, 29) + timedelta(days=seed * 31)
    nights = [last - timedelta(days=n) for n in (200, 45, 3, 1, 0)]
    deliveries = as_deliveries(rows_of(seed, last), nights[-1:] if is_backfill else nights, seed)
    run_deliveries(tmp_path, deliveries, nights)
    problems = compare(published(tmp_path), compute(pseudonymised(current_rows(deliveries)), nights[-1]))
    assert not problems, "\n".join(problems)
