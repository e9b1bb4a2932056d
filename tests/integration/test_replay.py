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
from tests.oracle.facts import Row
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
from tests.oracle.generate_growth import with_growth
from tests.oracle.generate_turns import with_turns
from tests.oracle.nights import pseudonymised, published, rebuild, run_at_once, run_deliveries, run_nights

TINY = Profile(users=7, products=6, days=45, orders_a_day=0.8, events_a_day=3)
# Some shops are young, some so old that windows have closed behind them and most users are seldom heard of.
SIZES = (TINY, SMALL, Profile(users=60, products=7, days=105, orders_a_day=0.7, events_a_day=2))


def rows_of(seed: int, histories: int, last: date) -> list[tuple[date, str, Row]]:
    """Shops of every kind: complete (one with campaigns, costs and profiles too), without users, with orders alone, with
    aggregated traffic beside events; in all of them lines, authors and contents are told otherwise in the last days."""
    shops = [(f"shop{n:03d}", SIZES[n % len(SIZES)]) for n in range(histories)]

    def history(some: list[tuple[str, Profile]]) -> list[tuple[date, str, Row]]:
        return with_turns(make_history(seed, some, last), seed)

    rows = with_growth(history(shops[:1]), seed) + history(shops[1:-3])
    rows += without_users(history(shops[-3:-2]))
    rows += only(history(shops[-2:-1]), {"orders", "refunds"})
    return rows + with_aggregate(history(shops[-1:]), seed)


def replay(
    folder: Path, seed: int, histories: int, nights: Sequence[date], shuffled_nights: Sequence[date], thorough: bool
) -> None:
    """Both lists of nights rise and end on the same day; `shuffled_nights` may repeat it for what was held back."""
    last = nights[-1]
    rows = rows_of(seed, histories, last)
    ordered = as_deliveries(rows, list(nights), seed)
    moved = shuffled(as_deliveries(rows, list(shuffled_nights), seed), len(shuffled_nights), seed)
    homes = {name: folder / name for name in ("at_once", "nightly", "shuffled")}
    for home in homes.values():
        home.mkdir()

    run_at_once(homes["at_once"], ordered, last)
    expected = published(homes["at_once"])
    problems = compare(expected, compute(pseudonymised(current_rows(ordered)), last))
    assert not problems, "\n".join(problems)

    run_deliveries(homes["nightly"], ordered, nights)
    assert except_both_ways(expected, published(homes["nightly"])) == []
    run_deliveries(homes["shuffled"], moved, shuffled_nights)
    assert except_both_ways(expected, published(homes["shuffled"])) == []

    # A night for a day long built republishes up to the newest (R111); the same night again changes nothing.
    again = [last - timedelta(days=9), last] if thorough else [last - timedelta(days=9)]
    run_nights(homes["nightly"], [Request(on=on) for on in again])
    assert except_both_ways(expected, published(homes["nightly"])) == []
    for name in ("nightly", "shuffled") if thorough else ("shuffled",):
        rebuild(homes[name], last)
        assert except_both_ways(expected, published(homes[name])) == []


def test_replay(tmp_path: Path) -> None:
    last = date(2024, 3, 2)
    replay(tmp_path, 1, 7, [last - timedelta(days=4), last], [last, last], thorough=False)


@pytest.mark.slow
@pytest.mark.longest
@pytest.mark.parametrize("seed", [101, 102, 103, 104])
def test_a_hundred_histories(tmp_path: Path, seed: int) -> None:
    """Four rounds of 26 histories, over month ends and a leap day."""
    last = date(2024, 1, 31) + timedelta(days=29 * (seed - 101))
    nights = [last - timedelta(days=n) for n in (70, 33, 32, 3, 1, 0)]
    replay(tmp_path, seed, 26, nights, [last - timedelta(days=n) for n in (33, 5, 0, 0)], thorough=True)
