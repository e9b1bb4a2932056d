"""Authors, contents and campaigns (metrics.md 1 seeding, 7, 8, 11; R82-R84, R92-R97, R101-R103)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import median

from tests.oracle.audience import Layers
from tests.oracle.facts import ONE_DAY, ZERO, Line, Row, Shop, days_between, window
from tests.oracle.fields import NO_TOUCH

WINDOW, MINIMUM_VIEWS, CENT = 30, 1000, Decimal("0.01")
CAMPAIGN_COLUMNS = (
    "paid_amount",
    "baseline_amount",
    "uplift",
    "incremental_amount",
    "net_incremental_amount",
    "a3_gained",
    "asset_gained",
    "repurchase_30d",
    "repurchase_90d",
    "roi",
    "buyers_won",
)
TIERS = (("head", 1_000_000), ("waist", 100_000), ("tail", 10_000), ("koc", 0))
ROLES = {
    "declared": ("seeding", "selling", "unknown"),
    "observed": ("seeding", "selling", "both", "weak", "unknown"),
}


def views_by(shop: Shop, name: str) -> dict[date, dict[str, list[tuple[str, int | None]]]]:
    """day -> author or content -> (basis, views) of the day's basis; views None where an aggregate row carries none."""
    found: dict[date, dict[str, list[tuple[str, int | None]]]] = {}
    for day in {*shop.events_on, *shop.daily_on}:
        of_day = found.setdefault(day, {})
        if day in shop.daily_on:
            for row in shop.daily_on[day]:
                if row.get(name) is not None:
                    of_day.setdefault(row[name], []).append(("traffic_daily", row.get("views")))
        else:
            for event in shop.events_on[day]:
                if event["event_type"] == "view" and event.get(name) is not None:
                    of_day.setdefault(event[name], []).append(("traffic_events", 1))
    return found


def total(values: Iterable[int | None]) -> int | None:
    """NULLs skipped, all NULL is NULL, of nothing 0 (R29)."""
    values = list(values)
    known = [v for v in values if v is not None]
    return sum(known) if known or not values else None


def snapshot(rows: list[Row], on: date) -> list[Row]:
    """The rows of the newest snapshot dated on or before the day."""
    newest = max((r["snapshot_on"] for r in rows if r["snapshot_on"] <= on), default=None)
    return [r for r in rows if r["snapshot_on"] == newest]


@dataclass
class Authors:
    """What author rows are made of; `at` gives the figures of one author on one day, D−30 as well as D."""

    shop: Shop
    views: dict[date, dict[str, list[tuple[str, int | None]]]] = field(init=False)

    def __post_init__(self) -> None:
        self.views = views_by(self.shop, "author_id")
        by_id = {o["order_line_id"]: o for o in self.shop.orders}
        self.lines: dict[str, list[Line]] = {}
        for line in self.shop.lines:
            author = by_id[line.line_id].get("author_id")
            if author is not None:
                self.lines.setdefault(author, []).append(line)
        self.snapshots: dict[str, list[Row]] = {}
        for row in self.shop.feeds.get("authors", []):
            self.snapshots.setdefault(row["author_id"], []).append(row)

    def names(self) -> set[str]:
        return {*self.lines, *(a for day in self.views.values() for a in day)}

    def at(self, author: str, on: date) -> Row | None:
        first, last = window(WINDOW, on)
        lines = [line for line in self.lines.get(author, []) if first <= line.pay_day <= last]
        seen = [v for d in days_between(first, last) for v in self.views.get(d, {}).get(author, [])]
        views = total(v for _, v in seen)
        if not lines and not views:
            return None  # R82
        paid = sum((line.paid for line in lines), ZERO)
        bases = {basis for basis, v in seen if v is not None}
        measured = self.shop.first_traffic_day is not None and on >= self.shop.first_traffic_day
        orders = self.shop.present("orders")
        return {
            "paid_amount": paid if orders else None,
            "net_amount": sum((line.net_amount(on) for line in lines), ZERO) if orders else None,
            "views": views if measured else None,
            "gpm": float(1000 * paid) / views if orders and views is not None and views >= MINIMUM_VIEWS else None,
            "gpm_basis": "mixed" if len(bases) > 1 else next(iter(bases), None),
        }

    def followers(self, author: str, on: date) -> int | None:
        found = snapshot(self.snapshots.get(author, []), on)
        return found[0].get("followers") if found else None


