"""Adds what happens after the sale to an invented history: parcels, after-sale, chats, complaints, surveys, benchmarks.

Times sit on the edges that the readings name: deadlines to the second, service hours, the night, windows of 30 days.
"""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from tests.oracle.facts import Row
from tests.oracle.generate import moment

Item = tuple[date, str, Row]
REASONS = [None, "quality", "quality", "logistics_damage", "no_longer_needed"]


def with_service(rows: list[Item], seed: int, thorough: bool = True) -> list[Item]:
    """`thorough` False leaves out the optional feeds, so that only parcels and refunds tell."""
    rng = random.Random(f"service/{seed}")
    last = max(delivered for delivered, _, _ in rows)
    parcels: dict[tuple[str, str], Row] = {}
    made: list[Item] = []
    for delivered, feed, row in rows:
        if feed == "orders":
            key = (row["shop_id"], row["order_line_id"])
            if key not in parcels:
                parcels[key] = parcel(rng, row)
                made += progress(rng, row, parcels[key], delivered, last)
            row = row | parcels[key] | {"picked_up_at": None, "delivered_at": None}
        elif feed == "refunds":
            row = row | {"reason": rng.choice(REASONS), "is_escalated": rng.choice([None, False, False, True])}
            if row.get("reviewed_at") is not None:
                asked: datetime = row["applied_at"].replace(hour=rng.choice([0, 7, 8, 12, 22, 23]))
                row |= {"applied_at": asked, "reviewed_at": asked + timedelta(minutes=rng.choice([1, 90, 600, 3000]))}
                if row["reviewed_at"].date() > last:
                    row["reviewed_at"] = None
                else:
                    delivered = max(delivered, row["reviewed_at"].date())
        made.append((delivered, feed, row))
    if not thorough:
        return made
    for shop in sorted({row["shop_id"] for _, _, row in rows}):
        mine = [row for _, feed, row in rows if feed == "orders" and row["shop_id"] == shop]
        if mine:
            made += talk(rng, shop, mine, last)
    return made


def parcel(rng: random.Random, line: Row) -> Row:
    """Promises that are known from the start, and when they were kept."""
    paid: datetime = line["paid_at"] or line["created_at"]
    presale = rng.choice([None, False, False, False, True])
    promised = paid + timedelta(days=rng.choice([0, 2, 9, 40])) if rng.random() < 0.8 else None
    end = datetime.combine(paid.date() + timedelta(days=1), time(23, 59, 59))
    picked = rng.choice([None, paid, end, end + timedelta(seconds=1), end + timedelta(days=3)])
    if presale and promised and rng.random() < 0.7:
        picked = promised + timedelta(seconds=rng.choice([-1, 0, 1]))
    due = paid + timedelta(days=rng.choice([1, 3, 8])) if rng.random() < 0.85 else None
    delivered = rng.choice([None, paid - timedelta(days=1), paid + timedelta(days=rng.randrange(8))])
    if due and rng.random() < 0.6:
        delivered = due + timedelta(seconds=rng.choice([-5, 0, 1, 90000]))
    return {
        "is_presale": presale,
        "promised_ship_at": promised,
        "due_delivery_at": due,
        "picked_up_at": picked,
        "delivered_at": delivered,
    }


def progress(rng: random.Random, line: Row, kept: Row, delivered: date, last: date) -> list[Item]:
    """The restatements of a line as its parcel moves; sometimes a correction takes a delivery back to another day."""
    made: list[Item] = []
    row = line | kept | {"picked_up_at": None, "delivered_at": None}
    if line["paid_at"] is None or rng.random() < 0.1:
        return made
    moves: list[dict[str, Any]] = [{c: kept[c]} for c in ("picked_up_at", "delivered_at") if kept[c] is not None]
    moves.sort(key=lambda m: min(m.values()))
    if rng.random() < 0.15:
        moves.append({"delivered_at": kept["due_delivery_at"], "promised_ship_at": line["paid_at"]})
    if rng.random() < 0.05:
        moves.append({"due_delivery_at": line["paid_at"] + timedelta(days=2), "is_presale": False})
    seen = max(delivered, line["paid_at"].date())
    for number, move in enumerate(moves):
        happened = [v.date() for v in move.values() if isinstance(v, datetime)]
        if any(d > last for d in happened):
            break
        seen = max([seen, *happened]) + timedelta(days=rng.choice([0, 0, 0, 1, 6]))
        row = row | move | {"updated_at": datetime.combine(min(seen, last), time(23, 59, 50 + number))}
        made.append((min(seen, last), "orders", row))
    return made


