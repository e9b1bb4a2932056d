"""5A layers, stock and flow, one user and one day at a time (metrics.md 1, R16-R27)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from tests.oracle.facts import ONE_DAY, Line, Row, Shop, window
from tests.oracle.rules import Rules

QUESTION_EVENTS = {
    "search_click",
    "product_click",
    "product_favorite",
    "add_to_cart",
    "shop_visit",
    "coupon_claim",
    "inquiry",
    "product_question",
    "member_join",
}
ATTRACTION_EVENTS = {"like", "comment", "favorite", "share", "follow", "fan_club_join", "gift", "lucky_bag_join"}
ACTION_LEVEL = {0: None, 1: "seeding", 2: "seeding", 3: "acquisition", 4: "acquisition", 5: "repurchase"}
PLATFORM_LEVEL = {0: None, 1: "awareness", 2: "awareness", 3: "seeding", 4: "purchase", 5: "purchase"}
UNKNOWN = -1
Layers = dict[str, dict[date, int]]


@dataclass
class UserFacts:
    """Everything one user did in one shop."""

    events: list[Row] = field(default_factory=list)
    order_days: list[date] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    liked_days: list[date] = field(default_factory=list)


def facts_by_user(shop: Shop) -> dict[str, UserFacts]:
    users: dict[str, UserFacts] = {}
    for event in shop.events:
        if event.get("user_id") is not None:
            users.setdefault(event["user_id"], UserFacts()).events.append(event)
    user_of_line = {}
    for order in shop.orders:
        user = order.get("user_id")
        user_of_line[order["order_line_id"]] = user
        if user is not None and order.get("is_gift") is not True:  # R16: 0-yuan lines count, gifts do not
            users.setdefault(user, UserFacts()).order_days.append(order["created_at"].date())
    for line in shop.lines:
        if line.user_id is not None:
            users.setdefault(line.user_id, UserFacts()).lines.append(line)
    for review in shop.reviews:  # R17
        user = review.get("user_id") or user_of_line.get(review.get("order_line_id"))
        if user is not None and review["rating"] >= shop.rules.liked_from_rating:
            users.setdefault(user, UserFacts()).liked_days.append(review["created_at"].date())
    return users


def layer_on(facts: UserFacts, day: date, rules: Rules) -> int | None:
    """Highest layer whose test holds on the day, None when none holds."""
    first, last = window(rules.purchase_days, day)
    effective = [line for line in facts.lines if first <= line.pay_day <= last and line.effective(day)]
    if effective:
        occasions = {line.pay_day for line in effective}
        shares = [
            e["occurred_at"].date()
            for e in facts.events
            if e["event_type"] == "share" and first <= e["occurred_at"].date() <= last
        ]
        if len(occasions) >= 2:
            return 5
        if any(first <= liked <= last for liked in facts.liked_days):
            return 5
        if any(shared >= line.pay_day for shared in shares for line in effective):  # R18
            return 5
        return 4

    first, last = window(rules.question_days, day)
    if any(e["event_type"] in QUESTION_EVENTS and first <= e["occurred_at"].date() <= last for e in facts.events):
        return 3
    if any(first <= ordered <= last for ordered in facts.order_days):
        return 3

    first, last = window(rules.attraction_days, day)
    recent = [e for e in facts.events if first <= e["occurred_at"].date() <= last]
    if any(e["event_type"] in ATTRACTION_EVENTS or is_long_view(e, rules) for e in recent):
        return 2
    short = [
        e["occurred_at"].date()
        for e in recent
        if e["event_type"] == "view" and (e.get("watch_seconds") or 0) >= rules.short_view_seconds
    ]
    if len(short) >= rules.short_views and len(set(short)) >= rules.short_view_days:  # R19
        return 2

    first, last = window(rules.awareness_days, day)
    if any(first <= e["occurred_at"].date() <= last for e in facts.events):
        return 1
    return None


def is_long_view(event: Row, rules: Rules) -> bool:
    if event["event_type"] != "view":
        return False
    if event.get("is_complete_play") is True:
        return True
    needed = rules.long_live_view_seconds if event["scene"] == "live" else rules.long_view_seconds
    return (event.get("watch_seconds") or 0) >= needed


def layers_by_user(shop: Shop) -> Layers:
    """user -> day -> layer, from the first known day to D; O once known and nothing holds (R21)."""
    result: Layers = {}
    for user, facts in facts_by_user(shop).items():
        days: dict[date, int] = {}
        for day in shop.days:
            layer = layer_on(facts, day, shop.rules)
            if layer is not None:
                days[day] = layer
            elif days:
                days[day] = 0
        if days:
            result[user] = days
    return result


def audience_layer_history(shop: Shop, layers: Layers) -> list[Row]:
    """One row a user and unbroken stay in a layer (R22)."""
    rows: list[Row] = []
    for user, days in layers.items():
        current: Row | None = None
        for day in sorted(days):
            if current is not None and current["layer"] == days[day]:
                continue
            if current is not None:
                current["valid_to"] = day
            current = {
                "shop_id": shop.shop_id,
                "user_id": user,
                "valid_from": day,
                "layer": days[day],
                "valid_to": None,
                "data_status": "ok",
            }
            rows.append(current)
    return rows


def audience_5a_daily(shop: Shop, layers: Layers) -> list[Row]:
    """Six rows a calendar day."""
    rows = []
    for day in shop.days:
        stock = {layer: {u for u, days in layers.items() if days.get(day) == layer} for layer in range(6)}
        before = {layer: {u for u, days in layers.items() if days.get(day - ONE_DAY) == layer} for layer in range(6)}
        asset = sum(len(stock[layer]) for layer in range(1, 6))
        for layer in range(6):
            row = {
                "shop_id": shop.shop_id,
                "business_date": day,
                "layer": layer,
                "users": len(stock[layer]),
                "share": len(stock[layer]) / asset if layer and asset else None,
                "entered": len(stock[layer] - before[layer]),
                "left_users": len(before[layer] - stock[layer]),
                "action_level": ACTION_LEVEL[layer],
                "platform_level": PLATFORM_LEVEL[layer],
                "official_users": official_count(shop, day, layer),
                "data_status": "ok",
            }
            if not shop.names_users:  # R13b
                row |= dict.fromkeys(("users", "share", "entered", "left_users")) | {"data_status": "missing_source"}
            rows.append(row)
    return rows


def official_count(shop: Shop, day: date, layer: int) -> int | None:
    """What the platform says itself; of several sources the first by name (R64)."""
    said = [
        m
        for m in shop.feeds.get("official_metrics", [])
        if layer and m["metric"] == f"a{layer}_users" and m["business_date"] == day
    ]
    return int(min(said, key=lambda m: m["source"])["value"]) if said else None


def audience_5a_flow(shop: Shop, layers: Layers) -> list[Row]:
    """Cells with users, per day and horizon; from -1 = not known N days before (R26)."""
    rows = []
    for day in shop.days:
        for horizon in shop.rules.flow_horizons:
            past = day - timedelta(days=horizon)
            cells: dict[tuple[int, int], int] = {}
            stock: dict[int, int] = {}
            for days in layers.values():
                origin = days.get(past, UNKNOWN)
                if origin != UNKNOWN:
                    stock[origin] = stock.get(origin, 0) + 1
                if day in days:
                    cell = (origin, days[day])
                    cells[cell] = cells.get(cell, 0) + 1
            for (origin, target), users in cells.items():
                rows.append(
                    {
                        "shop_id": shop.shop_id,
                        "business_date": day,
                        "horizon_days": horizon,
                        "from_layer": origin,
                        "to_layer": target,
                        "users": users,
                        "rate": None if origin == UNKNOWN else users / stock[origin],
                        "data_status": "ok",
                    }
                )
    return rows