def author_performance_daily(shop: Shop) -> list[Row]:
    authors = Authors(shop)
    rows = []
    for day in shop.days:
        buyers = buyer_cells(shop, day)
        for author in sorted(authors.names()):
            found = authors.at(author, day)
            if found is None:
                continue
            followers = authors.followers(author, day)
            rows.append(
                {"shop_id": shop.shop_id, "business_date": day, "author_id": author}
                | found
                | {
                    "tier": next((t for t, least in TIERS if followers >= least), None)
                    if followers is not None
                    else None,
                    "followers": followers,
                    "is_vertical": is_vertical(shop, author, day) if shop.present("contents") else None,
                    "growth": growth(authors, author, found, day),
                    "audience_match": audience_match(shop, author, buyers, day),
                    "is_long_term": is_long_term(authors.lines.get(author, []), day)
                    if shop.present("orders")
                    else None,
                    "data_status": "ok" if shop.present("orders") else "missing_source",
                }
            )
    return rows


def is_vertical(shop: Shop, author: str, on: date) -> bool:
    first, last = window(90, on)
    mine = [c for c in shop.contents if c["author_id"] == author and first <= c["published_at"].date() <= last]
    topics = [c.get("topic") for c in mine]
    top = max((topics.count(t) for t in set(topics) if t is not None), default=0)
    return len(mine) >= 10 and 10 * top >= 6 * len(mine)


def is_long_term(lines: list[Line], on: date) -> bool:
    """R83: months are calendar months, the day's own so far."""
    days = [line.pay_day for line in lines if line.pay_day <= on]
    months = {12 * d.year + d.month for d in days if 12 * d.year + d.month > 12 * on.year + on.month - 6}
    return len(months) >= 3 and max(days) >= on - timedelta(days=45)


def growth(authors: Authors, author: str, now: Row, on: date) -> float | None:
    """R103."""
    then = on - timedelta(days=30)
    past = authors.at(author, then) or {}
    pairs = [
        (0.4, now["net_amount"], past.get("net_amount")),
        (0.3, now["gpm"], past.get("gpm")),
        (0.3, authors.followers(author, on), authors.followers(author, then)),
    ]
    parts = [
        (w, math.log(float(a) / float(b))) for w, a, b in pairs if a is not None and b is not None and a > 0 and b > 0
    ]
    if not parts:
        return None
    return sum(w * max(-1.0, min(1.0, part)) for w, part in parts) / sum(w for w, _ in parts)


def buyer_cells(shop: Shop, on: date) -> dict[tuple, int]:
    """(gender, age, city) -> buyers of W(30) by their newest full profile; empty under 100."""
    first, last = window(WINDOW, on)
    buyers = {line.user_id for line in shop.paid_between(first, last) if line.user_id is not None}
    profiles: dict[str, list[Row]] = {}
    for row in shop.feeds.get("users", []):
        if row["user_id"] in buyers:
            profiles.setdefault(row["user_id"], []).append(row)
    cells: dict[tuple, int] = {}
    for rows in profiles.values():
        for row in snapshot(rows, on):
            cell = (row.get("gender"), row.get("age_band"), row.get("city_tier"))
            if None not in cell:
                cells[cell] = cells.get(cell, 0) + 1
    return cells if sum(cells.values()) >= 100 else {}


def audience_match(shop: Shop, author: str, buyers: dict[tuple, int], on: date) -> float | None:
    rows = snapshot([r for r in shop.feeds.get("author_audience", []) if r["author_id"] == author], on)
    if not rows or not buyers:
        return None
    everyone = sum(buyers.values())
    return sum(
        min(
            float(row.get("share") or 0),
            buyers.get((row.get("gender"), row.get("age_band"), row.get("city_tier")), 0) / everyone,
        )
        for row in rows
    )


