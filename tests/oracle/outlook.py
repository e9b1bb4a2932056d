"""Health and forecast of the 5A asset, one day at a time (R92, R99, R100)."""

from __future__ import annotations

import csv
import statistics
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

from tests.oracle.audience import UNKNOWN, Layers
from tests.oracle.facts import ONE_DAY, Row, Shop, days_between

UP_RATES = tuple(f"up_rate_{layer}" for layer in range(1, 5))
NARROW_PLACES = (*UP_RATES, "deep_share")
RATIOS = (*NARROW_PLACES, "a3_ratio", "a5_ratio")
CALENDAR = Path(__file__).resolve().parents[2] / "seeds" / "rules" / "campaign_calendar.csv"


def campaign_days(shop: Shop) -> set[date]:
    """R92: warm-up (else start) to end of any campaign; the calendar only for a shop without the feed."""
    if shop.present("campaigns"):
        spans = [(c.get("warm_up_on") or c["starts_on"], c["ends_on"]) for c in shop.feeds["campaigns"]]
    else:
        with CALENDAR.open(encoding="utf-8", newline="") as file:
            anchors = [date.fromisoformat(row["anchor_on"]) for row in csv.DictReader(file)]
        spans = [(anchor - timedelta(days=7), anchor) for anchor in anchors]
    return {day for first, last in spans for day in days_between(first, last)}


def benchmark_on(shop: Shop, indicator: str, day: date) -> Fraction | None:
    """The average of the newest imported line that holds on the day (R39)."""
    holding = [
        b
        for b in shop.benchmarks
        if (b["subject"], b["indicator"], b["grain"]) == ("audience", indicator, "day")
        and b["valid_from"] <= day
        and (b.get("valid_to") is None or day <= b["valid_to"])
    ]
    return Fraction(max(holding, key=lambda b: b["valid_from"])["average"]) if holding else None


def rate(numerator: int, denominator: int, minimum: int) -> Fraction | None:
    return None if denominator < minimum else Fraction(numerator, denominator)


def audience_health_daily(shop: Shop, layers: Layers) -> list[Row]:
    """One row a calendar day."""
    rules = shop.rules
    busy = campaign_days(shop)
    values: dict[date, dict[str, Fraction | None]] = {}
    assets: dict[date, int] = {}
    drains: dict[date, bool] = {}
    for day in shop.days:
        size = [sum(1 for days in layers.values() if days.get(day) == layer) for layer in range(6)]
        past = day - timedelta(days=30)
        assets[day] = sum(size[1:])
        values[day] = {
            "deep_share": rate(sum(size[3:]), assets[day], rules.health_minimum),
            "a3_ratio": rate(size[3], size[1] + size[2], rules.health_minimum),
            "a5_ratio": rate(size[5], size[4] + size[5], rules.health_minimum),
        }
        for layer in range(1, 5):
            then = [days for days in layers.values() if days.get(past) == layer]
            risen = sum(1 for days in then if days[day] > layer)
            values[day][f"up_rate_{layer}"] = rate(risen, len(then), rules.health_minimum)
        moves = [(days.get(day - ONE_DAY, UNKNOWN), days.get(day, UNKNOWN)) for days in layers.values()]
        lost = sum(1 for before, now in moves if before >= 1 and now == 0)
        won = sum(1 for before, now in moves if before <= 0 and now >= 1)
        drains[day] = lost > won

    rows = []
    for day in shop.days:
        benchmarks: dict[str, Fraction | None] = {}
        for name in RATIOS:
            benchmarks[name] = benchmark_on(shop, name, day)
            if benchmarks[name] is None:
                spoken = [
                    value
                    for earlier in days_between(day - timedelta(days=90), day - ONE_DAY)
                    if earlier not in busy and (value := values.get(earlier, {}).get(name)) is not None
                ]
                benchmarks[name] = statistics.median(spoken) if len(spoken) >= 30 else None
        today = values[day]
        held = {
            name: value / benchmark
            for name in NARROW_PLACES
            if (value := today[name]) is not None and (benchmark := benchmarks[name]) is not None and benchmark > 0
        }
        lowest = min(held, key=lambda name: held[name], default=None)
        short = lowest is not None and held[lowest] < Fraction(8, 10)
        gaps: dict[str, bool | None] = {}
        for name in ("a3_ratio", "a5_ratio"):
            value, benchmark = today[name], benchmarks[name]
            gaps[name] = None if value is None or benchmark is None else value < Fraction(8, 10) * benchmark
        week = days_between(day - timedelta(days=6), day)
        row: Row = {
            "shop_id": shop.shop_id,
            "business_date": day,
            "asset": assets[day],
            **{name: number(value) for name, value in today.items()},
            **{f"benchmark_{name}": number(benchmarks[name]) for name in NARROW_PLACES},
            "bottleneck": lowest if short else None,
            "a3_thin": gaps["a3_ratio"],
            "leaky": all(drains[d] for d in week) if week[0] in drains else None,
            "repurchase_gap": gaps["a5_ratio"],
            "data_status": "ok",
        }
        if not shop.names_users:
            row |= {"asset": None, "leaky": None, "data_status": "missing_source"}
        rows.append(row)
    return rows


