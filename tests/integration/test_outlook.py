"""Health, forecast and segments of shops with enough users for them: held against the oracle, and the same rows by night and at
once, while campaigns and benchmarks of the past arrive late."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.oracle import compute
from tests.oracle.compare import compare, except_both_ways
from tests.oracle.examples import event, order, refund
from tests.oracle.facts import Row
from tests.oracle.generate import (
    SMALL,
    Delivery,
    as_deliveries,
    current_rows,
    make_history,
    only,
    without_users,
)
from tests.oracle.nights import pseudonymised, published, run_at_once, run_deliveries

Item = tuple[date, str, Row]
MARTS = ("audience_health_daily", "audience_forecast", "audience_segments", "audience_segment_members")
LAST = date(2024, 3, 2)
FIRST = LAST - timedelta(days=79)
NIGHTS = [LAST - timedelta(days=n) for n in (20, 1, 0)]


def crowd(shop: str, seed: int) -> list[Item]:
    """Over 1,000 users in each layer most of the time: shown something every fortnight, clicking every three weeks,
    buying in the first days; and some who are seen once and fade."""
    rng = random.Random(f"crowd/{seed}")
    rows: list[Item] = []

    def put(on: date, feed: str, row: Row) -> None:
        late = rng.choice([0, 0, 0, 0, 0, 0, 3, 30])
        rows.append((min(LAST, on + timedelta(days=late)), feed, row))

    def seen(event_type: str, user: str, on: date) -> None:
        if FIRST <= on <= LAST:
            more = {"scene": "live"} if rng.random() < 0.5 else {}
            if event_type == "product_click":
                more["product_id"] = rng.choice(["P1", "P2"])
            put(on, "traffic_events", event(shop, event_type, user, f"{on} 12:00", **more))

    def often(event_type: str, user: str, pause: int) -> None:
        on = FIRST + timedelta(days=rng.randrange(3))
        while on <= LAST:
            seen(
                event_type
                if rng.random() < (0.93 if event_type == "impression" else 0.75)
                else rng.choice(["like", "follow", "share"]),
                user,
                on,
            )
            on += timedelta(days=pause + rng.randrange(4))

    for number in range(1400):
        often("impression", f"{shop}-shown-{number}", 12)
    for number in range(1200):
        often("product_click", f"{shop}-asks-{number}", 21)
    for number in range(1150):
        user = f"{shop}-buys-{number}"
        days = [rng.randrange(4), *([rng.randrange(4, 80)] if rng.random() < 0.4 else [])]
        for part, after in enumerate(days):
            on = FIRST + timedelta(days=after)
            put(on, "orders", order(shop, f"{number}-{part}", user, f"{on} 12:00", rng.choice([100, 320])))
            if rng.random() < 0.1:
                back = min(LAST, on + timedelta(days=9))
                put(back, "refunds", refund(shop, f"{number}-{part}", f"{number}-{part}", f"{back} 12:00", 100))
    for number in range(600):
        seen("view", f"{shop}-fades-{number}", FIRST + timedelta(days=25 + number // 30))
    return rows


def outside(shop: str) -> list[Item]:
    """A campaign and industry lines that are delivered when the days they speak of are long past, one restated."""

    def line(indicator: str, average: str, first: date, last: date | None = None) -> Row:
        return {
            "shop_id": shop,
            "subject": "audience",
            "indicator": indicator,
            "grain": "day",
            "floor": Decimal("0.001"),
            "average": Decimal(average),
            "excellent": Decimal("0.999"),
            "source": "an association",
            "valid_from": first,
            "valid_to": last,
        }

    def campaign(name: str, warm_up: date | None, starts: date, ends: date) -> Row:
        return {
            "shop_id": shop,
            "campaign_id": name,
            "name": name,
            "warm_up_on": warm_up,
            "starts_on": starts,
            "ends_on": ends,
        }

    half = FIRST + timedelta(days=40)
    return [
        (LAST - timedelta(days=20), "campaigns", campaign("K1", None, half, half + timedelta(days=2))),
        (LAST - timedelta(days=1), "campaigns", campaign("K1", half - timedelta(days=5), half, half)),
        (LAST, "campaigns", campaign("K2", None, LAST, LAST + timedelta(days=300))),
        (LAST - timedelta(days=20), "benchmarks", line("deep_share", "0.6", FIRST, FIRST + timedelta(days=60))),
        (LAST - timedelta(days=1), "benchmarks", line("deep_share", "0.95", FIRST + timedelta(days=50))),
        (LAST, "benchmarks", line("up_rate_4", "0.123", FIRST)),
    ]


@pytest.fixture(scope="module")
def deliveries() -> list[Delivery]:
    rows = crowd("crowd", 3) + outside("crowd")
    rows += make_history(3, [("small", SMALL)], LAST)
    rows += without_users(make_history(3, [("nameless", SMALL)], LAST)) + outside("nameless")[:4]
    rows += only(make_history(3, [("orders_only", SMALL)], LAST), {"orders"})
    return as_deliveries(rows, NIGHTS, 3)


@pytest.fixture(scope="module")
def expected(deliveries: list[Delivery]) -> dict[str, list[Row]]:
    return compute(pseudonymised(current_rows(deliveries)), LAST, marts=MARTS)


@pytest.fixture(scope="module")
def at_once(deliveries: list[Delivery], tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("at_once")
    run_at_once(home, deliveries, LAST)
    return published(home)


def test_the_crowd_is_large_enough_to_prove_something(expected: dict[str, list[Row]]) -> None:
    health = [row for row in expected["audience_health_daily"] if row["shop_id"] == "crowd"]
    for column in ("deep_share", "a3_ratio", "a5_ratio", "up_rate_1", "up_rate_3", "up_rate_4", "benchmark_up_rate_1"):
        assert any(row[column] is not None for row in health), column
    assert {row["leaky"] for row in health} == {None, True, False}
    assert {row["a3_thin"] for row in health} >= {None, False}
    assert len({row["bottleneck"] for row in health}) >= 2
    assert {row["data_status"] for row in expected["audience_health_daily"]} == {"ok", "missing_source"}
    sizes = {(row["shop_id"], row["segment"]): row for row in expected["audience_segments"]}
    assert {row["data_status"] for row in sizes.values()} == {"ok", "insufficient", "missing_source"}
    assert all(row["holdout_users"] for (shop, _), row in sizes.items() if shop == "crowd")
    assert any(row["backtest_error"] for row in expected["audience_forecast"])


def test_one_load_agrees_with_the_oracle(at_once: Path, expected: dict[str, list[Row]]) -> None:
    assert compare(at_once, expected) == []


@pytest.mark.slow
def test_nights_agree_with_one_load(at_once: Path, deliveries: list[Delivery], tmp_path: Path) -> None:
    run_deliveries(tmp_path, deliveries, NIGHTS)
    assert except_both_ways(at_once, published(tmp_path)) == []
