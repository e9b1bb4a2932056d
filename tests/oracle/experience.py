"""Experience score, its ten indicators and the complaint rates, day by day, order by order (metrics.md 3, R51-R65)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from tests.oracle.facts import Line, Row, Shop, refund_day, window

WEIGHTS = {
    "product": {"bad_review_rate": 1.5, "quality_return_rate": 1.5},
    "logistics": {"pickup_on_time": 1.0, "delivery_on_time": 1.5, "damage_return_rate": 0.5},
    "service": {
        "reply_seconds": 1.0,
        "review_hours": 1.0,
        "complaint_rate": 1.0,
        "dissatisfied_rate": 0.5,
        "help_rate": 0.5,
    },
}
# Floor, average, excellent.
STARTERS = {
    "bad_review_rate": (0.03, 0.01, 0.003),
    "quality_return_rate": (0.05, 0.015, 0.003),
    "pickup_on_time": (0.80, 0.95, 0.995),
    "delivery_on_time": (0.70, 0.90, 0.98),
    "damage_return_rate": (0.02, 0.005, 0.0005),
    "reply_seconds": (180.0, 60.0, 20.0),
    "review_hours": (48.0, 24.0, 6.0),
    "complaint_rate": (0.02, 0.005, 0.001),
    "dissatisfied_rate": (0.20, 0.08, 0.02),
    "help_rate": (0.10, 0.03, 0.005),
}
HIGHER_IS_BETTER = {"pickup_on_time", "delivery_on_time"}
FEEDS = {
    "bad_review_rate": {"reviews"},
    "quality_return_rate": {"refunds"},
    "pickup_on_time": set(),
    "delivery_on_time": set(),
    "damage_return_rate": {"refunds"},
    "reply_seconds": {"service_sessions"},
    "review_hours": {"refunds"},
    "complaint_rate": {"service_sessions"},
    "dissatisfied_rate": {"service_sessions"},
    "help_rate": {"refunds"},
}
MINIMUM_ORDERS, MINIMUM_ANSWERS = 30, 50


@dataclass
class Known:
    """What the shop knows on a day: paid lines with their order rows, and every dated fact up to it (R2)."""

    shop: Shop
    day: date
    lines: list[tuple[Line, Row]] = field(default_factory=list)

    def __post_init__(self) -> None:
        rows = {row["order_line_id"]: row for row in self.shop.orders}
        self.lines = [(line, rows[line.line_id]) for line in self.shop.lines if line.pay_day <= self.day]
        self.order_of = {line.line_id: line.order_id for line, _ in self.lines}
        self.refunds = [
            r
            for r in self.shop.feeds.get("refunds", [])
            if r["order_line_id"] in self.order_of and r["applied_at"].date() <= self.day
        ]
        self.sessions = [s for s in self.shop.feeds.get("service_sessions", []) if self.by(s["opened_at"])]
        self.reviews = [v for v in self.shop.reviews if self.by(v["created_at"])]
        self.reasons: dict[str, str | None] = {}
        counted = [
            r
            for r in self.refunds
            if r.get("status") not in ("rejected", "cancelled") and r.get("kind") != "price_protection"
        ]
        for r in sorted(counted, key=lambda r: (r["applied_at"], r["refund_id"]), reverse=True):
            self.reasons[r["order_line_id"]] = r.get("reason")  # R54: the first application has the last word here

    def by(self, moment: datetime | None) -> bool:
        return moment is not None and moment.date() <= self.day

    def recent(self, moment: datetime | date | None) -> bool:
        """In W(30, day)."""
        if moment is None:
            return False
        on = moment.date() if isinstance(moment, datetime) else moment
        first, last = window(30, self.day)
        return first <= on <= last

    def signed_lines(self) -> list[Line]:
        return [line for line, row in self.lines if self.recent(row.get("delivered_at"))]  # R52

    def badly_reviewed(self) -> set[str]:
        return {v["order_line_id"] for v in self.reviews if v.get("order_line_id") and v["rating"] <= 2}  # R53

    def gone(self, line: Line, until: date) -> bool:
        """Money back by the day, as far as this day knows."""
        return line.fully_refunded(min(until, self.day))


def pairs(known: Known) -> dict[str, tuple[Any, Any]]:
    """Measure -> numerator and denominator, whatever sources there are."""
    signed = known.signed_lines()
    orders = {line.order_id for line in signed}
    bad = {line.line_id for line in signed} & known.badly_reviewed()
    complained = {s.get("order_id") for s in known.sessions if s["kind"] == "complaint"}
    escalated = {s.get("order_id") for s in known.sessions if s.get("is_escalated")}
    escalated |= {known.order_of[r["order_line_id"]] for r in known.refunds if r.get("is_escalated")}
    troubled = orders & (complained | escalated | {known.order_of[line_id] for line_id in bad})
    paid = {line.order_id for line, _ in known.lines if known.recent(line.pay_day)}
    damaged = {known.order_of[line_id] for line_id, reason in known.reasons.items() if reason == "logistics_damage"}
    asked = [r for r in known.refunds if known.recent(r["applied_at"])]
    chats = [s for s in known.sessions if s["kind"] == "im" and known.recent(s["opened_at"])]
    timed = [s for s in chats if 8 <= s["opened_at"].hour <= 22 and s.get("human_turns") is not None]
    rated = [s for s in chats if s.get("rating") is not None]
    hours = review_hours(known)
    stars = [v["rating"] for v in known.reviews if known.recent(v["created_at"])]
    scores = [a["score"] for a in known.shop.feeds.get("nps_surveys", []) if known.recent(a["answered_at"])]
    return {
        "bad_review_rate": (len(bad), len(signed)),
        "quality_return_rate": (sum(known.reasons.get(line.line_id) == "quality" for line in signed), len(signed)),
        "pickup_on_time": pickup(known),
        "delivery_on_time": delivery(known),
        "damage_return_rate": (len(paid & damaged), len(paid)),
        "reply_seconds": (
            sum((s.get("reply_seconds") or 0) + 600 * (s.get("unanswered_turns") or 0) for s in timed),
            sum(s["human_turns"] for s in timed),
        ),
        "review_hours": (sum(hours), len(hours)),
        "complaint_rate": (len(orders & complained), len(orders)),
        "dissatisfied_rate": (sum(s["rating"] <= 3 for s in rated), len(rated)),
        "help_rate": (
            len({known.order_of[r["order_line_id"]] for r in asked if r.get("is_escalated")}),
            len({known.order_of[r["order_line_id"]] for r in asked}),
        ),
        "ccr": (len(troubled), len(orders)),
        "nps": (sum(s >= 9 for s in scores) - sum(s <= 6 for s in scores), len(scores)),
        "nps_proxy_stars": (sum(s == 5 for s in stars) - sum(s <= 3 for s in stars), len(stars)),
    }


def pickup(known: Known) -> tuple[int, int]:
    """R56: orders by the deadline of their last line that counts."""
    orders: dict[str, list[tuple[datetime, datetime | None]]] = {}
    for line, row in known.lines:
        picked_up = row.get("picked_up_at")
        if row.get("is_presale") is True:
            deadline = row.get("promised_ship_at")
            if deadline is None:
                continue
        else:
            deadline = datetime.combine(line.pay_day + timedelta(days=1), time.max)
        if known.gone(line, deadline.date()) and not known.by(picked_up):
            continue
        orders.setdefault(line.order_id, []).append((deadline, picked_up))
    due = [lines for lines in orders.values() if known.recent(max(deadline for deadline, _ in lines))]
    return sum(all(p is not None and p <= deadline for deadline, p in lines) for lines in due), len(due)


def delivery(known: Known) -> tuple[int, int]:
    """R57."""
    punctual = total = 0
    for line, row in known.lines:
        due, delivered = row.get("due_delivery_at"), row.get("delivered_at")
        if not known.recent(due) or (known.gone(line, due.date()) and not known.by(delivered)):
            continue
        total += 1
        punctual += delivered is not None and delivered <= due
    return punctual, total


def review_hours(known: Known) -> list[float]:
    """R60: one number a refund that succeeded in the window."""
    hours = []
    for r in known.refunds:
        reviewed, start = r.get("reviewed_at"), r["applied_at"]
        if not known.recent(refund_day(r)) or not known.by(reviewed):
            continue
        if start.hour >= 23:
            start = datetime.combine(start.date() + timedelta(days=1), time(8))
        elif start.hour < 8:
            start = datetime.combine(start.date(), time(8))
        hours.append(max(0.0, (reviewed - start).total_seconds() / 3600))
    return hours


def anchors(shop: Shop, indicator: str, day: date) -> tuple[tuple[float, ...], str]:
    """R63."""
    valid = [
        b
        for b in shop.benchmarks
        if (b["subject"], b["indicator"], b["grain"]) == ("experience_score", indicator, "day")
        and b["valid_from"] <= day
        and (b.get("valid_to") is None or day <= b["valid_to"])
    ]
    if not valid:
        return STARTERS[indicator], "starter"
    newest = max(valid, key=lambda b: b["valid_from"])
    return tuple(float(newest[k]) for k in ("floor", "average", "excellent")), "industry"


def fraction(indicator: str, value: float, line: tuple[float, ...]) -> float | None:
    sign = 1 if indicator in HIGHER_IS_BETTER else -1
    z, low, mid, top = (sign * x for x in (value, *line))
    if not low < mid < top:
        return None
    if z <= mid:
        return max(0.0, 0.6 * (z - low) / (mid - low))
    return min(1.0, 0.6 + 0.4 * (z - mid) / (top - mid))


def indicator_row(shop: Shop, day: date, indicator: str, weight: float, found: dict[str, tuple[Any, Any]]) -> Row:
    top, bottom = found[indicator]
    (floor, average, excellent), source = anchors(shop, indicator, day)
    row: Row = {
        "shop_id": shop.shop_id,
        "business_date": day,
        "indicator": indicator,
        "numerator": top,
        "denominator": bottom,
        "value": None,
        "fraction": None,
        "weight": weight,
        "points": None,
        "floor_anchor": floor,
        "average_anchor": average,
        "excellent_anchor": excellent,
        "benchmark_source": source,
        "contribution": None,
        "data_status": "insufficient",
    }
    if not all(shop.present(feed) for feed in {"orders"} | FEEDS[indicator]):
        return row | {"numerator": None, "denominator": None, "data_status": "missing_source"}
    if found["complaint_rate"][1] >= MINIMUM_ORDERS and bottom:  # R62
        row["value"] = float(top) / float(bottom)
        row["fraction"] = fraction(indicator, row["value"], (floor, average, excellent))
        if row["fraction"] is not None:
            row |= {"points": weight * row["fraction"], "data_status": "ok"}
    return row


def score_row(shop: Shop, day: date, rows: dict[str, Row]) -> tuple[Row, dict[str, float]]:
    """The day's score and what each indicator gives to it after its dimension was scaled."""
    scaled: dict[str, float] = {}
    dimensions: dict[str, float | None] = {}
    forbidden = False
    for dimension, weights in WEIGHTS.items():
        full = sum(weights.values())
        scored = sum(w for i, w in weights.items() if rows[i]["points"] is not None)
        sourced = sum(w for i, w in weights.items() if rows[i]["data_status"] != "missing_source")
        forbidden |= 2 * sourced < full
        if scored and 2 * scored >= full:
            given = {i: (rows[i]["points"] or 0.0) * full / scored for i in weights}
            scaled |= given
            dimensions[dimension] = sum(given.values())
        else:
            dimensions[dimension] = None
    known = [p for p in dimensions.values() if p is not None]
    total = sum(known) if len(known) == 3 else None
    official = [
        m
        for m in shop.feeds.get("official_metrics", [])
        if m["metric"] == "experience_score" and m["business_date"] == day
    ]
    first = min(official, key=lambda m: m["source"], default=None)
    row = {
        "shop_id": shop.shop_id,
        "business_date": day,
        "experience_10": total,
        **{f"{d}_points": p for d, p in dimensions.items()},
        "official_score": None if first is None else float(first["value"]),
        "score_change": None,
        "data_status": "ok" if total is not None else "missing_source" if forbidden else "insufficient",
    }
    return row, scaled


