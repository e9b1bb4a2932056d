"""Operating score at the grains day, week and month (metrics.md 2, R28-R43)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from tests.oracle.facts import ONE_DAY, ZERO, Row, Shop, days_between
from tests.oracle.rules import BREADTH, DEPTH, INDICATORS
from tests.oracle.shop import occasions
from tests.oracle.traffic import TrafficDay, add, add_pairs, traffic_day

GRAINS = ("day", "week", "month")
LOGARITHMIC = {"total_impressions", "content_count"}
SELF_MINIMUM = {"day": 30, "week": 12, "month": 6}
TRAFFIC_INDICATORS = set(INDICATORS) - {"price_per_unit", "repurchase_rate_90d"}
Key = tuple[str, date]


@dataclass
class Measure:
    """One indicator of one period. `sufficiency` is about the value alone, `status` about the points (R4)."""

    numerator: Any
    denominator: Any
    value: float | None
    sufficiency: str
    anchors: tuple[float | None, float | None, float | None] = (None, None, None)
    source: str | None = None
    fraction: float | None = None
    points: float | None = None
    status: str = "ok"
    contribution: float | None = None


@dataclass
class Period:
    grain: str
    start: date
    end: date
    measures: dict[str, Measure] = field(default_factory=dict)
    score_100: float | None = None
    score_raw: float | None = None
    coverage: int = 0
    breadth_points: float | None = None
    depth_points: float | None = None
    score_change: float | None = None
    biggest_mover: str | None = None
    status: str = "ok"


def month_end(start: date) -> date:
    return (start.replace(day=28) + timedelta(days=4)).replace(day=1) - ONE_DAY


def month_before(start: date) -> date:
    return (start - ONE_DAY).replace(day=1)


def complete_periods(shop: Shop, grain: str) -> list[tuple[date, date]]:
    """Periods wholly inside [first day, D] (R28)."""
    periods = []
    for day in shop.days:
        if grain == "day":
            end = day
        elif grain == "week":
            if day.isoweekday() != 1:
                continue
            end = day + timedelta(days=6)
        else:
            if day.day != 1:
                continue
            end = month_end(day)
        if end <= shop.on:
            periods.append((day, end))
    return periods


def score_periods(shop: Shop) -> dict[Key, Period]:
    """(grain, period_start) -> the period with measures, points, score and contributions."""
    traffic = {day: traffic_day(shop, day) for day in shop.days}
    periods = {
        (grain, start): Period(grain, start, end) for grain in GRAINS for start, end in complete_periods(shop, grain)
    }
    for period in periods.values():
        for indicator in INDICATORS:
            period.measures[indicator] = measure(shop, indicator, period, traffic)
    for period in periods.values():
        for indicator in INDICATORS:
            give_points(shop, indicator, period, periods)
        add_up(shop, period)
    for period in periods.values():
        explain_change(period, periods)
    return periods


def measure(shop: Shop, indicator: str, period: Period, traffic: dict[date, TrafficDay]) -> Measure:
    """Numerator, denominator, value and whether the value may be judged."""
    missing = Measure(None, None, None, "missing_source")
    days = days_between(period.start, period.end)
    needs_orders = indicator in ("click_purchase_rate", "price_per_unit", "repurchase_rate_90d")
    if needs_orders and not shop.present("orders"):
        return missing
    # R3: a period that starts before the first traffic day is missing_source.
    untracked = shop.first_traffic_day is None or period.start < shop.first_traffic_day
    if indicator in TRAFFIC_INDICATORS and untracked:
        return missing
    if indicator in ("live_dwell_seconds", "live_interaction_rate") and not any(traffic[d].has_live for d in days):
        return Measure(None, None, None, "not_applicable")  # R38
    if indicator in ("click_purchase_rate", "repurchase_rate_90d") and not shop.names_users:
        return missing  # R13b

    if indicator == "total_impressions":
        total = add(traffic[d].content_impressions for d in days)
        return missing if total is None else Measure(total, None, float(total), "ok")
    if indicator == "content_count":
        if not shop.present("contents"):
            return missing
        count = count_contents(shop, period)
        return Measure(count, None, float(count), "ok")

    pair: Any
    if indicator == "live_dwell_seconds":
        pair = add_pairs(traffic[d].dwell for d in days if traffic[d].has_live)
    elif indicator == "live_interaction_rate":
        pair = add_pairs(traffic[d].interaction for d in days if traffic[d].has_live)
    elif indicator == "product_click_rate":
        pair = add_pairs(traffic[d].click for d in days)
    elif indicator == "click_purchase_rate":
        pair = add_pairs(
            None if (clickers := traffic[d].product_click_users) is None else (len(buyers(shop, d)), clickers)
            for d in days
        )
    elif indicator == "price_per_unit":
        lines = shop.paid_between(period.start, period.end)
        pair = sum((ln.paid for ln in lines), ZERO), sum(ln.quantity for ln in lines)
    else:
        by_user = occasions(shop, 90, period.end)
        pair = sum(1 for pay_days in by_user.values() if len(pay_days) >= 2), len(by_user)
    if pair is None:
        return missing
    top, bottom = pair
    if bottom < shop.rules.minimums[indicator]:
        return Measure(top, bottom, None, "insufficient")  # R41b
    return Measure(top, bottom, float(top) / float(bottom), "ok")


def buyers(shop: Shop, day: date) -> set[str]:
    """R34: from orders, whatever the traffic basis."""
    return {line.user_id for line in shop.lines_paid_on.get(day, []) if line.user_id is not None}


def count_contents(shop: Shop, period: Period) -> int:
    """R31: published in the period with an impression in the period, in either source."""
    shown = {
        e.get("content_id")
        for day in days_between(period.start, period.end)
        for e in shop.events_on.get(day, [])
        if e["event_type"] == "impression"
    } | {
        r.get("content_id")
        for day in days_between(period.start, period.end)
        for r in shop.daily_on.get(day, [])
        if (r.get("impressions") or 0) > 0
    }
    count = 0
    for content in shop.contents:
        if not period.start <= content["published_at"].date() <= period.end or content["content_id"] not in shown:
            continue
        if content["content_type"] == "live":
            ended = content.get("ended_at")
            if ended is None or ended - content["published_at"] < timedelta(minutes=shop.rules.live_minutes):
                continue
        count += 1
    return count


def percentile(values: list[float], share: float) -> float:
    """Linear interpolation between the sorted values."""
    values = sorted(values)
    place = share * (len(values) - 1)
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def anchors_of(shop: Shop, indicator: str, period: Period, periods: dict[Key, Period]) -> tuple[Any, str | None]:
    """Floor, average, excellent and where they come from: industry, target or self; the first that exists."""

    def newest(rows: Any) -> Row | None:
        valid = [
            r
            for r in rows
            if r["indicator"] == indicator
            and r["grain"] == period.grain
            and r["valid_from"] <= period.end
            and (r.get("valid_to") is None or period.end <= r["valid_to"])
            and r.get("shop_id") in (None, shop.shop_id)
        ]
        return max(valid, key=lambda r: r["valid_from"], default=None)

    for rows, source in (
        ([b for b in shop.benchmarks if b["subject"] == "operating_score"], "industry"),
        (shop.rules.targets, "target"),
    ):
        row = newest(rows)
        if row is not None:
            return (float(row["floor"]), float(row["average"]), float(row["excellent"])), source

    month = period.end.replace(day=1)
    if period.grain == "day":
        starts = days_between(month - timedelta(days=180), month - ONE_DAY)
    elif period.grain == "week":
        last_sunday = max(d for d in days_between(month - timedelta(days=7), month - ONE_DAY) if d.isoweekday() == 7)
        starts = [last_sunday - timedelta(days=6 + 7 * n) for n in range(26)]
    else:
        starts = [month_before(month)]
        while len(starts) < 12:
            starts.append(month_before(starts[-1]))
    own = [periods[period.grain, s].measures[indicator] for s in starts if (period.grain, s) in periods]
    values = [m.value for m in own if m.value is not None]
    if len(values) < SELF_MINIMUM[period.grain]:
        return (None, None, None), None
    return tuple(percentile(values, share) for share in (0.1, 0.5, 0.9)), "self"


def fraction(indicator: str, value: float, floor: float, average: float, excellent: float) -> float:
    """f of metrics.md 2 for anchors that rise strictly."""

    def scale(x: float) -> float:
        return math.log(1 + x) if indicator in LOGARITHMIC else x

    z, low, mid, top = scale(value), scale(floor), scale(average), scale(excellent)
    if z <= low:
        return 0.0
    if z <= mid:
        return 0.6 * (z - low) / (mid - low)
    if z < top:
        return 0.6 + 0.4 * (z - mid) / (top - mid)
    return 1.0


def give_points(shop: Shop, indicator: str, period: Period, periods: dict[Key, Period]) -> None:
    m = period.measures[indicator]
    m.anchors, m.source = anchors_of(shop, indicator, period, periods)
    m.status = m.sufficiency
    if m.status != "ok":
        return
    floor, average, excellent = m.anchors
    if m.value is None or floor is None or not floor < average < excellent:
        m.status = "insufficient"  # R41b: the value stays
        return
    m.fraction = fraction(indicator, m.value, floor, average, excellent)
    m.points = shop.rules.weights[indicator] * m.fraction


def add_up(shop: Shop, period: Period) -> None:
    """R41, R43."""
    weights = shop.rules.weights

    def weight(names: tuple[str, ...], test: Any) -> int:
        return sum(weights[n] for n in names if test(period.measures[n]))

    def points(names: tuple[str, ...]) -> float | None:
        given = [p for n in names if (p := period.measures[n].points) is not None]
        return sum(given) if given else None

    def enough(test: Any) -> bool:
        def applicable(m: Measure) -> bool:
            return m.status != "not_applicable"

        whole = 100 * weight(INDICATORS, test) >= 70 * weight(INDICATORS, applicable)
        halves = all(100 * weight(h, test) >= 60 * weight(h, applicable) for h in (BREADTH, DEPTH))
        return whole and halves

    def scored(m: Measure) -> bool:
        return m.points is not None

    period.coverage = weight(INDICATORS, scored)
    period.score_raw = points(INDICATORS)
    period.breadth_points = points(BREADTH)
    period.depth_points = points(DEPTH)
    if period.score_raw is not None and enough(scored):
        period.score_100 = 100 * period.score_raw / period.coverage
        return
    # Absent sources alone are the reason when the rest, fully scored, could not carry the score either.
    period.status = (
        "insufficient" if enough(lambda m: m.status not in ("missing_source", "not_applicable")) else "missing_source"
    )


def explain_change(period: Period, periods: dict[Key, Period]) -> None:
    """R42."""
    if period.grain == "month":
        previous_start = month_before(period.start)
    else:
        previous_start = period.start - timedelta(days=1 if period.grain == "day" else 7)
    previous = periods.get((period.grain, previous_start))
    if previous is None or previous.score_100 is None or period.score_100 is None:
        return
    period.score_change = period.score_100 - previous.score_100
    for indicator, m in period.measures.items():
        before = previous.measures[indicator].points or 0.0
        m.contribution = 100 * (m.points or 0.0) / period.coverage - 100 * before / previous.coverage
    biggest = max(abs(m.contribution or 0.0) for m in period.measures.values())
    if biggest > 0:
        period.biggest_mover = next(i for i in INDICATORS if abs(period.measures[i].contribution or 0.0) == biggest)


def operating_score(shop: Shop, periods: dict[Key, Period]) -> list[Row]:
    return [
        {
            "shop_id": shop.shop_id,
            "grain": p.grain,
            "period_start": p.start,
            "period_end": p.end,
            "score_100": p.score_100,
            "score_raw": p.score_raw,
            "coverage": p.coverage,
            "breadth_points": p.breadth_points,
            "depth_points": p.depth_points,
            **{f"{i}_points": p.measures[i].points for i in INDICATORS},
            "score_change": p.score_change,
            "biggest_mover": p.biggest_mover,
            "data_status": p.status,
        }
        for p in periods.values()
    ]


def operating_score_indicators(shop: Shop, periods: dict[Key, Period]) -> list[Row]:
    rows = []
    for p in periods.values():
        for indicator in INDICATORS:
            m = p.measures[indicator]
            rows.append(
                {
                    "shop_id": shop.shop_id,
                    "grain": p.grain,
                    "period_start": p.start,
                    "indicator": indicator,
                    "numerator": m.numerator,
                    "denominator": m.denominator,
                    "value": m.value,
                    "floor_anchor": m.anchors[0],
                    "average_anchor": m.anchors[1],
                    "excellent_anchor": m.anchors[2],
                    "benchmark_source": m.source,
                    "fraction": m.fraction,
                    "weight": shop.rules.weights[indicator],
                    "points": m.points,
                    "contribution": m.contribution,
                    "data_status": m.status,
                }
            )
    return rows
