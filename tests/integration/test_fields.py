"""Paths, sources, synergy and the field matrix: held against the oracle, and the same rows by night, at once and
rebuilt, while authors become own accounts and contents appear under touches that are long past."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipelines.orchestration.night import Request
from tests.oracle import compute
from tests.oracle.compare import compare, except_both_ways, read_mart
from tests.oracle.fields import PULL, PUSH
from tests.oracle.generate import (
    SMALL,
    Profile,
    as_deliveries,
    current_rows,
    make_history,
    only,
    with_aggregate,
    without_users,
    write,
)
from tests.oracle.generate_turns import with_turns
from tests.oracle.nights import pseudonymised, published, rebuild, run_at_once, run_deliveries, run_nights

Item = tuple[date, str, dict]
MARTS = ("purchase_path_daily", "traffic_source_daily", "synergy_daily", "synergy_matrix_daily", "field_matrix_daily")
LAST = date(2024, 3, 2)
YOUNG = Profile(users=8, products=4, days=50, orders_a_day=1.5, events_a_day=9)


def marketed(rows: list[Item], seed: int) -> list[Item]:
    """The same history with every entry, with campaigns and ads, and with products on the touches."""
    rng = random.Random(f"marketed/{seed}")
    entries: list[str | None] = [None, None, "other", "paid", *sorted(PULL), *sorted(PUSH)]
    chosen: dict[tuple, dict] = {}
    made = []
    for day, feed, row in rows:
        if feed == "orders":
            key = (row["shop_id"], row["order_line_id"])
            chosen.setdefault(
                key,
                {
                    "entry": rng.choice(entries),
                    "author_id": rng.choice([None, "A1", "A2", "A3", "A4", "A5"]),
                    "campaign_id": rng.choice([None, None, "K1"]),
                    "ad_id": rng.choice([None, None, None, "D1"]),
                },
            )
            row = row | chosen[key]
        elif feed == "traffic_events":
            more = {"author_id": rng.choice([None, "A1", "A2", "A4", "A5"])}
            more["campaign_id"] = rng.choice([None, None, None, "K1"])
            if row["product_id"] is None and rng.random() < 0.6:
                more["product_id"] = f"P{rng.randrange(3):02d}"
            row = row | more
        made.append((day, feed, row))
    return made


def turning_authors(shop: str, first: date, last: date) -> list[Item]:
    """A4 becomes an own account halfway; A2's first snapshot comes late and is restated; nobody describes A5."""
    half = first + (last - first) / 2

    def snapshot(author: str, on: date, is_own: bool | None, followers: int | None, celebrity: bool | None) -> dict:
        return {
            "shop_id": shop,
            "author_id": author,
            "snapshot_on": on,
            "name": author,
            "is_own": is_own,
            "is_celebrity": celebrity,
            "followers": followers,
        }

    return [
        (first, "authors", snapshot("A4", first, False, 999_999, None)),
        (half, "authors", snapshot("A4", half, True, 1_000_000, None)),
        (last - timedelta(days=1), "authors", snapshot("A4", last - timedelta(days=9), None, 1_000_000, None)),
        (half, "authors", snapshot("A2", first + timedelta(days=9), False, 5, True)),
        (last, "authors", snapshot("A2", first + timedelta(days=9), True, None, None)),
    ]


def history(seed: int) -> list[Item]:
    rows: list[Item] = []
    for name in ("plain", "turning"):
        rows += make_history(seed, [(name, YOUNG)], LAST)
    rows += turning_authors("turning", LAST - timedelta(days=49), LAST)
    rows += without_users(make_history(seed, [("nameless", YOUNG)], LAST))
    rows += only(make_history(seed, [("orders_only", SMALL)], LAST), {"orders", "refunds"})
    rows += only(make_history(seed, [("traffic_only", YOUNG)], LAST), {"traffic_events", "contents"})
    rows += with_aggregate(make_history(seed, [("aggregate", YOUNG)], LAST), seed)
    return with_turns(marketed(rows, seed), seed)


@pytest.mark.slow
def test_nights_agree_with_the_oracle_with_one_load_and_with_a_rebuild(tmp_path: Path) -> None:
    nights = [LAST - timedelta(days=n) for n in (30, 9, 8, 1, 0)]
    deliveries = as_deliveries(history(5), nights, 5)
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