def complaint_row(shop: Shop, day: date, rows: dict[str, Row], found: dict[str, tuple[Any, Any]]) -> Row:
    def balance(measure: str, feed: str) -> float | None:
        top, bottom = found[measure]
        return 100 * top / bottom if shop.present(feed) and bottom >= MINIMUM_ANSWERS else None

    troubled, orders = found["ccr"]
    has_orders = shop.present("orders")
    judged = has_orders and orders >= MINIMUM_ORDERS
    return {
        "shop_id": shop.shop_id,
        "business_date": day,
        "signed_orders": orders if has_orders else None,
        "quality_return_rate": rows["quality_return_rate"]["value"],
        "bad_review_rate": rows["bad_review_rate"]["value"],
        "complaint_rate": rows["complaint_rate"]["value"],
        "ccr": 1000 * troubled / orders
        if judged and shop.present("service_sessions") and shop.present("reviews")
        else None,
        "nps": balance("nps", "nps_surveys"),
        "nps_proxy_stars": balance("nps_proxy_stars", "reviews"),
        "data_status": "ok" if has_orders else "missing_source",
    }


def experience_marts(shop: Shop) -> dict[str, list[Row]]:
    """experience_score_daily, experience_score_indicators and complaint_rates_daily of a shop."""
    marts: dict[str, list[Row]] = {
        "experience_score_daily": [],
        "experience_score_indicators": [],
        "complaint_rates_daily": [],
    }
    before: tuple[Row, dict[str, float]] | None = None
    for day in shop.days:
        found = pairs(Known(shop, day))
        rows = {i: indicator_row(shop, day, i, w, found) for ws in WEIGHTS.values() for i, w in ws.items()}
        score, scaled = score_row(shop, day, rows)
        if before is not None and before[0]["experience_10"] is not None and score["experience_10"] is not None:
            score["score_change"] = score["experience_10"] - before[0]["experience_10"]
            for indicator, row in rows.items():
                row["contribution"] = scaled[indicator] - before[1][indicator]
        before = score, scaled
        marts["experience_score_daily"].append(score)
        marts["experience_score_indicators"].extend(rows.values())
        marts["complaint_rates_daily"].append(complaint_row(shop, day, rows, found))
    return marts