@dataclass
class Tally:
    """What is known of a content by a day."""

    seen: list[int | None] = field(default_factory=list)  # of each day; None where its rows carry no views
    ripe: int = 0
    flow: int = 0
    paid: Decimal = ZERO

    @property
    def views(self) -> int | None:
        return total(self.seen)

    def role_of(self, shop: Shop) -> tuple[float, float] | None:
        """x and y of R102."""
        if (self.views or 0) < MINIMUM_VIEWS or not self.ripe or not shop.present("orders"):
            return None
        return 1000 * self.flow / self.views, float(1000 * self.paid) / self.views


class Contents:
    """Walks the calendar day by day and keeps what is known of every content."""

    def __init__(self, shop: Shop, layers: Layers) -> None:
        self.shop = shop
        self.published = {c["content_id"]: c for c in shop.contents if c["published_at"].date() <= shop.on}
        self.views = views_by(shop, "content_id")
        self.tallies: dict[str, Tally] = {}
        by_id = {o["order_line_id"]: o for o in shop.orders}
        self.paid: dict[date, list[tuple[str, Decimal]]] = {}
        for line in shop.lines:
            content = by_id[line.line_id].get("content_id")
            if content is not None:
                self.paid.setdefault(line.pay_day, []).append((content, line.paid))
        first: dict[tuple[str, str], date] = {}
        for event in shop.events:
            if event.get("user_id") is None or event.get("content_id") is None or event["event_type"] in NO_TOUCH:
                continue
            key, day = (event["content_id"], event["user_id"]), event["occurred_at"].date()
            first[key] = min(day, first.get(key, day))
        self.ripe: dict[date, list[tuple[str, bool]]] = {}
        for (content, user), touched in first.items():
            days = layers.get(user, {})
            before = days.get(touched - ONE_DAY, 0)
            reached = any(days.get(touched + timedelta(days=n), 0) >= 3 for n in range(16))
            self.ripe.setdefault(touched + timedelta(days=15), []).append((content, before < 3 and reached))

    def declared(self, content: str, on: date) -> str | None:
        row = self.published.get(content)
        if row is None or row["published_at"].date() > on:
            return None
        selling = row.get("has_product_link") is True or (
            row["content_type"] == "live" and row.get("declared_intent") == "selling"
        )
        return "selling" if selling else "seeding"

    def pass_day(self, day: date) -> None:
        """Everything dated on the day is known from now on."""
        for content, seen in self.views.get(day, {}).items():
            tally = self.tallies.setdefault(content, Tally())
            tally.seen.append(total(v for _, v in seen))
        for content, paid in self.paid.get(day, []):
            self.tallies.setdefault(content, Tally()).paid += paid
        for content, flowed in self.ripe.get(day, []):
            tally = self.tallies.setdefault(content, Tally())
            tally.ripe += 1
            tally.flow += flowed

    def viewed(self, on: date) -> dict[str, int]:
        """content -> views of W(30, D), those with a view."""
        first, last = window(WINDOW, on)
        found: dict[str, int] = {}
        for day in days_between(first, last):
            for content, seen in self.views.get(day, {}).items():
                found[content] = found.get(content, 0) + (total(v for _, v in seen) or 0)
        return {content: views for content, views in found.items() if views}

    def observed(self, on: date) -> dict[str, str] | None:
        """content -> role of every content with x and y; None while fewer than 20 of those viewed have them."""
        judged = {c: role for c, t in self.tallies.items() if (role := t.role_of(self.shop)) is not None}
        cut = [judged[c] for c in self.viewed(on) if c in judged]
        if len(cut) < 20:
            return None
        cut_x, cut_y = median(x for x, _ in cut), median(y for _, y in cut)
        names = {(True, True): "both", (True, False): "seeding", (False, True): "selling", (False, False): "weak"}
        return {c: names[x >= cut_x, y >= cut_y] for c, (x, y) in judged.items()}


def content_marts(shop: Shop, layers: Layers) -> dict[str, list[Row]]:
    """content_mix_daily of every day, then content_performance as of the last."""
    contents = Contents(shop, layers)
    mix: list[Row] = []
    dated = [*contents.views, *contents.paid, *contents.ripe]
    for day in days_between(min([*dated, *shop.days]), shop.on):
        contents.pass_day(day)
        if day >= shop.days[0]:
            mix += content_mix(shop, contents, day)
    return {"content_mix_daily": mix, "content_performance": content_performance(shop, contents)}