def number(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def moves_of_days(shop: Shop, layers: Layers) -> dict[date, list[list[int]]]:
    """day -> users by layer the day before (0-5, the last row is unknown) and layer on the day."""
    moves = {day: [[0] * 6 for _ in range(7)] for day in shop.days}
    for days in layers.values():
        for day, layer in days.items():
            moves[day][days.get(day - ONE_DAY, UNKNOWN)][layer] += 1
    return moves


def expected(moves: dict[date, list[list[int]]], day: date, horizon: int) -> list[float] | None:
    """Stock by layer `horizon` days after the day, one step at a time; None without 28 days of calendar (R100)."""
    first = day - timedelta(days=27)
    if first - ONE_DAY not in moves:
        return None
    seen = [moves[each] for each in days_between(first, day)]
    total = [[sum(each[i][j] for each in seen) for j in range(6)] for i in range(7)]
    shares = []
    for layer in range(6):
        stock = sum(total[layer])
        shares.append([m / stock if stock else float(to == layer) for to, m in enumerate(total[layer])])
    x = [float(sum(row[layer] for row in moves[day])) for layer in range(6)]
    for _ in range(horizon):
        x = [sum(x[i] * shares[i][j] for i in range(6)) + total[UNKNOWN][j] / 28 for j in range(6)]
    return x


def audience_forecast(shop: Shop, layers: Layers) -> list[Row]:
    """Six layers a calendar day and horizon."""
    rows = []
    moves = moves_of_days(shop, layers)
    made = {(day, horizon): expected(moves, day, horizon) for day in shop.days for horizon in (7, 30)}
    for (day, horizon), ahead in made.items():
        stock = [sum(row[layer] for row in moves[day]) for layer in range(6)]
        earlier = made.get((day - timedelta(days=horizon), horizon))
        missed = unchanged = beats = None
        if earlier is not None and sum(stock):
            then = [sum(row[layer] for row in moves[day - timedelta(days=horizon)]) for layer in range(6)]
            missed = sum(abs(x - s) for x, s in zip(earlier, stock, strict=True)) / sum(stock)
            unchanged = sum(abs(b - s) for b, s in zip(then, stock, strict=True)) / sum(stock)
            beats = (unchanged - missed) * sum(stock) > 1e-6
        for layer in range(6):
            row: Row = {
                "shop_id": shop.shop_id,
                "business_date": day,
                "horizon_days": horizon,
                "layer": layer,
                "expected_users": None if ahead is None else ahead[layer],
                "backtest_error": missed,
                "unchanged_error": unchanged,
                "beats_unchanged": beats,
                "data_status": "insufficient" if ahead is None else "ok",
            }
            if not shop.names_users:
                row |= dict.fromkeys(("expected_users", "backtest_error", "unchanged_error", "beats_unchanged"))
                row |= {"data_status": "missing_source"}
            rows.append(row)
    return rows
