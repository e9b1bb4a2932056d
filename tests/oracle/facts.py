"""Facts of one shop as the readings define them: paid lines, capped refunds, traffic by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.oracle.rules import Rules

Row = dict[str, Any]
Feeds = dict[str, list[Row]]
ONE_DAY = timedelta(days=1)
ZERO = Decimal("0.00")


def shop_ids(feeds: Feeds) -> list[str]:
    """Every shop that any feed names."""
    return sorted({row["shop_id"] for rows in feeds.values() for row in rows})


def days_between(first: date, last: date) -> list[date]:
    """Calendar days, both ends in; empty when first > last."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def window(days: int, last: date) -> tuple[date, date]:
    """W(n, D) = [D-n+1, D]."""
    return last - timedelta(days=days - 1), last


@dataclass(frozen=True)
class Refund:
    """A succeeded refund (R10): its day, its money and what the cap left of it."""

    refund_id: str
    day: date
    amount: Decimal
    counted: Decimal
    quantity: int


@dataclass(frozen=True)
class Line:
    """A paid line (R9) with its succeeded refunds in the order of the cap (day, refund_id)."""

    line_id: str
    order_id: str
    user_id: str | None
    product_id: str
    quantity: int
    paid: Decimal
    pay_day: date
    scene: str | None
    refunds: tuple[Refund, ...]

    def refunded(self, on: date) -> Decimal:
        """Money refunded up to and on the day, never more than was paid."""
        return sum((r.counted for r in self.refunds if r.day <= on), ZERO)

    def fully_refunded(self, on: date) -> bool:
        """R11: by money only, and already on the day itself."""
        return sum((r.amount for r in self.refunds if r.day <= on), ZERO) >= self.paid

    def effective(self, on: date) -> bool:
        """Counted from its pay date until the day before it is fully refunded."""
        return self.pay_day <= on and not self.fully_refunded(on)

    def net_amount(self, on: date) -> Decimal:
        return self.paid - self.refunded(on)

    def net_quantity(self, on: date) -> int:
        """R12."""
        if self.fully_refunded(on):
            return 0
        returned = sum(r.quantity for r in self.refunds if r.day <= on)
        return max(0, self.quantity - returned)


def refund_day(row: Row) -> date | None:
    """Day of a succeeded refund, None when it did not succeed (R10)."""
    if row.get("status") is None:
        if row.get("refunded_at") is None:
            return None
    elif row["status"] != "succeeded":
        return None
    moment: datetime = row.get("refunded_at") or row.get("reviewed_at") or row["applied_at"]
    return moment.date()


def is_paid(row: Row) -> bool:
    """R9: status decides nothing."""
    return row.get("paid_at") is not None and row["paid_amount"] > 0 and row.get("is_gift") is not True


def paid_lines(orders: list[Row], refunds: list[Row]) -> list[Line]:
    """Paid lines, each with its refunds capped at the payment in order of day and refund_id (R10)."""
    by_line: dict[str, list[tuple[date, str, Row]]] = {}
    for row in refunds:
        day = refund_day(row)
        if day is not None:
            by_line.setdefault(row["order_line_id"], []).append((day, row["refund_id"], row))
    lines = []
    for row in orders:
        if not is_paid(row):
            continue
        left = row["paid_amount"]
        made = []
        for day, refund_id, refund in sorted(by_line.get(row["order_line_id"], []), key=lambda item: item[:2]):
            counted = min(left, refund["refund_amount"])
            left -= counted
            returns = refund.get("kind") in ("refund_only", "return_refund")
            quantity = (refund.get("refund_quantity") or 0) if returns else 0
            made.append(Refund(refund_id, day, refund["refund_amount"], counted, quantity))
        lines.append(
            Line(
                row["order_line_id"],
                row["order_id"],
                row.get("user_id"),
                row["product_id"],
                row["quantity"],
                row["paid_amount"],
                row["paid_at"].date(),
                row.get("scene"),
                tuple(made),
            )
        )
    return lines


def completed(feeds: Feeds) -> list[Row]:
    """Order lines of one shop with what other files know of them: the buyer whom the export hides, by order; the author
    whom the alliance credits, by line, before the one of the export."""
    buyers = {row["order_id"]: row["user_id"] for row in feeds.get("buyer_map", [])}
    authors = {row["order_line_id"]: row["author_id"] for row in feeds.get("order_commissions", [])}
    return [
        row
        | {
            "user_id": row.get("user_id") or buyers.get(row["order_id"]),
            "author_id": authors.get(row["order_line_id"]) or row.get("author_id"),
        }
        for row in feeds.get("orders", [])
    ]


class Shop:
    """All facts of one shop that a run for D may use; `first_day` is None when the shop has no calendar (R1)."""

    def __init__(self, feeds: Feeds, shop_id: str, on: date, rules: Rules) -> None:
        self.shop_id, self.on, self.rules = shop_id, on, rules
        self.feeds = {feed: [row for row in rows if row["shop_id"] == shop_id] for feed, rows in feeds.items()}
        self.feeds["orders"] = completed(self.feeds)
        self.orders = self._feed("orders")
        self.lines = [line for line in paid_lines(self.orders, self._feed("refunds")) if line.pay_day <= on]
        self.events = [e for e in self._feed("traffic_events") if e["occurred_at"].date() <= on]
        self.daily = [r for r in self._feed("traffic_daily") if r["business_date"] <= on]
        self.reviews = self._feed("reviews")
        self.contents = self._feed("contents")
        self.products = self._feed("products")
        self.benchmarks = self._feed("benchmarks")
        self.events_on: dict[date, list[Row]] = {}
        for event in self.events:
            self.events_on.setdefault(event["occurred_at"].date(), []).append(event)
        self.daily_on: dict[date, list[Row]] = {}
        for row in self.daily:
            self.daily_on.setdefault(row["business_date"], []).append(row)
        self.lines_paid_on: dict[date, list[Line]] = {}
        for line in self.lines:
            self.lines_paid_on.setdefault(line.pay_day, []).append(line)
        traffic_days = [*self.events_on, *self.daily_on]
        # R3: before the first traffic day nothing was measured.
        self.first_traffic_day = min(traffic_days, default=None)
        created = [o["created_at"].date() for o in self.orders if o["created_at"].date() <= on]
        self.first_day: date | None = min([*created, *traffic_days], default=None)

    def _feed(self, name: str) -> list[Row]:
        return self.feeds.get(name, [])

    def present(self, feed: str) -> bool:
        """R3: once any row of the shop was loaded, whatever its date."""
        return bool(self._feed(feed))

    @property
    def days(self) -> list[date]:
        """The calendar (R1)."""
        assert self.first_day is not None
        return days_between(self.first_day, self.on)

    @property
    def names_users(self) -> bool:
        """R13b: does any order line or event of the shop, whenever dated, name a user?"""
        rows = [*self._feed("orders"), *self._feed("traffic_events")]
        return any(row.get("user_id") is not None for row in rows)

    def paid_between(self, first: date, last: date) -> list[Line]:
        return [line for day in days_between(first, last) for line in self.lines_paid_on.get(day, [])]