def first_event_day(shop: Shop) -> date | None:
    return min(shop.events_on, default=None)


def content_mix(shop: Shop, contents: Contents, day: date) -> list[Row]:
    viewed = contents.viewed(day)
    first, last = window(WINDOW, day)
    spent: dict[str, Decimal] = {}
    for row in shop.feeds.get("ad_spend", []):
        if row.get("content_id") is not None and first <= row["business_date"] <= last:
            spent[row["content_id"]] = spent.get(row["content_id"], ZERO) + row["cost_amount"]
    observed = contents.observed(day)
    events_from = first_event_day(shop)
    seeds = shop.present("orders") and shop.names_users and events_from is not None and day >= events_from
    traffic = shop.first_traffic_day is not None and day >= shop.first_traffic_day
    rows = []
    for basis, roles in ROLES.items():
        missing = not (shop.present("contents") if basis == "declared" else seeds)
        insufficient = basis == "observed" and observed is None
        role_of = {
            c: (contents.declared(c, day) if basis == "declared" else (observed or {}).get(c)) or "unknown"
            for c in {*viewed, *spent}
        }
        for role in roles:
            row: Row = {"shop_id": shop.shop_id, "business_date": day, "role_basis": basis, "role": role}
            row |= {"contents": None, "views_share": None, "spend_share": None}
            if not missing and not insufficient:
                mine = {c for c, r in role_of.items() if r == role}
                if traffic:
                    everything = sum(viewed.values())
                    row["contents"] = len(mine & viewed.keys())
                    row["views_share"] = sum(viewed.get(c, 0) for c in mine) / everything if everything else None
                if shop.present("ad_spend") and sum(spent.values()):
                    row["spend_share"] = float(sum(spent.get(c, ZERO) for c in mine)) / float(sum(spent.values()))
            if missing or not traffic:
                row["data_status"] = "missing_source"
            else:
                row["data_status"] = "insufficient" if insufficient else "ok"
            rows.append(row)
    return rows


def content_performance(shop: Shop, contents: Contents) -> list[Row]:
    observed = contents.observed(shop.on) or {}
    known = {c for c, tally in contents.tallies.items() if tally.views or tally.paid}
    seeds = shop.names_users and first_event_day(shop) is not None
    rows = []
    for content in sorted({*contents.published, *known}):
        tally = contents.tallies.get(content, Tally())
        described = contents.published.get(content, {})
        ripe = seeds and tally.ripe > 0
        gpm = shop.present("orders") and (tally.views or 0) >= MINIMUM_VIEWS
        rows.append(
            {
                "shop_id": shop.shop_id,
                "content_id": content,
                "author_id": described.get("author_id"),
                "content_type": described.get("content_type"),
                "declared_role": contents.declared(content, shop.on),
                "observed_role": observed.get(content),
                "views": tally.views if shop.first_traffic_day is not None else None,
                "ripe_users": tally.ripe if ripe else None,
                "a3_flow_users": tally.flow if ripe else None,
                "a3_flow_rate": tally.flow / tally.ripe if ripe else None,
                "paid_amount": tally.paid if shop.present("orders") else None,
                "gpm": float(1000 * tally.paid) / tally.views if gpm else None,
                "data_status": "missing_source" if not seeds else "ok" if ripe else "immature",
            }
        )
    return rows


def campaign_performance(shop: Shop, layers: Layers) -> list[Row]:
    """R92-R97."""
    campaigns = shop.feeds.get("campaigns", [])
    held = {d for c in campaigns for d in days_between(c.get("warm_up_on") or c["starts_on"], c["ends_on"])}
    return [campaign(shop, layers, c, held) for c in campaigns if c["starts_on"] <= shop.on]


def paid_on(shop: Shop, day: date) -> Decimal:
    return sum((line.paid for line in shop.lines_paid_on.get(day, [])), ZERO)


