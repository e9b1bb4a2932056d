"""Adds to an invented history what turns the class of lines that are long paid: entries, campaigns and ads that are told
later, authors who become own or famous or never were, contents that turn out to be of another day; and what other files
complete lines with: the alliance's authors, the merchant's own map of buyers.

All but the last arrives in the last days of the history, so that nights before it have computed the lines."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from tests.oracle.facts import Row

Item = tuple[date, str, Row]
STANDINGS: tuple[Row, ...] = (
    {"is_own": True, "is_celebrity": False, "followers": 900},
    {"is_own": False, "is_celebrity": True, "followers": None},
    {"is_own": None, "is_celebrity": None, "followers": 1_000_000},
    {"is_own": False, "is_celebrity": False, "followers": 999_999},
)


def with_turns(rows: list[Item], seed: int) -> list[Item]:
    """The same history with the last word on some lines, authors and contents of every shop that has them."""
    made = list(rows)
    for shop in sorted({row["shop_id"] for _, _, row in rows}):
        rng = random.Random(f"turns/{seed}/{shop}")
        mine = [item for item in rows if item[2]["shop_id"] == shop]
        paid = [line for line in newest_lines(mine) if line["paid_at"] is not None]
        last = max(delivered for delivered, _, _ in mine)
        first = min(delivered for delivered, _, _ in mine)
        made += told_later(rng, paid, last)
        if any(feed == "authors" for _, feed, _ in mine):
            made += turning_authors(rng, shop, first, last)
        made += moved_contents(rng, mine, paid, first + (last - first) // 2, last)
        made += completing(random.Random(f"completing/{seed}/{shop}"), shop, newest_lines(mine), first, last)
    return made


def newest_lines(rows: list[Item]) -> list[Row]:
    newest: dict[str, Row] = {}
    for _, feed, row in rows:
        if feed == "orders":
            held = newest.get(row["order_line_id"])
            if held is None or row["updated_at"] >= held["updated_at"]:
                newest[row["order_line_id"]] = row
    return list(newest.values())


def told_later(rng: random.Random, paid: list[Row], last: date) -> list[Item]:
    """Lines of which nothing changes but one column that says what brought the buyer."""
    changes: list[Row] = [{"entry": "paid"}, {"entry": "order_page"}, {"entry": None}, {"campaign_id": "K1"}]
    changes += [{"campaign_id": "K2"}, {"ad_id": "D1"}]
    old = [line for line in paid if line["paid_at"].date() < last - timedelta(days=4)]
    told = datetime.combine(last, time(23, 59, 59)) + timedelta(seconds=4)
    return [
        (last - timedelta(days=rng.randrange(4)), "orders", line | change | {"updated_at": told})
        for line, change in zip(rng.sample(old, min(len(old), len(changes))), changes, strict=False)
    ]


def turning_authors(rng: random.Random, shop: str, first: date, last: date) -> list[Item]:
    """A2 and A3 each say something else since halfway, known soon; then the last nights hear that it was otherwise."""
    half = first + (last - first) // 2
    made: list[Item] = []
    for author in ("A2", "A3"):
        known = [half, last - timedelta(days=rng.randrange(4))]
        for delivered, standing in zip(known, rng.sample(STANDINGS, 2), strict=True):
            snapshot = {"shop_id": shop, "author_id": author, "snapshot_on": half, "name": author, **standing}
            made.append((delivered, "authors", snapshot))
    # Nobody knew A1's beginnings: what it was then, it was on all days before.
    earlier = {"shop_id": shop, "author_id": "A1", "snapshot_on": first - timedelta(days=9), "name": "A1"}
    return [*made, (last, "authors", earlier | rng.choice(STANDINGS))]


def moved_contents(rng: random.Random, rows: list[Item], paid: list[Row], half: date, last: date) -> list[Item]:
    """Contents that sold for A2 and A3 and turn out to be published on the other side of the day they turned."""
    sold = sorted({line["content_id"] for line in paid if line["author_id"] in ("A2", "A3") and line["content_id"]})
    held = {row["content_id"]: row for _, feed, row in rows if feed == "contents"}
    known = [content for content in sold if content in held]
    made: list[Item] = []
    for content in rng.sample(known, min(len(known), 4)):
        row = held[content]
        days = 2 + abs((row["published_at"].date() - half).days)
        moved = row["published_at"] + timedelta(days=days if row["published_at"].date() < half else -days)
        lasted = row["ended_at"] - row["published_at"] if row["ended_at"] else None
        ended = moved + lasted if lasted else None
        made.append(
            (last - timedelta(days=rng.randrange(4)), "contents", row | {"published_at": moved, "ended_at": ended})
        )
    return made


def completing(rng: random.Random, shop: str, lines: list[Row], first: date, last: date) -> list[Item]:
    """Alliance rows of every third line and buyers of every fifth order, before or after the line itself arrives; some
    say something else in the last days, some are of lines that nobody delivers."""
    days = (last - first).days
    users = sorted({line["user_id"] for line in lines if line["user_id"]}) or ["U-mapped"]
    made: list[Item] = []

    def told(feed: str, key: Row, draw: Callable[[], Row]) -> None:
        known = [first + timedelta(days=rng.randrange(days + 1))]
        known += [max(known[0], last - timedelta(days=rng.randrange(4)))] if rng.random() < 0.3 else []
        made.extend((delivered, feed, {"shop_id": shop, **key, **draw()}) for delivered in known)

    def credit() -> Row:
        author = rng.choice(["A1", "A2", "A3", "dy_star", None])
        return {"author_id": author, "commission_amount": Decimal(rng.randrange(900)) / 100}

    for line in ["nobody's", *rng.sample(sorted(row["order_line_id"] for row in lines), len(lines) // 3)]:
        told("order_commissions", {"order_line_id": line}, credit)
    orders = sorted({row["order_id"] for row in lines})
    for order in ["nobody's", *rng.sample(orders, len(orders) // 5)]:
        told("buyer_map", {"order_id": order}, lambda: {"user_id": rng.choice(users)})
    return made
