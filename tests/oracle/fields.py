"""Purchase paths, sources of live views, synergy and the field matrix (metrics.md 5-7, R66-R81, R107, R109)."""

from __future__ import annotations

import math
from datetime import date, timedelta
from decimal import Decimal

from tests.oracle.audience import Layers
from tests.oracle.facts import ZERO, Row, Shop, is_paid, window
from tests.oracle.traffic import add

LOOK_BACK = timedelta(hours=168)
NO_TOUCH = {"impression", "product_impression"}
CONTENT, CENTER = {"live", "short_video"}, {"mall", "search"}
PULL = {"search", "mall", "shop", "showcase", "cart", "favorites", "order_page"}
PUSH = {"recommend", "follow", "paid", "short_video_referral"}
SOURCES = {"paid": 22, "short_video_referral": 3, "search": 2, "follow": 9, "recommend": 62, "other": 1}
CLASSES = {"head_author": None, "campaign": None, "author_matrix": 0.61, "own": 0.21, "shelf": None}
OPERATING = {"live": {"live"}, "short_video": {"short_video"}, "mall": CENTER}
MARKETING = ("author", "campaign", "ad")
HEAD_FOLLOWERS = 1_000_000
WINDOW_DAYS, MINIMUM_USERS, MINIMUM_BUYERS = 30, 1000, 30


class Touches:
    """What the marts of this page share: paid lines of the run, touches by user, and who is external."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.lines = [o for o in shop.orders if is_paid(o) and o["paid_at"].date() <= shop.on]
        self.published = {
            c["content_id"]: c["published_at"].date() for c in shop.contents if c["published_at"].date() <= shop.on
        }
        self.snapshots: dict[str, list[Row]] = {}
        for row in sorted(shop.feeds.get("authors", []), key=lambda r: r["snapshot_on"]):
            if row["snapshot_on"] <= shop.on:
                self.snapshots.setdefault(row["author_id"], []).append(row)
        self.by_user: dict[str, list[Row]] = {}
        for event in shop.events:
            if event.get("user_id") is not None and event["event_type"] not in NO_TOUCH:  # R66
                self.by_user.setdefault(event["user_id"], []).append(event)
        self.first_event_day = min((e["occurred_at"].date() for e in shop.events), default=None)

    def author(self, row: Row, day: date) -> Row:
        """The snapshot that speaks for the row's author (R78); empty when the author is nobody we know."""
        day = self.published.get(row.get("content_id"), day)
        found = self.snapshots.get(row.get("author_id"), [])
        before = [s for s in found if s["snapshot_on"] <= day]
        return before[-1] if before else found[0] if found else {}

    def external(self, row: Row, day: date) -> bool:
        return row.get("author_id") is not None and self.author(row, day).get("is_own") is not True

    def event_external(self, event: Row) -> bool:
        return self.external(event, event["occurred_at"].date())

    def around(self, line: Row) -> list[Row]:
        """The user's touches in the 168 hours before the payment."""
        paid = line["paid_at"]
        events = self.by_user.get(line["user_id"], []) if line.get("user_id") is not None else []
        return [e for e in events if paid - LOOK_BACK <= e["occurred_at"] <= paid]

    def marketing_of(self, event: Row) -> set[str]:
        found = {"author"} if self.event_external(event) else set()
        found |= {"campaign"} if event.get("campaign_id") is not None else set()
        return found | ({"ad"} if event.get("traffic_source") == "paid" else set())


def path_class(touches: Touches, line: Row) -> str:
    """R67, R68."""
    entry, scene = line.get("entry"), line.get("scene")
    near = touches.around(line)
    if entry in PULL:
        pull = True
    elif entry in PUSH and scene in CONTENT:
        pull = False
    else:
        same = [e for e in near if e.get("product_id") == line["product_id"]]
        if not same:
            return "unknown"
        last = max(same, key=lambda e: (e["occurred_at"], e["event_id"]))
        pull = last["scene"] in CENTER or last.get("traffic_source") == "search"
    if not pull:
        return "direct_push"
    return "content_assisted_pull" if any(e["scene"] in CONTENT for e in near) else "pure_pull"


def field_class(touches: Touches, line: Row) -> str:
    """R79: the first that holds."""
    pay_day = line["paid_at"].date()
    author, external = touches.author(line, pay_day), touches.external(line, pay_day)
    if external and (author.get("is_celebrity") is True or (author.get("followers") or 0) >= HEAD_FOLLOWERS):
        return "head_author"
    if line.get("campaign_id") is not None:
        return "campaign"
    if external:
        return "author_matrix"
    return "own" if line.get("author_id") is not None else "shelf"


