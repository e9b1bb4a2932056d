"""Who is in a segment, user by user and straight from the tree of its file (metrics.md 10, R106)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.oracle.audience import Layers
from tests.oracle.facts import Line, Row, Shop

FOLDER = Path(__file__).resolve().parents[2] / "seeds" / "segments"
SHOWN_ONLY = {"impression", "product_impression"}
FAN_EVENTS = {"follow", "fan_club_join"}
LAYERS = ("O", "A1", "A2", "A3", "A4", "A5")
NEEDS: dict[str, set[str]] = {
    "gender": {"users"},
    "age_band": {"users"},
    "city_tier": {"users"},
    "province": {"users"},
    "layer": set(),
    "fan": {"traffic_events"},
    "member": {"members"},
    "customer": {"orders"},
    "bought": {"orders"},
    "saw": {"traffic_events"},
    "touched": {"traffic_events"},
    "high_potential_new": {"orders", "traffic_events"},
}


class People:
    """What each known user of a shop did, up to the run's day."""

    def __init__(self, shop: Shop, layers: Layers) -> None:
        self.on: date = shop.on
        self.layer = {user: days[shop.on] for user, days in layers.items()}
        self.events: dict[str, list[Row]] = {user: [] for user in self.layer}
        self.lines: dict[str, list[Line]] = {user: [] for user in self.layer}
        for event in shop.events:
            if event.get("user_id") in self.events:
                self.events[event["user_id"]].append(event)
        for line in shop.lines:
            if line.user_id in self.lines:
                self.lines[line.user_id].append(line)
        self.products = {row["product_id"]: row for row in shop.products}
        self.profile: dict[str, Row] = {}
        for row in sorted(shop.feeds.get("users", []), key=lambda r: r["snapshot_on"]):
            if row["snapshot_on"] <= shop.on:
                self.profile[row["user_id"]] = row
        self.members = {
            row["user_id"]
            for row in shop.feeds.get("members", [])
            if row["joined_at"].date() <= shop.on and (row["left_at"] is None or row["left_at"].date() > shop.on)
        }

    def within(self, days: int | None, day: date) -> bool:
        return days is None or self.on - timedelta(days=days) < day <= self.on

    def is_about(self, spec: Mapping[str, Any], product: str | None, more: Mapping[str, Any]) -> bool:
        """Whether a fact names what the condition prefers."""
        described = {"product_id": product, **more, **self.products.get(product or "", {})}
        return all(
            described.get(column) in as_list(spec[column])
            for column in spec
            if column not in ("days", "times", "net_amount", "last_days_ago")
        )

    def holds(self, user: str, node: Mapping[str, Any]) -> bool:
        [(word, inner)] = node.items()
        if word == "all":
            return all(self.holds(user, each) for each in inner)
        if word == "any":
            return any(self.holds(user, each) for each in inner)
        if word == "not":
            return not self.holds(user, inner)
        if word == "layer":
            return LAYERS[self.layer[user]] in as_list(inner)
        if word == "fan":
            return inner == any(e["event_type"] in FAN_EVENTS for e in self.events[user])
        if word == "member":
            return inner == (user in self.members)
        if word == "customer":
            return (inner == "old") == any(self.within(365, line.pay_day) for line in self.lines[user])
        if word == "high_potential_new":
            seen = self.holds(user, {"saw": {**inner, "days": 30}})
            return self.layer[user] > 0 and seen and not self.lines[user]
        if word == "bought":
            return self.bought(user, inner)
        if word in ("saw", "touched"):
            found = [
                e
                for e in self.events[user]
                if self.within(inner["days"], e["occurred_at"].date())
                and (e["product_id"] is not None if word == "saw" else e["event_type"] not in SHOWN_ONLY)
                and self.is_about(inner, e["product_id"], e)
            ]
            return lies_in(inner.get("times"), len(found), least=1)
        return self.profile.get(user, {}).get(word) in as_list(inner)

    def bought(self, user: str, spec: Mapping[str, Any]) -> bool:
        lines = [
            line
            for line in self.lines[user]
            if line.effective(self.on)
            and self.within(spec.get("days"), line.pay_day)
            and self.is_about(spec, line.product_id, {"scene": line.scene})
        ]
        return (
            bool(lines)
            and lies_in(spec.get("times"), len({line.pay_day for line in lines}), least=1)
            and lies_in(spec.get("net_amount"), sum(line.net_amount(self.on) for line in lines))
            and lies_in(spec.get("last_days_ago"), (self.on - max(line.pay_day for line in lines)).days)
        )


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def lies_in(bounds: Mapping[str, Any] | None, value: Any, least: int = 0) -> bool:
    bounds = bounds or {}
    return bounds.get("min", least) <= value <= bounds.get("max", value)


def needs(node: Mapping[str, Any]) -> set[str]:
    """Feeds that a tree asks."""
    [(word, inner)] = node.items()
    if word in ("all", "any"):
        return set().union(*(needs(each) for each in inner))
    if word == "not":
        return needs(inner)
    asked = set(NEEDS[word])
    if isinstance(inner, dict):
        asked |= {"products"} if {"category_1", "category_2"} & inner.keys() else set()
        asked |= {"contents"} if {"content_type", "topic"} & inner.keys() else set()
    return asked


def segment_marts(shop: Shop, layers: Layers) -> dict[str, list[Row]]:
    """Sizes and members of every shipped segment on the run's day."""
    people = People(shop, layers)
    sizes, members = [], []
    for path in sorted(FOLDER.glob("*.yml")):
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))["where"]
        base = {"shop_id": shop.shop_id, "business_date": shop.on, "segment": path.stem}
        found = [user for user in people.layer if people.holds(user, tree)]
        held_out = {user for user in found if user[:8] < "1999999a"}  # equal lengths compare as numbers do
        row: Row = base | {"users": len(found), "holdout_users": len(held_out), "data_status": "ok"}
        if not shop.names_users or not all(shop.present(feed) for feed in needs(tree)):
            row |= {"users": None, "holdout_users": None, "data_status": "missing_source"}
        elif len(found) < 100:
            row |= {"users": None, "holdout_users": None, "data_status": "insufficient"}
        else:
            members += [base | {"user_id": u, "is_holdout": u in held_out, "data_status": "ok"} for u in found]
        sizes.append(row)
    return {"audience_segments": sizes, "audience_segment_members": members}
