"""Replay equality: the same deliveries in one load, night by night, shuffled with late and restated files, and rebuilt,
give identical marts, row for row. A shop is a history; many ride in one home."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines.orchestration.night import Request
from tests.oracle import compute
from tests.oracle.compare import compare, except_both_ways
from tests.oracle.generate import (
    SMALL,
    Profile,
    as_deliveries,
    current_rows,
    make_history,
    only,
    shuffled,
    with_aggregate,
    without_users,
)
from tests.oracle.nights import pseudonymised, published, rebuild, run_at_once, run_deliveries, run_nights

TINY = Profile(users=7, products=6, days=45, orders_a_day=0.8, events_a_day=3)
# Some shops are young, some so old that windows have closed behind them.
SIZES = (TINY, SMALL, Profile(users=9, products=7, days=105, orders_a_day=0.7, events_a_day=2))


def replay(folder: Path, seed: int, histories: int, nights: Sequence[date], late_nights: int) -> None:
    """`nights` rise; then `late_nights` more nights of the last day bring what was held back."""
    last = nights[-1]
    shops = [(f"shop{n:03d}", SIZES[n % len(SIZES)]) for n in range(histories)]
    rows = make_history(seed, shops[:-3], last)
    rows += without_users(make_history(seed, shops[-3:-2], last))
    rows += only(make_history(seed, shops[-2:-1], last), {"orders", "refunds"})
    rows += with_aggregate(make_history(seed, shops[-1:], last), seed)

    ordered = as_deliveries(rows, list(nights), seed)
    all_nights = [*nights, *[last] * late_nights]
    moved = shuffled(ordered, len(all_nights), seed)

    homes = {name: folder / name for name in ("at_once", "nightly", "shuffled")}
    for home in homes.values():
        home.mkdir()
    run_at_once(homes["at_once"], ordered, last)
    run_deliveries(homes["nightly"], ordered, nights)
    by_night = published(homes["nightly"])
    run_deliveries(homes["shuffled"], moved, all_nights)

    expected = published(homes["at_once"])
    assert compare(expected, compute(pseudonymised(current_rows(ordered)), last)) == []
    assert except_both_ways(expected, by_night) == []
    assert except_both_ways(expected, published(homes["shuffled"])) == []

    # The same night again, and a night for a day long built (R111), change nothing.
    run_nights(homes["nightly"], [Request(on=last), Request(on=last - timedelta(days=9))])
    assert except_both_ways(expected, published(homes["nightly"])) == []
    for name in ("nightly", "shuffled"):
        rebuild(homes[name], last)
        assert except_both_ways(expected, published(homes[name])) == []


def test_replay(tmp_path: Path) -> None:
    last = date(2024, 3, 2)
    nights = [last - timedelta(days=n) for n in (31, 4, 0)]
    replay(tmp_path, seed=1, histories=6, nights=nights, late_nights=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [101, 102, 103, 104])
def test_a_hundred_histories(tmp_path: Path, seed: int) -> None:
    """Four rounds of 26 histories, over month ends and a leap day."""
    last = date(2024, 1, 31) + timedelta(days=29 * (seed - 101))
    nights = [last - timedelta(days=n) for n in (70, 33, 32, 15, 14, 3, 2, 1, 0)]
    replay(tmp_path, seed, histories=26, nights=nights, late_nights=3)
