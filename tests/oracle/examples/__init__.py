"""Examples a person can check on paper: rows of a few people, and what the marts must say, derived by hand.

Each module holds one subject: `ROWS` (feed -> rows, every shop its own example) and `EXPECTED`. All live in one landing
folder, so that a single night answers every example; the run date is a Saturday, the day before a month ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.oracle.facts import Feeds, Row

ON = date(2024, 6, 29)


@dataclass(frozen=True)
class Expected:
    """Cells of one row, or (`values` None) that the row does not exist. `key` and `values` use published names."""

    mart: str
    key: dict[str, Any]
    values: dict[str, Any] | None

    def __str__(self) -> str:
        return f"{self.mart} {' '.join(str(v) for v in self.key.values())}"


def day(month_day: str, year: int = 2024) -> date:
    """ "05-31" -> date in 2024."""
    return date.fromisoformat(f"{year}-{month_day}")


def at(text: str) -> datetime:
    """ "2024-05-31 09:00" or "05-31" (2024, noon) or "05-31 09:00"."""
    if len(text.split(" ")[0]) == 5:
        text = f"2024-{text}"
    return datetime.fromisoformat(text if " " in text else f"{text} 12:00")


def money(text: str | int) -> Decimal:
    return Decimal(text).quantize(Decimal("0.01"))


def order(shop: str, line: str, user: str | None, paid: str | None, amount: str | int = 100, **more: Any) -> Row:
    """An order line; created when paid unless `created` says otherwise."""
    created = more.pop("created", None) or paid
    row: Row = {
        "shop_id": shop,
        "order_line_id": f"{shop}-{line}",
        "order_id": f"{shop}-{more.pop('order', line)}",
        "user_id": user,
        "product_id": "P1",
        "quantity": 1,
        "paid_amount": money(amount),
        "created_at": at(created),
        "paid_at": at(paid) if paid else None,
        "status": "paid" if paid else "created",
        "scene": "mall",
        "is_gift": None,
    }
    return row | more


def refund(shop: str, refund_id: str, line: str, on: str | None, amount: str | int, **more: Any) -> Row:
    """A succeeded refund of the day, unless `status` says otherwise."""
    row: Row = {
        "shop_id": shop,
        "refund_id": f"{shop}-{refund_id}",
        "order_line_id": f"{shop}-{line}",
        "kind": "refund_only",
        "applied_at": at(more.pop("applied", None) or on or "01-01"),
        "reviewed_at": None,
        "refunded_at": at(on) if on else None,
        "refund_amount": money(amount),
        "refund_quantity": None,
        "status": "succeeded",
    }
    return row | more


_events = 0


def event(shop: str, event_type: str, user: str | None, when: str, **more: Any) -> Row:
    global _events
    _events += 1
    row: Row = {
        "shop_id": shop,
        "event_id": f"{shop}-E{_events:06d}",
        "occurred_at": at(when),
        "event_type": event_type,
        "user_id": user,
        "scene": "short_video",
        "content_id": None,
        "product_id": None,
        "watch_seconds": None,
        "is_complete_play": None,
    }
    return row | more


def merge(*many: Feeds) -> Feeds:
    feeds: Feeds = {}
    for some in many:
        for feed, rows in some.items():
            feeds.setdefault(feed, []).extend(rows)
    return feeds


def each_day(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