def total(lines: list[Row]) -> Decimal:
    return sum((line["paid_amount"] for line in lines), ZERO)


def purchase_path_daily(shop: Shop, touches: Touches) -> list[Row]:
    cells: dict[tuple[date, str, str], list[Row]] = {}
    for line in touches.lines:
        key = (line["paid_at"].date(), path_class(touches, line), line.get("scene") or "unknown")
        cells.setdefault(key, []).append(line)
    rows = []
    for (day, path, scene), lines in cells.items():
        if day not in shop.days:
            continue
        of_day = total([line for line in touches.lines if line["paid_at"].date() == day])
        marketing = [
            line
            for line in lines
            if line.get("entry") == "paid"
            or line.get("ad_id") is not None
            or line.get("campaign_id") is not None
            or touches.external(line, day)
        ]
        users = {line["user_id"] for line in lines if line.get("user_id") is not None}
        rows.append(
            {
                "shop_id": shop.shop_id,
                "business_date": day,
                "path_class": path,
                "scene": scene,
                "field": "content" if scene in CONTENT else "center" if scene in CENTER else "unknown",
                "paid_amount": total(lines),
                "marketing_amount": total(marketing),
                "orders": len({line["order_id"] for line in lines}),
                "buyers": len(users) if shop.names_users else None,
                "amount_share": float(total(lines)) / float(of_day),
                "data_status": "ok",
            }
        )
    return rows


def field_matrix_daily(shop: Shop, touches: Touches) -> list[Row]:
    classes: dict[tuple[date, str], list[Row]] = {}
    for line in touches.lines:
        classes.setdefault((line["paid_at"].date(), field_class(touches, line)), []).append(line)
    rows = []
    known = shop.present("orders")
    for day in shop.days:
        of_day = sum((total(classes.get((day, name), [])) for name in CLASSES), ZERO)
        for name, paper in CLASSES.items():
            lines = classes.get((day, name), [])
            past = ZERO
            if (day.month, day.day) != (2, 29):
                past = total(classes.get((day.replace(year=day.year - 1), name), []))
            row = {
                "paid_amount": total(lines),
                "share": float(total(lines)) / float(of_day) if of_day else None,
                "campaign_amount": total([line for line in lines if line.get("campaign_id") is not None]),
                "yoy_growth": float(total(lines)) / float(past) - 1 if past else None,
            }
            if not known:
                row = dict.fromkeys(row)
            key = {"shop_id": shop.shop_id, "business_date": day, "field_class": name}
            rows.append(key | row | {"paper_share": paper, "data_status": "ok" if known else "missing_source"})
    return rows


def traffic_source_daily(shop: Shop) -> list[Row]:
    rows = []
    for day in shop.days:
        views: dict[str, int | None] = dict.fromkeys(SOURCES)
        if shop.first_traffic_day is not None and day >= shop.first_traffic_day:
            for name in SOURCES:
                if day in shop.daily_on:
                    live = [r for r in shop.daily_on[day] if r["scene"] == "live"]
                    views[name] = add(r.get("views") for r in live if (r.get("traffic_source") or "other") == name)
                else:
                    views[name] = sum(
                        1
                        for e in shop.events_on.get(day, [])
                        if e["scene"] == "live"
                        and e["event_type"] == "view"
                        and (e.get("traffic_source") or "other") == name
                    )
        everything = sum(v for v in views.values() if v is not None)
        shown = largest_remainder({n: v for n, v in views.items() if v is not None}) if everything else {}
        for name, printed in SOURCES.items():
            rows.append(
                {
                    "shop_id": shop.shop_id,
                    "business_date": day,
                    "traffic_source": name,
                    "views": views[name],
                    "share": views[name] / everything if everything and views[name] is not None else None,
                    "displayed_share": shown.get(name),
                    "paper_share": printed / 99,
                    "data_status": "missing_source" if views[name] is None else "ok",
                }
            )
    return rows


