"""Adds to an invented history what turns the class of lines that are long paid: entries, campaigns and ads that are told
later, authors who become own or famous or never were, contents that turn out to be of another day; what other files complete
lines with: the alliance's authors, the merchant's own map of buyers; and what long paid lines are worth: money that comes back
late, products that turn out to cost something else.

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
        made += worth_less(rng, mine, paid, last)
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


def worth_less(rng: random.Random, rows: list[Item], paid: list[Row], last: date) -> list[Item]:
    """Old lines whose money comes back in the last days, all of it or half, and a sold product with another margin."""
    made: list[Item] = []
    old = [line for line in paid if line["paid_at"].date() < last - timedelta(days=20)]
    for line, share in zip(rng.sample(old, min(len(old), 3)), (1, 1, 2), strict=False):
        day = last - timedelta(days=rng.randrange(4))
        refund = {
            "shop_id": line["shop_id"], "refund_id": f"late {line['order_line_id']}",
            "order_line_id": line["order_line_id"], "kind": "refund_only", "status": "succeeded",
            "applied_at": datetime.combine(day, time(9)), "refunded_at": datetime.combine(day, time(10)),
            "refund_amount": (line["paid_amount"] / share).quantize(line["paid_amount"]), "refund_quantity": 0,
            "updated_at": datetime.combine(day, time(10)),
        }  # fmt: skip
        # Told on its day, or known beforehand and due only then.
        made.append((day - timedelta(days=rng.choice([0, 0, 9])), "refunds", refund))
    described = {row["product_id"]: row for _, feed, row in rows if feed == "products"}
    sold = sorted({line["product_id"] for line in old} & set(described))
    for product in rng.sample(sold, min(len(sold), 2)):
        margin = rng.choice(
            [{"margin_rate": Decimal("0.25")}, {"unit_cost": Decimal(3)}, {"margin_rate": None, "unit_cost": None}]
        )
        made.append((last - timedelta(days=rng.randrange(4)), "products", described[product] | margin))
    return made


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
