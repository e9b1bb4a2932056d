"""A small shop that delivers every feed there is, so that leaving one out, or adding another shop, has something to change."""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from tests.oracle.facts import Row
from tests.oracle.generate import Profile, make_history, with_aggregate
from tests.oracle.generate_growth import with_growth
from tests.oracle.generate_service import with_service

Item = tuple[date, str, Row]
CROWD = 105
COMPLETE = Profile(users=16, products=7, days=66, orders_a_day=2, events_a_day=6)


def complete(seed: int, shop: str, last: date, profile: Profile = COMPLETE) -> list[Item]:
    """Rows of every feed with the day each is delivered; the first day has an order and an event, whatever is left out."""
    rows = with_growth(with_service(make_history(seed, [(shop, profile)], last), seed), seed)
    rows = with_aggregate(rows, seed)
    rng = random.Random(f"complete/{seed}/{shop}")
    first = last - timedelta(days=profile.days - 1)
    opening = datetime.combine(first, time(9))
    user = next(row["user_id"] for _, feed, row in rows if feed == "orders" and row["user_id"])
    rows.append((first, "orders", opening_line(shop, None, opening)))
    rows.append((first, "traffic_events", opening_view(shop, user, opening)))
    rows += crowd_of(shop, last - timedelta(days=10))
    rows += members_of(rng, shop, rows, first, last)
    rows += bags_of(rng, shop, rows, last)
    rows += books_of(rng, shop, rows, last)
    rows += lines_of(shop, first)
    return rows


def opening_line(shop: str, user: str | None, at: datetime) -> Row:
    return {
        "shop_id": shop, "order_line_id": "first", "order_id": "first", "user_id": user, "product_id": "P00", "quantity": 1,
        "paid_amount": Decimal("10.00"), "created_at": at, "paid_at": at, "status": "paid", "scene": "live",
        "updated_at": at,
    }  # fmt: skip


def opening_view(shop: str, user: str, at: datetime) -> Row:
    return {
        "shop_id": shop, "event_id": "first", "occurred_at": at, "event_type": "view", "user_id": user, "scene": "live",
        "watch_seconds": 40,
    }  # fmt: skip


def crowd_of(shop: str, day: date) -> list[Item]:
    """As many buyers, reviewers and askers as the marts want before they show a figure, all on one day."""
    at = datetime.combine(day, time(12))
    made: list[Item] = []
    for number in range(CROWD):
        buyer, asker, line = f"buyer{number}", f"asker{number}", f"crowd{number}"
        order = opening_line(shop, buyer, at) | {"order_line_id": line, "order_id": line, "author_id": "A2"}
        review = {
            "review_id": line,
            "order_id": line,
            "order_line_id": line,
            "rating": 3 + number % 3,
            "created_at": at,
        }
        profile = {"user_id": buyer, "snapshot_on": day, "gender": "f", "age_band": "24-30", "city_tier": "1"}
        made.append((day, "orders", order))
        made.append((day, "reviews", {"shop_id": shop, **review}))
        made.append((day, "users", {"shop_id": shop, **profile}))
        for kind in ("view", "product_click"):
            more = {"event_id": f"{asker}-{kind}", "event_type": kind, "product_id": "P01"}
            made.append((day, "traffic_events", opening_view(shop, asker, at) | more))
    return made


def members_of(rng: random.Random, shop: str, rows: list[Item], first: date, last: date) -> list[Item]:
    """Every second user is a member, every fourth of them has left."""
    users = sorted({row["user_id"] for _, feed, row in rows if feed == "orders" and row.get("user_id")})
    made: list[Item] = []
    for number, user in enumerate(users[::2]):
        joined = datetime.combine(first + timedelta(days=rng.randrange(20)), time(8))
        left = datetime.combine(last - timedelta(days=rng.randrange(20)), time(8)) if number % 4 == 3 else None
        made.append(
            (last, "members", {"shop_id": shop, "user_id": user, "joined_at": joined, "left_at": left, "level": "1"})
        )
    return made


def bags_of(rng: random.Random, shop: str, rows: list[Item], last: date) -> list[Item]:
    """Two bags, each with somebody who joins, in every second content up to the last day."""
    contents = {row["content_id"]: row["published_at"] for _, feed, row in rows if feed == "contents"}
    made: list[Item] = []
    for content, published in sorted(contents.items())[::2]:
        for number in (1, 2):
            started = published + timedelta(minutes=rng.choice([3, 5]) * number)
            if started.date() > last:
                continue
            row: Row = {
                "shop_id": shop,
                "bag_id": f"{content}-{number}",
                "content_id": content,
                "started_at": started,
                "ended_at": started + timedelta(minutes=4),
                "participations": rng.randrange(90),
                "participants": rng.randrange(30),
                "winners": 1,
                "cost_amount": Decimal("9.90"),
            }
            made.append((started.date(), "lucky_bags", row))
            join = {"event_id": row["bag_id"], "event_type": "lucky_bag_join", "content_id": content}
            made.append((started.date(), "traffic_events", opening_view(shop, f"asker{number}", started) | join))
    return made


def books_of(rng: random.Random, shop: str, rows: list[Item], last: date) -> list[Item]:
    """Settlements of paid lines, a map that names the buyers of some orders whose export does not, and alliance rows."""
    made: list[Item] = []
    users = sorted({row["user_id"] for _, feed, row in rows if feed == "orders" and row.get("user_id")})
    lines = {row["order_line_id"]: row for _, feed, row in rows if feed == "orders"}
    hidden = sorted({line["order_id"] for line in lines.values() if line["user_id"] is None})
    for order in ("first", *hidden[:-1:2]):
        made.append((last, "buyer_map", {"shop_id": shop, "order_id": order, "user_id": rng.choice(users)}))
    for number, line in sorted(lines.items()):
        if line["paid_at"] is not None and line["paid_at"].date() <= last and rng.random() < 0.5:
            settled = {
                "settlement_id": f"S{number}", "order_line_id": number, "settled_at": line["paid_at"],
                "settled_amount": line["paid_amount"],
            }  # fmt: skip
            made.append((last, "settlements", {"shop_id": shop, **settled}))
    for line in ("first", *sorted(lines)[::4]):
        credit = {"order_line_id": line, "author_id": "dy_star", "commission_amount": Decimal("3.00")}
        made.append((last, "order_commissions", {"shop_id": shop, **credit}))
    return made


def lines_of(shop: str, first: date) -> list[Item]:
    """Industry lines of the operating score and the audience."""
    named = [("operating_score", "price_per_unit", grain, ("5", "20", "90")) for grain in ("day", "week", "month")] + [
        ("audience", "deep_share", "day", ("0.1", "0.3", "0.6"))
    ]
    return [
        (
            first,
            "benchmarks",
            {
                "shop_id": shop, "subject": subject, "indicator": indicator, "grain": grain, "floor": Decimal(floor),
                "average": Decimal(average), "excellent": Decimal(excellent), "source": "行业", "valid_from": first,
            },
        )
        for subject, indicator, grain, (floor, average, excellent) in named
    ]  # fmt: skip