def largest_remainder(parts: dict[str, int]) -> dict[str, int]:
    """Whole percents that add up to 100; the order of `parts` settles ties (R72)."""
    everything = sum(parts.values())
    shown = {name: 100 * n // everything for name, n in parts.items()}
    by_remainder = sorted(parts, key=lambda name: -(100 * parts[name] % everything))
    for name in by_remainder[: 100 - sum(shown.values())]:
        shown[name] += 1
    return shown


def clipped_window(shop: Shop, touches: Touches, day: date) -> tuple[date, date] | None:
    """W(30, day) from the first event day on (R3b); None before it, or where nobody can be told apart (R13b)."""
    first = touches.first_event_day
    if first is None or day < first or not shop.names_users or not shop.present("orders"):
        return None
    return max(window(WINDOW_DAYS, day)[0], first), day


def synergy_matrix_daily(shop: Shop, touches: Touches) -> list[Row]:
    found: dict[str, set[tuple[str, str]]] = {}
    for line in touches.lines:
        near = touches.around(line)
        own = {name for name, scenes in OPERATING.items() for e in near if own_in(touches, e, scenes)}
        marketing = {name for e in near for name in touches.marketing_of(e)}
        found[line["order_line_id"]] = {(e, m) for e in own for m in marketing}
    rows = []
    for day in shop.days:
        span = clipped_window(shop, touches, day)
        lines = [x for x in touches.lines if span is not None and span[0] <= x["paid_at"].date() <= span[1]]
        for operating in OPERATING:
            for marketing in MARKETING:
                both = total([x for x in lines if (operating, marketing) in found[x["order_line_id"]]])
                rows.append(
                    {
                        "shop_id": shop.shop_id,
                        "business_date": day,
                        "operating_function": operating,
                        "marketing_function": marketing,
                        "paid_amount": both if span is not None else None,
                        "share": float(both) / float(total(lines)) if lines else None,
                        "data_status": "ok" if span is not None else "missing_source",
                    }
                )
    return rows


def own_in(touches: Touches, event: Row, scenes: set[str]) -> bool:
    return event["scene"] in scenes and not touches.event_external(event)


ARMS = ("neither", "own", "marketing", "both")


def synergy_daily(shop: Shop, touches: Touches, layers: Layers) -> list[Row]:
    rows = []
    for day in shop.days:
        row: Row = {"shop_id": shop.shop_id, "business_date": day}
        span = clipped_window(shop, touches, day)
        if span is None:
            lift = dict.fromkeys(("lift", "p0", "p_e", "p_m", "p_em", "expected", "lower_95", "upper_95", "verdict"))
            arms: dict[str, tuple[int | None, int | None]] = dict.fromkeys(ARMS, (None, None))
            status = "missing_source"
        else:
            known = {user for user, days in layers.items() if day in days}
            own: set[str] = set()
            marketing: set[str] = set()
            for user in known:
                for event in touches.by_user.get(user, []):
                    if span[0] <= event["occurred_at"].date() <= span[1]:
                        own |= set() if touches.event_external(event) else {user}
                        marketing |= {user} if touches.marketing_of(event) else set()
            bought = {x["user_id"] for x in touches.lines if span[0] <= x["paid_at"].date() <= span[1]}
            people = (known - own - marketing, own - marketing, marketing - own, own & marketing)
            arms = {name: (len(some), len(some & bought)) for name, some in zip(ARMS, people, strict=True)}
            lift = lift_of(*(arms[name] for name in ARMS))
            status = "ok" if lift["lift"] is not None else "insufficient"
        for name, (users, buyers) in arms.items():
            row |= {f"{name}_users": users, f"{name}_buyers": buyers}
        rows.append(row | lift | {"data_status": status})
    return rows


def lift_of(*arms: tuple[int, int]) -> Row:
    """Lift, interval and verdict of (users, buyers) of neither, own, marketing, both (metrics.md 6, R76, R77)."""
    row: Row = dict.fromkeys(("lift", "p0", "p_e", "p_m", "p_em", "expected", "lower_95", "upper_95", "verdict"))
    if any(users < MINIMUM_USERS or buyers < MINIMUM_BUYERS for users, buyers in arms):
        return row
    p0, p_e, p_m, p_em = (buyers / users for users, buyers in arms)
    row |= {"p0": p0, "p_e": p_e, "p_m": p_m, "p_em": p_em}
    if p0 == 1:
        return row
    row["expected"] = expected = 1 - (1 - p_e) * (1 - p_m) / (1 - p0)
    if expected <= 0:
        return row
    spread = [p * (1 - p) / users for p, (users, _) in zip((p0, p_e, p_m, p_em), arms, strict=True)]
    of_expected = (
        ((1 - p_m) / (1 - p0)) ** 2 * spread[1]
        + ((1 - p_e) / (1 - p0)) ** 2 * spread[2]
        + ((1 - p_e) * (1 - p_m) / (1 - p0) ** 2) ** 2 * spread[0]
    )
    error = math.sqrt(spread[3] / p_em**2 + of_expected / expected**2)
    lift = p_em / expected
    row |= {"lift": lift, "lower_95": lift * math.exp(-1.96 * error), "upper_95": lift * math.exp(1.96 * error)}
    row["verdict"] = "synergy" if lift > 1.1 else "cannibalising" if lift < 0.9 else "additive"
    return row