def talk(rng: random.Random, shop: str, lines: list[Row], last: date) -> list[Item]:
    """Chats, tickets, surveys and the platform's own score."""
    made: list[Item] = []
    first = min(line["created_at"].date() for line in lines)
    orders = sorted({(line["order_id"], line["created_at"].date()) for line in lines})

    def put(on: date, feed: str, row: Row) -> None:
        if on <= last:
            late = rng.choice([0, 0, 0, 0, 1, 4, 20])
            made.append((min(last, on + timedelta(days=late)), feed, {"shop_id": shop, **row}))

    for number in range(2 * len(orders)):
        order_id, start = rng.choice(orders)
        opened = moment(rng, start + timedelta(days=rng.choice([0, 1, 5, 29, 30, 45])))
        if rng.random() < 0.5:
            opened = opened.replace(hour=rng.choice([7, 8, 22, 23]))
        kind = rng.choice(["im", "im", "im", "im", "complaint"])
        row = {
            "session_id": f"S{number}",
            "kind": kind,
            "user_id": None,
            "order_id": rng.choice([order_id, order_id, None]) if kind == "im" else order_id,
            "opened_at": opened,
            "human_turns": rng.choice([None, 0, 1, 3, 8]),
            "reply_seconds": rng.choice([None, 0, 12, 240]),
            "unanswered_turns": rng.choice([None, 0, 0, 1]),
            "rating": rng.choice([None, None, 1, 3, 4, 5]),
            "is_escalated": rng.choice([None, False, False, False, True]),
        }
        put(opened.date(), "service_sessions", row)
        if rng.random() < 0.1 and opened.date() <= last:  # restated: delivery order decides
            changed = row | rng.choice([{"rating": 2}, {"kind": "im"}, {"is_escalated": True}, {"human_turns": 40}])
            made.append((last, "service_sessions", {"shop_id": shop, **changed}))
    for number in range(150):
        answered = moment(rng, first + timedelta(days=rng.randrange((last - first).days + 1)))
        score = rng.choice([0, 6, 7, 8, 9, 10, 10])
        put(
            answered.date(),
            "nps_surveys",
            {"response_id": f"N{number}", "user_id": None, "order_id": None, "score": score, "answered_at": answered},
        )
    for n in range((last - first).days + 1):
        on = first + timedelta(days=n)
        for source in rng.sample(["罗盘", "a manual export", "抖店"], rng.choice([0, 1, 2])):
            value = Decimal(rng.randrange(600, 1000)) / 10
            put(
                on,
                "official_metrics",
                {"business_date": on, "metric": "experience_score", "value": value, "source": source},
            )
        # Its own counts of two layers, from two sources by turns and together.
        counts = {"a1_users": ("罗盘", "a manual export"), "a5_users": ("抖店",)} if n % 2 else {"a1_users": ("罗盘",)}
        for number, (metric, sources) in enumerate(counts.items()):
            for source in sources:
                count = {"metric": metric, "value": Decimal(1000 * number + n + len(source)), "source": source}
                made.append((on, "official_metrics", {"shop_id": shop, "business_date": on, **count}))
    for indicator, line, start in (
        ("reply_seconds", ("300", "100", "30"), first + timedelta(days=20)),
        ("reply_seconds", ("200", "90", "10"), first + timedelta(days=40)),
        ("pickup_on_time", ("0.1", "0.3", "0.9"), first),
        ("help_rate", ("0.1", "0.3", "0.9"), first + timedelta(days=30)),  # runs the wrong way: no points
    ):
        row = {
            "subject": "experience_score",
            "indicator": indicator,
            "grain": "day",
            "source": "行业",
            "valid_from": start,
        }
        row |= dict(zip(("floor", "average", "excellent"), (Decimal(x) for x in line), strict=True))
        row["valid_to"] = start + timedelta(days=35) if indicator != "help_rate" else None
        if start <= last:
            made.append((start, "benchmarks", {"shop_id": shop, **row}))
    return made
