"""Adds campaigns, ad spend, user profiles, author audiences, topics and much viewed contents to an invented history.

Contents get thousands of views through aggregate rows, so that roles are observed; some rows carry no views, some days stay
with their events. Followers, topics, links and costs are restated later."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

from tests.oracle.facts import Row

Item = tuple[date, str, Row]
GENDERS, AGES, CITIES = ("f", "m", None), ("18-23", "24-30"), ("1", "2")


def with_growth(rows: list[Item], seed: int, leave_out: frozenset[str] = frozenset()) -> list[Item]:
    """The same history with the feeds that growth marts read, but those in `leave_out`."""
    rng = random.Random(f"growth/{seed}")
    made: list[Item] = []
    chosen: dict[tuple, Row] = {}
    for delivered, feed, row in rows:
        if feed == "contents":
            key = (row["shop_id"], row["content_id"])
            if key not in chosen:
                chosen[key] = {
                    "topic": rng.choice([None, "home", "home", "home", "home", "travel"]),
                    "has_product_link": rng.choice([None, False, True]),
                }
            row = row | chosen[key]
        made.append((delivered, feed, row))
    for shop in sorted({row["shop_id"] for _, _, row in rows}):
        mine = [item for item in made if item[2]["shop_id"] == shop]
        made += growth_of(rng, shop, mine, leave_out)
    return [item for item in made if item[1] not in leave_out]


def growth_of(rng: random.Random, shop: str, rows: list[Item], leave_out: frozenset[str]) -> list[Item]:
    days = sorted(delivered for delivered, _, _ in rows)
    first, last = days[0], days[-1]
    length = (last - first).days
    made: list[Item] = []

    def put(day: date, feed: str, row: Row) -> None:
        late = rng.choice([0, 0, 0, 0, 1, 4, 20])
        made.append((max(first, min(last, day + timedelta(days=late))), feed, {"shop_id": shop, **row}))

    for number, back in enumerate((length // 3, 52, 47, 31, 20, 15, 14, 3, -5)):
        start = last - timedelta(days=back)
        row: Row = {
            "campaign_id": f"K{number}",
            "name": f"campaign {number}",
            "kind": rng.choice(["official", "shop", None]),
            "warm_up_on": rng.choice([None, start - timedelta(days=rng.randrange(4))]),
            "starts_on": start,
            "ends_on": start + timedelta(days=rng.choice([0, 1, 5])),
            "is_verified": rng.choice([None, True]),
        }
        put(start, "campaigns", row)
    for n in range(length):
        day = first + timedelta(days=n)
        for ad in range(rng.choice([0, 1, 2])):
            cost = {
                "business_date": day,
                "ad_id": f"D{ad}",
                "campaign_id": rng.choice([None, *(f"K{k}" for k in range(8))]),
                "content_id": rng.choice([None, *(f"C{k:03d}" for k in range(50))]),
                "cost_amount": Decimal(rng.randrange(0, 90000)) / 100,
            }
            put(day, "ad_spend", cost)
            if rng.random() < 0.05:
                made.append((last, "ad_spend", {"shop_id": shop, **cost, "cost_amount": Decimal("5.00")}))
    users = sorted({row["user_id"] for _, feed, row in rows if feed == "orders" and row.get("user_id") is not None})
    for user in users:
        for on in {first, first + timedelta(days=rng.randrange(length)), last - timedelta(days=rng.randrange(9))}:
            gender = rng.choice(GENDERS if rng.random() < 0.3 else GENDERS[:2])
            profile = {"user_id": user, "snapshot_on": on, "gender": gender, "age_band": rng.choice(AGES)}
            put(on, "users", profile | {"city_tier": rng.choice(CITIES)})
    for author in ("A1", "A2", "A3"):
        for on in {first, first + timedelta(days=length // 2), last - timedelta(days=rng.randrange(20))}:
            row = {
                "author_id": author,
                "snapshot_on": on,
                "name": author,
                "is_own": author == "A1",
                "is_celebrity": False,
                "followers": rng.choice([None, 0, 9_999, 10_000, 99_999, 100_000, 1_000_000]),
            }
            if on > first:
                put(on, "authors", row)
            for gender in GENDERS[:2]:
                for age in AGES:
                    cell = {"author_id": author, "snapshot_on": on, "gender": gender, "age_band": age}
                    share = rng.choice([None, Decimal("0.1"), Decimal("0.3333333333"), Decimal("0.25")])
                    put(on, "author_audience", cell | {"city_tier": rng.choice(CITIES), "share": share})
    if "traffic_daily" not in leave_out:
        made += crowded(rng, shop, rows, last)
    return made


def crowded(rng: random.Random, shop: str, rows: list[Item], last: date) -> list[Item]:
    """Aggregate rows of single contents and authors on half of the days with events."""
    days = sorted({row["occurred_at"].date() for _, feed, row in rows if feed == "traffic_events"})
    made = []
    for day in days:
        if day > last or rng.random() < 0.5:
            continue
        for content in rng.sample(range(50), 9):
            row: Row = {
                "shop_id": shop,
                "business_date": day,
                "scene": rng.choice(["live", "short_video"]),
                "traffic_source": None,
                "author_id": rng.choice([None, "A1", "A2", "A9"]),
                "content_id": f"C{content:03d}",
                "product_id": None,
                "impressions": 10,
                "views": rng.choice([None, 0, 400, 1000, rng.randrange(5000)]),
            }
            made.append((min(last, day + timedelta(days=rng.choice([0, 0, 0, 2]))), "traffic_daily", row))
    return made
