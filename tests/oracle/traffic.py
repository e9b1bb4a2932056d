"""Traffic numbers of one shop-day, from the aggregate when the day has a row of it, else from events (R29)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.oracle.facts import Row, Shop

Number = int | Decimal
Pair = tuple[Number, Number] | None
INTERACTIONS = {"like", "comment", "share", "follow", "fan_club_join", "gift"}


def add(values: Iterable[Number | None]) -> Number | None:
    """Sum that skips NULLs; NULL when there is a value and all are NULL; 0 of nothing (R3: a measured 0)."""
    values = list(values)
    known = [v for v in values if v is not None]
    return sum(known) if known or not values else None


def add_pairs(pairs: Iterable[Pair]) -> Pair:
    """Numerators and denominators; what lacks either side is left out of both (R29)."""
    pairs = list(pairs)
    known = [p for p in pairs if p is not None]
    if pairs and not known:
        return None
    return sum(p[0] for p in known), sum(p[1] for p in known)


@dataclass(frozen=True)
class TrafficDay:
    """Numbers of one day; None where the source does not carry them."""

    basis: str
    impressions: Number | None
    content_impressions: Number | None
    views: Number | None
    viewers: Number | None
    product_impression_users: Number | None
    product_click_users: Number | None
    dwell: Pair
    interaction: Pair
    click: Pair
    has_live: bool


def traffic_day(shop: Shop, day: date) -> TrafficDay:
    if day in shop.daily_on:
        return from_aggregate(shop.daily_on[day])
    return from_events(shop.events_on.get(day, []), shop.names_users)


def from_aggregate(rows: list[Row]) -> TrafficDay:
    live = [r for r in rows if r["scene"] == "live"]

    def both(some: list[Row], top: str, bottom: str) -> Pair:
        return add_pairs(None if r.get(top) is None or r.get(bottom) is None else (r[top], r[bottom]) for r in some)

    return TrafficDay(
        basis="traffic_daily",
        impressions=add(r.get("impressions") for r in rows),
        content_impressions=add(r.get("impressions") for r in rows if r["scene"] in ("live", "short_video")),
        views=add(r.get("views") for r in rows),
        viewers=add(r.get("viewers") for r in rows),
        product_impression_users=add(r.get("product_impression_users") for r in rows),
        product_click_users=add(r.get("product_click_users") for r in rows),
        dwell=both(live, "watch_seconds", "viewers"),
        interaction=both(live, "interacting_viewers", "viewers"),
        click=both(rows, "product_click_users", "product_impression_users"),
        has_live=bool(live),
    )


def from_events(events: list[Row], names_users: bool) -> TrafficDay:
    def times(test: Callable[[Row], bool]) -> int:
        return sum(1 for e in events if test(e))

    def people(event_type: str) -> int | None:
        users = {e["user_id"] for e in events if e["event_type"] == event_type and e.get("user_id") is not None}
        return len(users) if names_users else None

    live = [e for e in events if e["scene"] == "live"]
    known_views = [e for e in live if e["event_type"] == "view" and e.get("user_id") is not None]
    # R32: a session is a day and a content, no content being one session too; this is one day.
    viewers = {(e.get("content_id"), e["user_id"]) for e in known_views}
    acted = {
        (e.get("content_id"), e["user_id"])
        for e in live
        if e["event_type"] in INTERACTIONS and e.get("user_id") is not None
    }
    seconds = sum((e.get("watch_seconds") or 0) for e in known_views)
    clickers, exposed = people("product_click"), people("product_impression")
    return TrafficDay(
        basis="traffic_events",
        impressions=times(lambda e: e["event_type"] == "impression"),
        content_impressions=times(lambda e: e["event_type"] == "impression" and e["scene"] in ("live", "short_video")),
        views=times(lambda e: e["event_type"] == "view"),
        viewers=people("view"),
        product_impression_users=exposed,
        product_click_users=clickers,
        dwell=(seconds, len(viewers)) if names_users else None,
        interaction=(len(viewers & acted), len(viewers)) if names_users else None,
        click=(clickers, exposed) if names_users else None,
        has_live=bool(live),
    )
