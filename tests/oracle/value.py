"""Fans, members, lucky bags, cohorts and customers (metrics.md 9, R90, R91, R104, R105, R108)."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from tests.oracle.audience import Layers
from tests.oracle.facts import ZERO, Line, Row, Shop, is_paid

GROUPS = ("fan", "non_fan", "member", "non_member")
FOLLOWS = {"follow", "fan_club_join"}
MINIMUM_USERS, MINIMUM_COHORTS, LAST_MONTH = 100, 3, 11
ONE_MINUTE = timedelta(minutes=1)


def sum_known(values: list) -> object:
    """Sum of what is not None; None when nothing is left of something, 0 of nothing."""
    if not values:
        return 0
    known = [v for v in values if v is not None]
    return sum(known[1:], known[0]) if known else None


def first_event_day(shop: Shop) -> date | None:
    return min((e["occurred_at"].date() for e in shop.events), default=None)


def tells_people(shop: Shop, day: date) -> bool:
    """R3b, R13b: can anything about people be read from the events of the day?"""
    first = first_event_day(shop)
    return shop.names_users and first is not None and day >= first


def paid_orders(shop: Shop) -> list[Row]:
    return [o for o in shop.orders if is_paid(o) and o["paid_at"].date() <= shop.on]


def fan_member_daily(shop: Shop) -> list[Row]:
    published = {c["content_id"]: c["published_at"] for c in shop.contents if c["published_at"].date() <= shop.on}
    members = {m["user_id"]: m for m in shop.feeds.get("members", [])}
    orders = [o for o in paid_orders(shop) if o.get("scene") == "live" and o.get("user_id") is not None]
    rows = []
    for day in shop.days:
        seen: dict[str, list[datetime]] = {}
        for event in shop.events_on.get(day, []):
            if event["event_type"] == "view" and event["scene"] == "live" and event.get("user_id") is not None:
                start = published.get(event.get("content_id"), event["occurred_at"])
                seen.setdefault(event["user_id"], []).append(start)
        groups: dict[str, set[str]] = {name: set() for name in GROUPS}
        for user, starts in seen.items():
            groups["fan" if is_fan(shop, user, min(starts), day) else "non_fan"].add(user)
            groups["member" if is_member(members.get(user), min(starts), day) else "non_member"].add(user)
        for name, viewers in groups.items():
            known = tells_people(shop, day) and ("member" not in name or shop.present("members"))
            bought = [o for o in orders if o["paid_at"].date() == day and o["user_id"] in viewers]
            buyers, orders_of = {o["user_id"] for o in bought}, {o["order_id"] for o in bought}
            amount = sum((o["paid_amount"] for o in bought), ZERO)
            row: Row = dict.fromkeys(("buyers", "conversion", "amount_per_buyer", "amount_per_order", "paid_amount"))
            if known and shop.present("orders"):
                row = {
                    "buyers": len(buyers),
                    "conversion": len(buyers) / len(viewers) if viewers else None,
                    "amount_per_buyer": float(amount) / len(buyers) if buyers else None,
                    "amount_per_order": float(amount) / len(orders_of) if orders_of else None,
                    "paid_amount": amount,
                }
            key = {"shop_id": shop.shop_id, "business_date": day, "viewer_group": name}
            viewed = {"viewers": len(viewers) if known else None}
            rows.append(key | viewed | row | {"data_status": "ok" if known else "missing_source"})
    return rows


def is_fan(shop: Shop, user: str, start: datetime, day: date) -> bool:
    return any(
        e["event_type"] in FOLLOWS and e["occurred_at"] < start and e["occurred_at"].date() <= day
        for e in shop.events
        if e.get("user_id") == user
    )


def is_member(member: Row | None, start: datetime, day: date) -> bool:
    if member is None or member["joined_at"] >= start or member["joined_at"].date() > day:
        return False
    left = member.get("left_at")
    return left is None or left > start or left.date() > day


def lucky_bag_daily(shop: Shop) -> list[Row]:
    bags = [b for b in shop.feeds.get("lucky_bags", []) if b["started_at"].date() <= shop.on]
    bags.sort(key=lambda b: (b["content_id"], b["started_at"], b["bag_id"]))
    before = {
        later["bag_id"]: earlier for earlier, later in pairwise(bags) if earlier["content_id"] == later["content_id"]
    }
    sold = {
        (o.get("content_id"), o.get("user_id"), o["paid_at"].date())
        for o in paid_orders(shop)
        if o.get("content_id") is not None
    }
    rows = []
    for day in shop.days:
        mine = [b for b in bags if b["started_at"].date() == day]
        pairs = [(b, before[b["bag_id"]]) for b in mine if b["bag_id"] in before]
        gaps = [later["started_at"] - earlier["started_at"] for later, earlier in pairs]
        row: Row = {
            "bags": len(mine),
            "participations": sum_known([b.get("participations") for b in mine]),
            "participants": sum_known([b.get("participants") for b in mine]),
            "winners": sum_known([b.get("winners") for b in mine]),
            "mean_interval_minutes": sum(gaps, timedelta()) / ONE_MINUTE / len(gaps) if gaps else None,
            "overlaps": sum(
                1 for later, earlier in pairs if earlier.get("ended_at") and earlier["ended_at"] > later["started_at"]
            ),
            "participant_conversion": None,
            "non_participant_conversion": None,
        }
        if tells_people(shop, day) and shop.present("orders"):
            rooms = {b["content_id"] for b in mine}
            joined, viewed = (
                {
                    (e["content_id"], e["user_id"])
                    for e in shop.events_on.get(day, [])
                    if e["event_type"] == kind and e.get("content_id") in rooms and e.get("user_id") is not None
                }
                for kind in ("lucky_bag_join", "view")
            )
            for column, found in (
                ("participant_conversion", joined),
                ("non_participant_conversion", viewed - joined),
            ):
                buyers = [pair for pair in found if (*pair, day) in sold]
                row[column] = len(buyers) / len(found) if found else None
        if not shop.present("lucky_bags"):
            row = dict.fromkeys(row)
        key = {"shop_id": shop.shop_id, "business_date": day}
        rows.append(key | row | {"data_status": "ok" if shop.present("lucky_bags") else "missing_source"})
    return rows


def month_after(month: date, count: int) -> date:
    years, index = divmod(month.month - 1 + count, 12)
    return date(month.year + years, index + 1, 1)


def is_complete(month: date, on: date) -> bool:
    return month.replace(day=monthrange(month.year, month.month)[1]) <= on


def cohorts_of(shop: Shop) -> dict[date, set[str]]:
    """Month of the first purchase effective on D -> its users."""
    first: dict[str, date] = {}
    for line in shop.lines:
        if line.user_id is not None and line.effective(shop.on):
            first[line.user_id] = min(line.pay_day, first.get(line.user_id, line.pay_day))
    result: dict[date, set[str]] = {}
    for user, day in first.items():
        result.setdefault(day.replace(day=1), set()).add(user)
    return result


def contribution(line: Line, products: dict[str, Row], on: date) -> Decimal | None:
    product = products.get(line.product_id, {})
    if product.get("margin_rate") is not None:
        return line.net_amount(on) * product["margin_rate"]
    if product.get("unit_cost") is not None:
        return line.net_amount(on) - product["unit_cost"] * line.net_quantity(on)
    return None


def cohort_value(shop: Shop) -> list[Row]:
    cohorts = cohorts_of(shop)
    products = {p["product_id"]: p for p in shop.products}
    everybody = {user for users in cohorts.values() for user in users}
    of_cohorts = [line for line in shop.lines if line.user_id in everybody]
    has_margins = all(contribution(line, products, shop.on) is not None for line in of_cohorts)

    net: dict[tuple[date, int], Decimal] = {}
    value: dict[tuple[date, int], Decimal] = {}  # cumulated, on the basis
    last: dict[date, int] = {}
    for month, users in cohorts.items():
        lines = [line for line in of_cohorts if line.user_id in users]
        so_far, m = ZERO, 0
        while is_complete(month_after(month, m), shop.on):
            paid = [line for line in lines if line.pay_day.replace(day=1) == month_after(month, m)]
            net[month, m] = sum((line.net_amount(shop.on) for line in paid), ZERO)
            worth = [
                contribution(line, products, shop.on) if has_margins else line.net_amount(shop.on) for line in paid
            ]
            so_far += sum(worth, ZERO)
            value[month, m] = so_far
            last[month] = m
            m += 1

    factors: dict[int, float | None] = {}
    for m in range(LAST_MONTH):
        grown = [c for c in last if last[c] >= m + 1 and len(cohorts[c]) >= MINIMUM_USERS]
        start = sum((value[c, m] for c in grown), ZERO)
        end = sum((value[c, m + 1] for c in grown), ZERO)
        factors[m] = float(end) / float(start) if len(grown) >= MINIMUM_COHORTS and start > 0 else None

    rows = []
    for (month, m), amount in net.items():
        users = len(cohorts[month])
        known = min(last[month], LAST_MONTH)
        clv: float | None = float(value[month, known]) / users
        for step in range(known, LAST_MONTH):
            factor = factors[step]
            clv = clv * factor if clv is not None and factor is not None else None
        rows.append(
            {
                "shop_id": shop.shop_id,
                "cohort_month": month,
                "months_since_first": m,
                "users": users,
                "net_amount": amount,
                "cumulative_per_user": float(sum((net[month, k] for k in range(m + 1)), ZERO)) / users,
                "clv12": clv,
                "clv_basis": "contribution" if has_margins else "revenue",
                "data_status": "ok",
            }
        )
    return rows


def customer_value(shop: Shop, layers: Layers, cohort_rows: list[Row]) -> list[Row]:
    clv = {row["cohort_month"]: row["clv12"] for row in cohort_rows}
    cohort_of = {user: month for month, users in cohorts_of(shop).items() for user in users}
    lines: dict[str, list[Line]] = {}
    for line in shop.lines:
        if line.user_id is not None:
            lines.setdefault(line.user_id, []).append(line)
    return [
        {
            "shop_id": shop.shop_id,
            "user_id": user,
            "first_paid_on": min(line.pay_day for line in mine),
            "last_paid_on": max(line.pay_day for line in mine),
            "occasions": len({line.pay_day for line in mine if line.effective(shop.on)}),
            "net_amount": sum((line.net_amount(shop.on) for line in mine), ZERO),
            "layer": layers.get(user, {}).get(shop.on),
            "clv12": clv.get(cohort_of[user]) if user in cohort_of else None,
            "data_status": "ok",
        }
        for user, mine in lines.items()
    ]