def baseline(shop: Shop, warm_up: date, held: set[date]) -> dict[int, Decimal]:
    """weekday -> median of what it brought, at least three days of it."""
    last = warm_up - timedelta(days=7)
    days = [d for d in days_between(last - timedelta(days=55), last) if d in set(shop.days) and d not in held]
    points = {w: [paid_on(shop, d) for d in days if d.weekday() == w] for w in range(7)}
    return {w: median(values) for w, values in points.items() if len(values) >= 3}


def campaign(shop: Shop, layers: Layers, row: Row, held: set[date]) -> Row:
    start, end = row["starts_on"], row["ends_on"]
    warm_up = row.get("warm_up_on") or start
    paid = sum((paid_on(shop, d) for d in days_between(start, min(end, shop.on))), ZERO)
    made: Row = {"shop_id": shop.shop_id, "campaign_id": row["campaign_id"]}
    made |= dict.fromkeys(CAMPAIGN_COLUMNS)
    made["data_status"] = "ok" if end <= shop.on else "immature"
    if shop.present("orders"):
        made["paid_amount"] = paid
    else:
        made["data_status"] = "missing_source"
    if end > shop.on:
        return made
    if shop.names_users and warm_up - ONE_DAY in set(shop.days):
        made["a3_gained"] = stock(layers, end, {3}) - stock(layers, warm_up - ONE_DAY, {3})
        everyone = {1, 2, 3, 4, 5}
        made["asset_gained"] = stock(layers, end, everyone) - stock(layers, warm_up - ONE_DAY, everyone)
    if not shop.present("orders"):
        return made
    costs = [
        r["cost_amount"]
        for r in shop.feeds.get("ad_spend", [])
        if r.get("campaign_id") == row["campaign_id"] and warm_up <= r["business_date"] <= end
    ]
    made["roi"] = float(paid) / float(sum(costs)) if sum(costs) else None
    if shop.names_users:
        won = buyers_won(shop, start, end)
        made["buyers_won"] = len(won)
        made["repurchase_30d"] = repurchase(shop, won, end, 30)
        made["repurchase_90d"] = repurchase(shop, won, end, 90)
    medians = baseline(shop, warm_up, held)
    days = days_between(start, end)
    if all(d.weekday() in medians for d in days):
        expected = sum((medians[d.weekday()] for d in days), ZERO).quantize(CENT, ROUND_HALF_UP)
        made["baseline_amount"] = expected
        made["incremental_amount"] = paid - expected
        made["uplift"] = float(paid) / float(expected) - 1 if expected else None
        after = [d for d in days_between(end + ONE_DAY, end + timedelta(days=14)) if d not in held]
        if end + timedelta(days=14) <= shop.on and all(d.weekday() in medians for d in after):
            usual = sum((medians[d.weekday()] for d in after), ZERO).quantize(CENT, ROUND_HALF_UP)
            made["net_incremental_amount"] = paid - expected + sum((paid_on(shop, d) for d in after), ZERO) - usual
    return made


def stock(layers: Layers, on: date, wanted: set[int]) -> int:
    return sum(1 for days in layers.values() if days.get(on) in wanted)


def buyers_won(shop: Shop, start: date, end: date) -> dict[str, date]:
    """Known buyer of the campaign who paid nothing in the 365 days before it -> first day in it (R86, R96)."""
    earlier = {line.user_id for line in shop.paid_between(start - timedelta(days=365), start - ONE_DAY)}
    first: dict[str, date] = {}
    for line in shop.paid_between(start, end):
        if line.user_id is not None and line.user_id not in earlier:
            first[line.user_id] = min(line.pay_day, first.get(line.user_id, line.pay_day))
    return first


def repurchase(shop: Shop, won: dict[str, date], end: date, days: int) -> float | None:
    """R96: share of those won with another line, effective on D, within `days` after their own first campaign day."""
    if end + timedelta(days=days) > shop.on:
        return None
    again = {
        line.user_id
        for line in shop.lines
        if line.user_id in won
        and won[line.user_id] < line.pay_day <= won[line.user_id] + timedelta(days=days)
        and line.effective(shop.on)
    }
    return len(again) / len(won) if won else None