@pytest.mark.slow
def test_lines_turn_with_what_is_told_later(tmp_path: Path) -> None:
    """A shop without events, so that a night computes no pay date but those that lines and authors name themselves."""
    quiet = Profile(users=9, products=5, days=105, orders_a_day=2.5, events_a_day=0)
    nights = [LAST - timedelta(days=4), LAST]
    feeds = {"orders", "refunds", "authors", "contents"}
    rows = with_turns(only(make_history(6, [("quiet", quiet)], LAST), feeds), 6)
    deliveries = as_deliveries(rows, nights, 6)
    run_deliveries(tmp_path, deliveries, nights)
    expected = compute(
        pseudonymised(current_rows(deliveries)), LAST, marts=("purchase_path_daily", "field_matrix_daily")
    )
    assert all(expected.values())
    assert compare(published(tmp_path), expected) == []


def crowd(day: date) -> list[Item]:
    """Four arms of 1,000 to 4,000 known users whose buyers are counted on paper below."""
    arms = {"none": (2000, 40), "own": (2000, 200), "ad": (1000, 100), "both": (4000, 1400)}
    touched = day + timedelta(days=31)
    rows: list[Item] = []
    number = 0
    for arm, (users, buyers) in arms.items():
        for n in range(users):
            number += 1
            user = f"{arm}{n}"
            touches = {
                "none": [(day, "view", None)],
                "own": [(touched, "view", None)],
                "ad": [(touched, "view", "K1")],
                "both": [(touched, "view", None), (touched, "share", "K1")],
            }[arm]
            for place, (on, kind, campaign) in enumerate(touches):
                rows.append(
                    (
                        on,
                        "traffic_events",
                        {
                            "shop_id": "crowd",
                            "event_id": f"{number}-{place}",
                            "occurred_at": datetime(on.year, on.month, on.day, 9),
                            "event_type": kind,
                            "user_id": user,
                            "scene": "live",
                            "author_id": "stranger" if campaign else None,
                            "campaign_id": campaign,
                        },
                    )
                )
            if n < buyers:
                rows.append(
                    (
                        touched,
                        "orders",
                        {
                            "shop_id": "crowd",
                            "order_line_id": f"L{number}",
                            "order_id": f"L{number}",
                            "user_id": user,
                            "product_id": "P",
                            "quantity": 1,
                            "paid_amount": Decimal("10.00"),
                            "created_at": datetime(touched.year, touched.month, touched.day, 10),
                            "paid_at": datetime(touched.year, touched.month, touched.day, 10),
                            "status": "paid",
                            "scene": "live",
                        },
                    )
                )
    return rows


def sold(day: int, **more: Any) -> Item:
    """A line of 10 yuan in the live on a day of January 2024, by its day, as it was first told."""
    paid = datetime(2024, 1, day, 10)
    line = {
        "shop_id": "told",
        "order_line_id": f"L{day}",
        "order_id": f"L{day}",
        "user_id": f"buyer{day}",
        "product_id": "P",
        "quantity": 1,
        "paid_amount": Decimal("10.00"),
        "created_at": paid,
        "paid_at": paid,
        "status": "paid",
        "scene": "live",
        "updated_at": paid,
    }
    return (paid.date(), "orders", line | more)


def described(told: date, author: str, since: int, **more: Any) -> Item:
    """What is told of an author, as of a day of January 2024."""
    row = {"shop_id": "told", "author_id": author, "snapshot_on": date(2024, 1, since), "name": author, "is_own": False}
    return (told, "authors", row | {"is_celebrity": False, "followers": 10} | more)


def showed(told: date, content: str, published: int) -> Item:
    row = {"shop_id": "told", "content_id": content, "content_type": "short_video", "author_id": "known"}
    return (told, "contents", row | {"published_at": datetime(2024, 1, published, 9)})


def told_otherwise(night: date) -> list[Item]:
    """Fourteen lines of January, and what the last night alone is told of them, each of another day."""
    first, newer = date(2024, 1, 1), {"updated_at": datetime(2024, 2, 1, 12)}
    rows = [sold(2, author_id="rising"), sold(3, entry="recommend"), sold(4), sold(5)]
    rows += [sold(6, author_id="rising"), sold(7, author_id="bought"), sold(8, author_id="unheard")]
    rows += [sold(9, author_id="known", content_id="new"), sold(10, author_id="known", content_id="moved")]
    rows += [sold(11, author_id="known", content_id="old"), sold(12, author_id="fallen"), sold(13, author_id="fallen")]
    rows += [sold(14, author_id="brand"), sold(15, author_id="bought", content_id="old")]
    rows += [described(first, "rising", 1), described(first, "bought", 1), described(first, "brand", 1, is_own=True)]
    rows += [described(first, "known", 1), described(first, "known", 5, followers=1_000_000)]
    rows += [described(first, "fallen", 13, is_celebrity=True), showed(first, "moved", 4), showed(first, "old", 4)]

    rows += [(night, "orders", sold(day)[2] | change | newer) for day, change in (
        (3, {"entry": "cart"}), (4, {"campaign_id": "K"}), (5, {"ad_id": "D"}),
    )]  # fmt: skip
    rows += [described(night, "rising", 6, followers=1_000_000), described(night, "bought", 7, is_own=True)]
    rows += [described(night, "unheard", 31, is_celebrity=True), described(night, "fallen", 13, followers=999_999)]
    return [*rows, described(night, "brand", 14, is_own=True, followers=9_000_000), showed(night, "new", 2),
        showed(night, "moved", 6)]  # fmt: skip


