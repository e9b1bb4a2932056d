"""Fans, members, lucky bags, cohorts and customers: held against the oracle and against paper, and (slow) the same rows by
night, at once and rebuilt, while contents move, members leave and bags are corrected long after the day."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.oracle import compute
from tests.oracle.compare import compare, except_both_ways, read_mart
from tests.oracle.facts import Row
from tests.oracle.generate import (
    Delivery,
    Profile,
    as_deliveries,
    current_rows,
    make_history,
    moment,
    only,
    with_aggregate,
    without_users,
)
from tests.oracle.nights import (
    pseudonym,
    pseudonymised,
    published,
    rebuild,
    run_at_once,
    run_deliveries,
    shared_home,
)

Item = tuple[date, str, Row]
MARTS = ("fan_member_daily", "lucky_bag_daily", "cohort_value", "customer_value")
LAST = date(2024, 2, 29)
EARLY = LAST - timedelta(days=16)
YOUNG = Profile(users=9, products=4, days=75, orders_a_day=1.6, events_a_day=6)
SHORT = Profile(users=6, products=4, days=30, orders_a_day=1, events_a_day=3)


def dressed(rows: list[Item], seed: int, margins: bool = True) -> list[Item]:
    """The same history with more of what is looked at here, and with members, bags and margins around it."""
    rng = random.Random(f"value/{seed}")
    made: list[Item] = []
    contents: dict[tuple[str, str], Row] = {}
    users: set[tuple[str, str]] = set()
    for day, feed, row in rows:
        if feed == "traffic_events":
            kind = rng.choice([row["event_type"], "view", "view", "lucky_bag_join", "follow", "fan_club_join"])
            row = row | {"event_type": kind, "scene": rng.choice([row["scene"], "live", "live"])}
            if row["user_id"] is not None:
                users.add((row["shop_id"], row["user_id"]))
        elif feed == "contents":
            contents[row["shop_id"], row["content_id"]] = row
            if rng.random() < 0.2:  # moved weeks later: the status of its viewers on old days is another
                moved = row | {"published_at": row["published_at"] + timedelta(hours=rng.choice([-30, -1, 1, 30]))}
                made.append((LAST, feed, moved))
        elif feed == "products" and margins:
            row = row | {
                "margin_rate": rng.choice([None, Decimal("0.35"), Decimal("0.2"), Decimal("0")]),
                "unit_cost": rng.choice([None, Decimal("3.10"), Decimal("999.99")]),
            }
        made.append((day, feed, row))
    for (shop, user), number in zip(sorted(users), range(10_000), strict=False):
        if number % 4:
            made += membership(rng, shop, user, [c for (s, _), c in contents.items() if s == shop])
    for shop in sorted({shop for shop, _ in contents}):
        made += bags(rng, [c for (s, _), c in contents.items() if s == shop])
    return made


def near(rng: random.Random, starts: list[datetime]) -> datetime:
    """A second on, before or after one of the starts, else any."""
    if starts and rng.random() < 0.8:
        return rng.choice(starts) + timedelta(seconds=rng.choice([-1, 0, 0, 1, -90_000]))
    return moment(rng, LAST - timedelta(days=rng.randrange(90)))


def membership(rng: random.Random, shop: str, user: str, contents: list[Row]) -> list[Item]:
    starts = [c["published_at"] for c in contents]
    joined = near(rng, starts)
    row: Row = {"shop_id": shop, "user_id": user, "joined_at": joined, "left_at": None, "level": "1"}
    rows: list[Item] = []
    if joined.date() <= LAST:
        rows.append((rng.choice([joined.date(), LAST - timedelta(days=1)]), "members", row))
        left = joined + timedelta(days=rng.choice([1, 20, 200]))
        if rng.random() < 0.6 and left.date() <= LAST:
            left = max(joined, near(rng, starts)) if rng.random() < 0.5 else left
            if left.date() <= LAST:
                rows.append((LAST, "members", row | {"left_at": left}))
    return rows


def bags(rng: random.Random, contents: list[Row]) -> list[Item]:
    rows: list[Item] = []
    for content in contents:
        start = content["published_at"]
        for number in range(rng.choice([0, 1, 2, 4])):
            start = start + timedelta(minutes=rng.choice([0, 3, 10, 900]), seconds=rng.choice([0, 20]))
            row: Row = {
                "shop_id": content["shop_id"],
                "bag_id": f"B{content['content_id']}-{rng.choice('xyz')}{number}",
                "content_id": content["content_id"],
                "started_at": start,
                "ended_at": rng.choice([None, start + timedelta(minutes=3), start + timedelta(minutes=11)]),
                "participations": rng.choice([None, 0, 40]),
                "participants": rng.choice([None, 30]),
                "winners": rng.choice([None, 0, 1, 5]),
                "cost_amount": rng.choice([None, Decimal("9.90")]),
            }
            known = min(LAST, start.date() + timedelta(days=rng.choice([0, 0, 5])))
            rows.append((known, "lucky_bags", row))
            if rng.random() < 0.2:  # opened on another day, in truth
                rows.append((LAST, "lucky_bags", row | {"started_at": start + timedelta(hours=rng.choice([-25, 20]))}))
    return rows


def history(seed: int) -> list[Item]:
    rows = dressed(make_history(seed, [("plain", YOUNG)], LAST), seed)
    # Every product of this shop has a margin, so that its value is a contribution.
    priced = dressed(make_history(seed, [("priced", YOUNG)], LAST), seed, margins=False)
    for day, feed, row in priced:
        if feed == "products":
            continue
        rows.append((day, feed, row))
    for product in range(YOUNG.products):
        priced_by = {"margin_rate": Decimal("0.3")} if product % 2 else {"unit_cost": Decimal("12.34")}
        rows.append((EARLY, "products", {"shop_id": "priced", "product_id": f"P{product:02d}"} | priced_by))
    rows += dressed(without_users(make_history(seed, [("nameless", SHORT)], LAST)), seed)
    rows += only(dressed(make_history(seed, [("orders_only", SHORT)], LAST), seed), {"orders", "refunds"})
    rows += only(
        dressed(make_history(seed, [("no_orders", SHORT)], LAST), seed), {"traffic_events", "contents", "members"}
    )
    rows += dressed(with_aggregate(make_history(seed, [("aggregate", SHORT)], LAST), seed), seed)
    return rows


def line(shop: str, number: str, user: str, on: date, amount: str, **more: object) -> Item:
    at = datetime(on.year, on.month, on.day, 12)
    row: Row = {
        "shop_id": shop, "order_line_id": number, "order_id": number, "user_id": user, "product_id": "P", "quantity": 1,
        "paid_amount": Decimal(amount), "created_at": at, "paid_at": at, "status": "paid", "scene": "live",
    }  # fmt: skip
    return EARLY, "orders", row | more


def ladder() -> list[Item]:
    """Three cohorts of 100 users who pay 10 each; in the month after, one user of each pays 1,000 more; later nobody does.

    So the first factor is 2 and the ten others are 1. April has 99 users and cannot speak; January 2024's one user stands at
    month 1, February's at month 0. The product earns a half.
    """
    rows: list[Item] = [(EARLY, "products", {"shop_id": "ladder", "product_id": "P", "margin_rate": Decimal("0.5")})]
    for month, users in ((1, 100), (2, 100), (3, 100), (4, 99)):
        rows += [
            line("ladder", f"{month}-{n}", f"u{month}-{n}", date(2023, month, 1 + n % 28), "10.00")
            for n in range(users)
        ]
        if users == 100:
            rows.append(line("ladder", f"{month}-more", f"u{month}-0", date(2023, month + 1, 5), "1000.00"))
    rows.append(line("ladder", "jan", "late", date(2024, 1, 31), "60.05"))
    rows.append(line("ladder", "feb", "later", date(2024, 2, 1), "8.00"))
    # Paid in 2023 and given back in full in 2024: of no cohort before the purchase that he kept.
    rows.append(line("ladder", "back", "later", date(2023, 1, 3), "77.00"))
    moment_back = datetime(2024, 1, 15, 9)
    refund = {
        "shop_id": "ladder", "refund_id": "R", "order_line_id": "back", "kind": "refund_only", "applied_at": moment_back,
        "refunded_at": moment_back, "refund_amount": Decimal("77.00"), "status": "succeeded", "updated_at": moment_back,
    }  # fmt: skip
    return [*rows, (EARLY, "refunds", refund)]


def room() -> list[Item]:
    """One live on 27 February from 19:00 with bags at 19:00 (until 19:11), 19:10 and 19:40.

    Anna followed at 18:59, Bo in the room; Cai has been a member since 19:00 sharp, Anna since January. Anna joins a bag and buys
    there, Bo joins, Cai only watches and buys.
    """
    rows: list[Item] = [
        (
            LAST,
            "contents",
            {
                "shop_id": "room", "content_id": "L", "content_type": "live", "author_id": "A",
                "published_at": datetime(2024, 2, 27, 19), "ended_at": datetime(2024, 2, 27, 22),
            },
        ),
        (LAST, "members", {"shop_id": "room", "user_id": "anna", "joined_at": datetime(2024, 1, 1)}),
        (LAST, "members", {"shop_id": "room", "user_id": "cai", "joined_at": datetime(2024, 2, 27, 19)}),
        line("room", "O1", "anna", date(2024, 2, 27), "30.00", content_id="L", order_id="O"),
        line("room", "O2", "anna", date(2024, 2, 27), "20.00", content_id="L", order_id="O"),
        line("room", "O3", "cai", date(2024, 2, 27), "10.00", content_id="L"),
    ]  # fmt: skip
    events = [
        ("anna", "follow", "mall", None, (18, 59)), ("anna", "view", "live", "L", (19, 30)),
        ("bo", "view", "live", "L", (19, 5)), ("bo", "follow", "live", "L", (19, 6)),
        ("cai", "view", "live", "L", (20, 0)), ("anna", "lucky_bag_join", "live", "L", (19, 41)),
        ("bo", "lucky_bag_join", "live", "L", (19, 7)),
    ]  # fmt: skip
    for number, (user, kind, scene, content, (hour, minute)) in enumerate(events):
        row: Row = {
            "shop_id": "room", "event_id": f"E{number}", "occurred_at": datetime(2024, 2, 27, hour, minute),
            "event_type": kind, "user_id": user, "scene": scene, "content_id": content,
        }  # fmt: skip
        rows.append((LAST, "traffic_events", row))
    for bag, (start, end) in {"1": (0, 11), "2": (10, 20), "3": (40, 45)}.items():
        row = {
            "shop_id": "room", "bag_id": bag, "content_id": "L", "started_at": datetime(2024, 2, 27, 19, start),
            "ended_at": datetime(2024, 2, 27, 19, end), "participations": 9, "participants": 8, "winners": 1,
        }  # fmt: skip
        rows.append((LAST, "lucky_bags", row))
    return rows


def deliveries() -> list[Delivery]:
    return as_deliveries(history(3) + ladder() + room(), [LAST], 3)


@pytest.fixture(scope="module")
def publication(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    home = shared_home(tmp_path_factory, worker_id, "value", lambda home: run_at_once(home, deliveries(), LAST))
    return published(home)


def test_a_night_agrees_with_the_oracle(publication: Path) -> None:
    expected = compute(pseudonymised(current_rows(deliveries())), LAST, marts=MARTS)
    assert all(expected.values())
    assert {row["clv_basis"] for row in expected["cohort_value"]} == {"contribution", "revenue"}
    assert any(row["overlaps"] for row in expected["lucky_bag_daily"])
    assert compare(publication, expected) == []


@pytest.mark.slow
def test_nights_are_one_load_and_a_rebuild(tmp_path: Path) -> None:
    nights = [LAST - timedelta(days=n) for n in (40, 16, 2, 1, 0)]
    for name in ("nightly", "at_once"):
        (tmp_path / name).mkdir()
    more = as_deliveries(history(4) + ladder() + room(), nights, 4)
    run_deliveries(tmp_path / "nightly", more, nights)
    nightly = published(tmp_path / "nightly")
    assert compare(nightly, compute(pseudonymised(current_rows(more)), LAST, marts=MARTS)) == []
    run_at_once(tmp_path / "at_once", more, LAST)
    assert except_both_ways(published(tmp_path / "at_once"), nightly) == []
    rebuild(tmp_path / "nightly", LAST)
    assert except_both_ways(published(tmp_path / "nightly"), nightly) == []


def test_ladder_on_paper(publication: Path) -> None:
    rows = {(r["cohort_month"], r["months_since_first"]): r for r in read_mart(publication, "cohort_value")
            if r["shop_id"] == "ladder"}  # fmt: skip
    january = date(2023, 1, 1)
    assert {m for month, m in rows if month == january} == set(range(14))
    assert {r["clv_basis"] for r in rows.values()} == {"contribution"}
    assert [rows[january, m]["net_amount"] for m in (0, 1, 2)] == [
        Decimal("1000.00"),
        Decimal("1000.00"),
        Decimal("0.00"),
    ]
    assert rows[january, 1]["cumulative_per_user"] == 20
    # Half of 2,000 over 100 users; April has no second month's sales and is not asked for a factor: 990 / 2 / 99.
    assert {r["clv12"] for (month, _), r in rows.items() if month == january} == {10.0}
    assert (rows[date(2023, 4, 1), 0]["users"], rows[date(2023, 4, 1), 0]["clv12"]) == (99, 5.0)
    # Month 1 is over: 60.05 / 2 x 1, half cents and all. February is complete on the day: 8 / 2 x 2 x 1.
    assert rows[date(2024, 1, 1), 1]["clv12"] == 30.025
    assert rows[date(2024, 2, 1), 0]["clv12"] == 8.0
    [later] = [r for r in read_mart(publication, "customer_value")
               if (r["shop_id"], r["user_id"]) == ("ladder", pseudonym("later"))]  # fmt: skip
    assert (later["first_paid_on"], later["last_paid_on"]) == (date(2023, 1, 3), date(2024, 2, 1))
    assert (later["occasions"], later["net_amount"], later["layer"], later["clv12"]) == (1, Decimal("8.00"), 4, 8.0)


def test_a_room_on_paper(publication: Path) -> None:
    day = date(2024, 2, 27)
    groups = {r["viewer_group"]: r for r in read_mart(publication, "fan_member_daily")
              if (r["shop_id"], r["business_date"]) == ("room", day)}  # fmt: skip
    columns = ("viewers", "buyers", "conversion", "amount_per_buyer", "amount_per_order")
    assert {name: tuple(row[c] for c in columns) for name, row in groups.items()} == {
        "fan": (1, 1, 1.0, 50.0, 50.0),
        "non_fan": (2, 1, 0.5, 10.0, 10.0),
        "member": (1, 1, 1.0, 50.0, 50.0),
        "non_member": (2, 1, 0.5, 10.0, 10.0),
    }
    [bag_day] = [
        r for r in read_mart(publication, "lucky_bag_daily") if (r["shop_id"], r["business_date"]) == ("room", day)
    ]
    columns = ("bags", "participations", "participants", "winners", "mean_interval_minutes", "overlaps",
               "participant_conversion", "non_participant_conversion")  # fmt: skip
    assert tuple(bag_day[c] for c in columns) == (3, 27, 24, 3, 20.0, 1, 0.5, 1.0)
