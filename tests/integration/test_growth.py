"""Authors, contents and campaigns: held against the oracle, and the same rows by night, at once and rebuilt, while feeds arrive
late, are restated, or are not there at all. The quick tests hold one such shop against it in `test_replay`."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.oracle import compute
from tests.oracle.compare import compare, except_both_ways
from tests.oracle.generate import (
    SMALL,
    Profile,
    as_deliveries,
    current_rows,
    make_history,
    only,
    without_users,
)
from tests.oracle.generate_growth import with_growth
from tests.oracle.nights import pseudonymised, published, rebuild, run_at_once, run_deliveries

Item = tuple[date, str, dict]
MARTS = ("author_performance_daily", "content_performance", "content_mix_daily", "campaign_performance")
LAST = date(2024, 3, 2)
BUSY = Profile(users=30, products=4, days=75, orders_a_day=2.5, events_a_day=24, contents_a_day=0.75)
CROWD = Profile(users=240, products=4, days=45, orders_a_day=9, events_a_day=2)
FEW = Profile(users=8, products=3, days=40, orders_a_day=1, events_a_day=4)


def history(seed: int) -> list[Item]:
    """Shops with all feeds, and shops that lack one or several."""
    rows = with_growth(make_history(seed, [("busy", BUSY), ("crowd", CROWD)], LAST), seed)
    absent = {
        "events_alone": {"traffic_daily"},
        "undescribed": {"contents", "authors", "author_audience"},
        "unspent": {"ad_spend", "users", "refunds"},
    }
    for name, feeds in absent.items():
        rows += with_growth(make_history(seed, [(name, FEW)], LAST), seed, frozenset(feeds))
    rows += without_users(with_growth(make_history(seed, [("nameless", FEW)], LAST), seed, frozenset({"users"})))
    rows += with_growth(only(make_history(seed, [("orders_alone", SMALL)], LAST), {"orders", "refunds"}), seed)
    aggregate = with_growth(make_history(seed, [("aggregate_alone", FEW)], LAST), seed)
    rows += [item for item in aggregate if item[1] != "traffic_events"]
    rows += with_growth(only(make_history(seed, [("unsold", FEW)], LAST), {"traffic_events", "contents"}), seed)
    return rows


@pytest.mark.slow
def test_nights_agree_with_the_oracle_with_one_load_and_with_a_rebuild(tmp_path: Path) -> None:
    nights = [LAST - timedelta(days=n) for n in (30, 9, 1, 0)]
    deliveries = as_deliveries(history(7), nights, 7)
    homes = {name: tmp_path / name for name in ("nightly", "at_once")}
    for home in homes.values():
        home.mkdir()
    run_deliveries(homes["nightly"], deliveries, nights)
    by_night = published(homes["nightly"])
    expected = compute(pseudonymised(current_rows(deliveries)), LAST, marts=MARTS)
    assert all(expected.values())
    assert compare(by_night, expected) == []

    run_at_once(homes["at_once"], deliveries, LAST)
    assert except_both_ways(published(homes["at_once"]), by_night) == []
    rebuild(homes["nightly"], LAST)
    assert except_both_ways(published(homes["nightly"]), by_night) == []