def test_lift_of_a_crowd_worked_out_by_hand(tmp_path: Path) -> None:
    """p0 40/2000, p_e 200/2000, p_m 100/1000, p_em 1400/4000: expected 1 - 0.9 x 0.9 / 0.98 = 17/98, lift 0.35 x 98/17.

    Variance of ln(lift): 0.65 / (0.35 x 4000) and, over (17/98)^2, (0.9/0.98)^2 x (0.09/2000 + 0.09/1000) for the two
    single touches and (0.81/0.98^2)^2 x 0.0196/2000 for neither: standard error 0.0669304.
    """
    first = date(2024, 1, 1)
    night = first + timedelta(days=31)
    nights = [night - timedelta(days=1), night]
    deliveries = as_deliveries(crowd(first) + told_otherwise(night), nights)
    run_nights(
        tmp_path,
        [Request(on=on) for on in nights],
        lambda position: write(
            [d for d in deliveries if d.night == position], tmp_path / "landing", 1 + 100 * position
        ),
    )
    lines_are_of_the_class_that_the_last_night_was_told(published(tmp_path))
    rows = {r["business_date"]: r for r in read_mart(published(tmp_path), "synergy_daily") if r["shop_id"] == "crowd"}
    assert {r["data_status"] for day, r in rows.items() if day < night} == {"insufficient"}
    row = rows[night]
    assert (row["verdict"], row["data_status"]) == ("synergy", "ok")
    assert [row[f"{arm}_users"] for arm in ("neither", "own", "marketing", "both")] == [2000, 2000, 1000, 4000]
    assert [row[c] for c in ("p0", "p_e", "p_m", "p_em")] == [0.02, 0.1, 0.1, 0.35]
    assert abs(row["expected"] - 17 / 98) < 1e-12
    assert abs(row["lift"] - 0.35 * 98 / 17) < 1e-12
    assert abs(row["lower_95"] - 1.769591) < 1e-6
    assert abs(row["upper_95"] - 2.300475) < 1e-6
    matrix = {
        (r["operating_function"], r["marketing_function"]): r
        for r in read_mart(published(tmp_path), "synergy_matrix_daily")
        if r["shop_id"] == "crowd" and r["business_date"] == night
    }
    # Only the buyers touched by both have a cell with two functions: 1,400 of 1,740 lines.
    assert matrix["live", "author"]["paid_amount"] == matrix["live", "campaign"]["paid_amount"] == Decimal("14000.00")
    assert abs(matrix["live", "author"]["share"] - 1400 / 1740) < 1e-12
    assert matrix["live", "ad"]["paid_amount"] == matrix["mall", "author"]["paid_amount"] == Decimal("0.00")


def lines_are_of_the_class_that_the_last_night_was_told(file: Path) -> None:
    """One line a day; of those that nothing was told of, and of what says the same, the class stays."""
    field_class = {
        r["business_date"].day: r["field_class"]
        for r in read_mart(file, "field_matrix_daily")
        if r["shop_id"] == "told" and r["paid_amount"] > 0
    }
    assert field_class == {
        2: "author_matrix",  # rising is famous since the 6th
        3: "shelf",
        4: "campaign",
        5: "shelf",
        6: "head_author",
        7: "own",  # since the 7th
        8: "head_author",  # its first snapshot speaks for all days before
        9: "author_matrix",  # the content turns out to be older than the fame
        10: "head_author",  # the content turns out to be younger
        11: "author_matrix",
        12: "author_matrix",  # never was a celebrity
        13: "author_matrix",
        14: "own",
        15: "author_matrix",  # of a content before it was bought
    }
    paths = {r["business_date"].day: r for r in read_mart(file, "purchase_path_daily") if r["shop_id"] == "told"}
    assert {day: r["path_class"] for day, r in paths.items() if day in (3, 4)} == {3: "pure_pull", 4: "unknown"}
    without_marketing = {day for day, r in paths.items() if r["marketing_amount"] == 0}
    assert without_marketing == {3, 7, 14}
