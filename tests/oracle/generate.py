"""Invents small, mean histories: shops whose rows sit on window edges, midnights and thresholds.

A history is a list of deliveries (a run day and a file of rows). Rows that a later delivery restates carry
`updated_at` when their feed has it; products, contents and authors have none, so there delivery order decides.
"""

from __future__ import annotations

import csv
import os
import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.oracle.facts import Feeds, Row

EVENT_TYPES = [
    "impression",
    "view",
    "product_impression",
    "product_click",
    "like",
    "comment",
    "favorite",
    "share",
    "follow",
    "fan_club_join",
    "gift",
    "search",
    "search_click",
    "product_favorite",
    "add_to_cart",
    "shop_visit",
    "coupon_claim",
    "inquiry",
    "product_question",
    "member_join",
    "lucky_bag_join",
]
KEYS = {
    "orders": ("order_line_id",),
    "refunds": ("refund_id",),
    "reviews": ("review_id", "order_id"),
    "products": ("product_id",),
    "authors": ("author_id", "snapshot_on"),
    "contents": ("content_id",),
    "traffic_events": ("event_id",),
    "traffic_daily": ("business_date", "scene", "traffic_source", "author_id", "content_id", "product_id"),
    "service_sessions": ("session_id",),
    "nps_surveys": ("response_id",),
    "official_metrics": ("business_date", "metric", "source"),
    "benchmarks": ("subject", "indicator", "grain", "valid_from"),
    "members": ("user_id",),
    "lucky_bags": ("bag_id",),
    "campaigns": ("campaign_id",),
    "ad_spend": ("business_date", "ad_id"),
    "users": ("user_id", "snapshot_on"),
    "author_audience": ("author_id", "snapshot_on", "gender", "age_band", "city_tier"),
    "settlements": ("settlement_id",),
    "buyer_map": ("order_id",),
    "order_commissions": ("order_line_id",),
}
COLUMNS = {
    "orders": "shop_id order_line_id order_id user_id product_id product_name quantity paid_amount created_at paid_at "
    "status scene entry author_id content_id campaign_id ad_id is_gift is_presale "
    "promised_ship_at picked_up_at due_delivery_at delivered_at updated_at",
    "refunds": "shop_id refund_id order_line_id kind reason applied_at reviewed_at refunded_at refund_amount "
    "refund_quantity is_escalated status updated_at",
    "reviews": "shop_id review_id order_id order_line_id product_id user_id rating created_at updated_at",
    "products": "shop_id product_id title category_1 listed_at list_price unit_cost margin_rate",
    "authors": "shop_id author_id snapshot_on name is_own is_celebrity followers",
    "contents": "shop_id content_id content_type author_id published_at ended_at declared_intent "
    "has_product_link topic",
    "traffic_events": "shop_id event_id occurred_at event_type user_id scene traffic_source author_id content_id "
    "product_id campaign_id watch_seconds is_complete_play search_query",
    "traffic_daily": "shop_id business_date scene traffic_source author_id content_id product_id impressions views "
    "viewers watch_seconds interactions interacting_viewers product_impressions product_clicks "
    "product_impression_users product_click_users buyers orders units paid_amount",
    "service_sessions": "shop_id session_id kind user_id order_id opened_at human_turns reply_seconds unanswered_turns "
    "rating is_escalated",
    "nps_surveys": "shop_id response_id user_id order_id score answered_at",
    "official_metrics": "shop_id business_date metric value source",
    "benchmarks": "shop_id subject indicator grain floor average excellent source valid_from valid_to",
    "members": "shop_id user_id joined_at left_at level",
    "lucky_bags": "shop_id bag_id content_id started_at ended_at participations participants winners cost_amount",
    "campaigns": "shop_id campaign_id name kind warm_up_on starts_on ends_on is_verified",
    "ad_spend": "shop_id business_date ad_id campaign_id content_id author_id scene cost_amount impressions clicks",
    "users": "shop_id user_id snapshot_on gender age_band city_tier province",
    "author_audience": "shop_id author_id snapshot_on gender age_band city_tier share",
    "settlements": "shop_id settlement_id order_line_id settled_at settled_amount commission_amount platform_fee",
    "buyer_map": "shop_id order_id user_id",
    "order_commissions": "shop_id order_line_id author_id commission_amount",
}


@dataclass(frozen=True)
class Delivery:
    """Rows of one feed that arrive together in a file, before a night of a list of nights."""

    night: int
    feed: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Profile:
    """How large and how dense a shop is."""

    users: int
    products: int
    days: int
    orders_a_day: float
    events_a_day: float
    # Extra regular traffic that carries shops over the minimum denominators of the score.
    contents_a_day: float = 0.34
    exposed_a_day: int = 0
    clicking_a_day: int = 0
    watching_a_day: int = 0


SMALL = Profile(users=14, products=8, days=70, orders_a_day=1.2, events_a_day=5)
MIDDLE = Profile(users=30, products=11, days=125, orders_a_day=1.5, events_a_day=6)
WEEKLY = Profile(45, 9, 260, orders_a_day=2.5, events_a_day=4, exposed_a_day=20, clicking_a_day=9, watching_a_day=7)
DAILY = Profile(150, 8, 75, 5, 4, contents_a_day=3, exposed_a_day=122, clicking_a_day=40, watching_a_day=38)


def moment(rng: random.Random, day: date) -> datetime:
    """A time on the day, often at its very ends."""
    return datetime.combine(
        day,
        rng.choice(
            [
                time(0, 0, 0),
                time(23, 59, 59),
                time(12, 0, 0),
                time(rng.randrange(24), rng.randrange(60), rng.randrange(60)),
                time(rng.randrange(24), rng.randrange(60), rng.randrange(60)),
            ]
        ),
    )


class ShopMaker:
    """One shop's rows, each with the day it is first delivered."""

    def __init__(self, seed: int, shop_id: str, last: date, profile: Profile) -> None:
        self.rng = random.Random(f"{seed}/{shop_id}")
        self.shop, self.last, self.profile = shop_id, last, profile
        self.first = last - timedelta(days=profile.days - 1)
        self.users = [f"U{n:03d}-{shop_id}" for n in range(profile.users)]
        # Every third user is seen for a few days only, so that people lapse and come back to nothing.
        self.seen = {}
        for user in self.users[::3]:
            start = self.first + timedelta(days=self.rng.randrange(profile.days))
            self.seen[user] = (start, start + timedelta(days=self.rng.choice([0, 1, 3, 10])))
        self.products = [f"P{n:02d}" for n in range(profile.products)]
        self.authors = ["A1", "A2", "A3"]
        self.out: list[tuple[date, str, Row]] = []
        self.sequence = 0

    def make(self) -> list[tuple[date, str, Row]]:
        self.make_products()
        self.make_authors()
        self.make_contents()
        for n in range(self.profile.days):
            day = self.first + timedelta(days=n)
            self.make_orders(day)
            self.make_events(day)
        self.make_tomorrow()
        return self.out

    def put(self, day: date, feed: str, row: Row, late: float = 0.15) -> None:
        """Delivers the row on the night of its day, sometimes days later; never after the last day."""
        if self.rng.random() < late:
            day += timedelta(days=self.rng.choice([1, 1, 2, 5, 12, 33]))
        self.out.append((min(day, self.last), feed, {"shop_id": self.shop, **row}))

    def number(self) -> int:
        self.sequence += 1
        return self.sequence

    def make_products(self) -> None:
        for product in self.products[:-1]:  # one product is sold but never described
            listed = self.rng.choice(
                [
                    None,
                    self.first - timedelta(days=self.rng.choice([1, 20, 60, 200])),
                    self.first + timedelta(days=self.rng.randrange(self.profile.days)),
                    self.last - timedelta(days=self.rng.choice([0, 12, 13, 14, 89, 90, 91])),
                ]
            )
            row = {
                "product_id": product,
                "title": f"商品 {product}",
                "category_1": self.rng.choice(["服饰", "食品"]),
                "listed_at": moment(self.rng, listed) if listed else None,
                "list_price": Decimal(self.rng.randrange(100, 20000)) / 100,
            }
            self.put(self.first, "products", row, late=0.3)
            if self.rng.random() < 0.15:  # a newer version of an undated attribute rewrites the past
                moved = moment(self.rng, self.first + timedelta(days=self.rng.randrange(self.profile.days)))
                restated = {"shop_id": self.shop, **row, "listed_at": moved}
                self.out.append((self.last - timedelta(days=self.rng.randrange(5)), "products", restated))

    def make_authors(self) -> None:
        for author in self.authors:
            row = {
                "author_id": author,
                "snapshot_on": self.first,
                "name": author,
                "is_own": author == "A1",
                "is_celebrity": False,
                "followers": self.rng.choice([900, 15000, 1400000]),
            }
            self.put(self.first, "authors", row)

    def make_contents(self) -> None:
        self.contents: list[Row] = []
        for n in range(int(self.profile.days * self.profile.contents_a_day)):
            published = moment(self.rng, self.first + timedelta(days=self.rng.randrange(self.profile.days)))
            kind = self.rng.choice(["short_video", "image_text", "live", "live"])
            ended = None
            if kind == "live" and self.rng.random() < 0.85:
                ended = published + timedelta(
                    seconds=self.rng.choice([1799, 1800, 1801, 600, 7200, 14400, self.rng.randrange(60, 20000)])
                )
            row = {
                "content_id": f"C{n:03d}",
                "content_type": kind,
                "author_id": self.rng.choice(self.authors),
                "published_at": published,
                "ended_at": ended,
                "declared_intent": self.rng.choice([None, "seeding", "selling"]),
            }
            self.contents.append(row)
            self.put(published.date(), "contents", row)

    def pick_user(self, unknown: float, day: date | None = None) -> str | None:
        if self.rng.random() < unknown:
            return None
        user = self.users[int(len(self.users) * self.rng.random() ** 1.6)]
        if day is not None and user in self.seen and not self.seen[user][0] <= day <= self.seen[user][1]:
            here = [u for u, (start, end) in self.seen.items() if start <= day <= end]
            return self.rng.choice(here) if here else None
        return user

    def content_near(self, day: date) -> str | None:
        near = [c["content_id"] for c in self.contents if abs((c["published_at"].date() - day).days) <= 3]
        return self.rng.choice([*near, None]) if near else None

    def many(self, mean: float) -> int:
        return sum(1 for _ in range(int(mean * 4)) if self.rng.random() < 0.25)

    def make_orders(self, day: date) -> None:
        rng = self.rng
        for _ in range(self.many(self.profile.orders_a_day)):
            order_id = f"O{self.number()}"
            user = self.pick_user(0.1, day)
            created = moment(rng, day)
            for part in range(rng.choice([1, 1, 1, 2])):
                self.make_line(f"{order_id}-{part}", order_id, user, created)

    def make_line(self, line_id: str, order_id: str, user: str | None, created: datetime) -> None:
        rng = self.rng
        kind = rng.random()
        amount = Decimal(rng.choice([100, 999, 1990, 5000, 5000, 10000, 123456, rng.randrange(1, 30000)])) / 100
        if kind < 0.06:
            amount = Decimal("0.00")
        paid_at = created + rng.choice(
            [timedelta(0), timedelta(seconds=1), timedelta(minutes=9), timedelta(days=1), timedelta(days=3)]
        )
        if 0.06 <= kind < 0.18 or paid_at.date() > self.last:
            paid_at = None
        row = {
            "order_line_id": line_id,
            "order_id": order_id,
            "user_id": user,
            "product_id": self.products[int(len(self.products) * rng.random() ** 1.4)],
            "product_name": '商品, "好"' if rng.random() < 0.05 else "商品",
            "quantity": rng.choice([1, 1, 1, 2, 3, 10]),
            "paid_amount": amount,
            "created_at": created,
            "paid_at": paid_at,
            "status": rng.choice(["closed", "paid", "shipped", "finished"])
            if paid_at
            else rng.choice(["created", "closed"]),
            "scene": rng.choice(["live", "live", "short_video", "mall", "search", "unknown", None]),
            "entry": rng.choice([None, "search", "recommend", "cart", "paid"]),
            "author_id": rng.choice([None, *self.authors]),
            "content_id": self.content_near(created.date()),
            "is_gift": rng.random() < 0.05 or (None if rng.random() < 0.5 else False),
            "is_presale": None,
            "updated_at": created,
        }
        history = rng.random()
        if paid_at is not None and history < 0.35:
            # First seen unpaid, restated after the payment.
            early = row | {"paid_at": None, "status": "created"}
            self.put(created.date(), "orders", early, late=0.05)
            row = row | {"updated_at": max(paid_at, created + timedelta(seconds=1))}
            self.put(paid_at.date(), "orders", row)
        else:
            self.put((paid_at or created).date(), "orders", row)
        if history > 0.93:
            # Corrected weeks later: another amount, product or buyer, with a newer updated_at.
            later = min(self.last, created.date() + timedelta(days=rng.choice([2, 9, 40])))
            change = rng.choice(
                [
                    {"paid_amount": Decimal("77.77")},
                    {"product_id": rng.choice(self.products)},
                    {"user_id": self.pick_user(0.2)},
                ]
            )
            row = row | change | {"updated_at": datetime.combine(later, time(23, 59, 59)) + timedelta(seconds=2)}
            self.out.append((later, "orders", {"shop_id": self.shop, **row}))
            # An older version that arrives after it must lose.
            if rng.random() < 0.5:
                stale = row | {"paid_amount": Decimal("0.01"), "updated_at": created - timedelta(seconds=5)}
                self.out.append((min(self.last, later + timedelta(days=1)), "orders", {"shop_id": self.shop, **stale}))
        if row["paid_at"] is not None or rng.random() < 0.1:
            self.make_refunds(row)
            self.make_review(row)

    def make_refunds(self, line: Row) -> None:
        rng = self.rng
        paid: Decimal = line["paid_amount"]
        start: datetime = line["paid_at"] or line["created_at"]
        for _ in range(rng.choice([0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 3])):
            applied = start + rng.choice(
                [
                    timedelta(0),
                    timedelta(hours=1),
                    timedelta(days=1),
                    timedelta(days=6),
                    timedelta(days=29),
                    timedelta(days=30),
                    timedelta(days=31),
                    timedelta(days=rng.randrange(60)),
                    -timedelta(days=2),  # dated before the payment: bad data that real exports hold
                ]
            )
            refunded = applied + rng.choice([timedelta(0), timedelta(hours=5), timedelta(days=1), timedelta(days=4)])
            amount = rng.choice(
                [paid, paid, (paid / 2).quantize(Decimal("0.01")), paid + Decimal("3.21"), Decimal("0.50")]
            )
            status = rng.choice(["succeeded", "succeeded", "succeeded", None, "applied", "rejected", "cancelled"])
            moments = {"reviewed_at": rng.choice([None, applied]), "refunded_at": refunded}
            if status in ("applied", "rejected", "cancelled") or rng.random() < 0.15:
                moments["refunded_at"] = None
            if applied.date() > self.last or refunded.date() > self.last:
                continue
            row = {
                "refund_id": f"R{self.number()}",
                "order_line_id": line["order_line_id"],
                "kind": rng.choice(
                    [None, "refund_only", "return_refund", "return_refund", "price_protection", "exchange"]
                ),
                "reason": rng.choice([None, "quality", "no_longer_needed"]),
                "applied_at": applied,
                **moments,
                "refund_amount": amount,
                "refund_quantity": rng.choice([None, 0, 1, line["quantity"], line["quantity"] + 1]),
                "status": status,
                "updated_at": applied,
            }
            if row["kind"] == "exchange":
                row["refund_amount"] = Decimal("0.00")
            self.put((row["refunded_at"] or applied).date(), "refunds", row)
            if rng.random() < 0.12:  # the case was reopened
                later = min(self.last, refunded.date() + timedelta(days=rng.choice([1, 8, 20])))
                turned = "cancelled" if status == "succeeded" else "succeeded"
                changed = row | {
                    "status": turned,
                    "refunded_at": refunded if turned == "succeeded" else row["refunded_at"],
                    "updated_at": datetime.combine(later, time(23, 0)) + timedelta(days=1),
                }
                self.out.append((later, "refunds", {"shop_id": self.shop, **changed}))

    def make_review(self, line: Row) -> None:
        rng = self.rng
        if rng.random() > 0.25:
            return
        created = line["created_at"] + timedelta(days=rng.choice([0, 1, 10, 30]), hours=1)
        if created.date() > self.last:
            return
        by_line = rng.random() < 0.6
        row = {
            "review_id": f"V{self.number()}",
            "order_id": line["order_id"] if rng.random() < 0.7 else None,
            "order_line_id": line["order_line_id"] if by_line else None,
            "product_id": line["product_id"],
            "user_id": line["user_id"] if not by_line or rng.random() < 0.3 else None,
            "rating": rng.choice([1, 2, 3, 4, 5, 5]),
            "created_at": created,
            "updated_at": created,
        }
        self.put(created.date(), "reviews", row)
        if rng.random() < 0.3:
            later = min(self.last, created.date() + timedelta(days=rng.choice([1, 15])))
            restated = row | {"rating": rng.choice([1, 3, 4, 5]), "updated_at": created + timedelta(days=1, seconds=1)}
            self.out.append((later, "reviews", {"shop_id": self.shop, **restated}))

    def event(self, day: date, event_type: str, user: str | None, scene: str, **more: Any) -> None:
        occurred = moment(self.rng, day)
        row = {
            "event_id": f"E{self.number()}",
            "occurred_at": occurred,
            "event_type": event_type,
            "user_id": user,
            "scene": scene,
            "traffic_source": self.rng.choice([None, "paid", "recommend", "follow", "search"]),
            "author_id": None,
            "content_id": None,
            "product_id": None,
            "watch_seconds": None,
            "is_complete_play": None,
            "search_query": None,
            **more,
        }
        self.put(day, "traffic_events", row, late=0.05)
        if self.rng.random() < 0.01:  # the same id again, with another payload: the first delivered stays (R5)
            again = {"shop_id": self.shop, **row, "event_type": "add_to_cart"}
            self.out.append((self.last, "traffic_events", again))

    def make_events(self, day: date) -> None:
        rng = self.rng
        if self.profile.exposed_a_day == 0 and rng.random() < 0.1:
            return  # a day without traffic is a measured 0
        for _ in range(self.many(self.profile.events_a_day)):
            event_type = rng.choice(
                EVENT_TYPES if rng.random() < 0.2 else ["view", "view", "view", "impression", "share", "search", "like"]
            )
            more: dict[str, Any] = {
                "content_id": self.content_near(day),
                "author_id": rng.choice([None, *self.authors]),
            }
            if event_type == "view":
                more["watch_seconds"] = rng.choice([None, 0, 2, 3, 4, 29, 30, 31, 59, 60, 61, Decimal("2.999")])
                more["is_complete_play"] = rng.choice([None, False, False, False, True])
            if event_type in ("product_impression", "product_click", "add_to_cart"):
                more["product_id"] = rng.choice(self.products)
            self.event(
                day,
                event_type,
                self.pick_user(0.15, day),
                rng.choice(["short_video", "live", "live", "mall", "search", "unknown"]),
                **more,
            )
        live = next((c["content_id"] for c in self.contents if c["published_at"].date() == day), None)
        for count, event_type, scene in (
            (self.profile.exposed_a_day, "product_impression", "mall"),
            (self.profile.clicking_a_day, "product_click", "live"),
            (self.profile.watching_a_day, "view", "live"),
        ):
            if not count or (scene == "live" and event_type == "view" and self.no_live(day)):
                continue
            crowd = rng.sample(
                self.users, min(len(self.users), max(1, count + rng.randrange(-count // 5 - 1, count // 4 + 2)))
            )
            for user in crowd:
                more = {"content_id": live, "watch_seconds": rng.randrange(200)} if event_type == "view" else {}
                self.event(day, event_type, user, scene, **more)
                if event_type == "view" and rng.random() < 0.3:
                    self.event(day, rng.choice(["like", "comment", "share", "favorite"]), user, "live", content_id=live)
        for content in self.contents:
            if content["published_at"].date() == day and rng.random() < 0.8:
                for _ in range(rng.randrange(1, 6)):
                    shown = min(self.last, day + timedelta(days=rng.choice([0, 0, 1])))
                    self.event(
                        shown,
                        "impression",
                        self.pick_user(0.5),
                        rng.choice(["short_video", "live"]),
                        content_id=content["content_id"],
                    )

    def no_live(self, day: date) -> bool:
        """A fortnight without lives, so that the live indicators do not apply."""
        return 120 <= (day - self.first).days < 134

    def make_tomorrow(self) -> None:
        """Rows dated after the last day: delivered, present, and ignored (R2)."""
        day = self.last + timedelta(days=1)
        user = self.users[0]
        base = {
            "order_line_id": "T1",
            "order_id": "T1",
            "user_id": user,
            "product_id": self.products[0],
            "product_name": "商品",
            "quantity": 1,
            "paid_amount": Decimal("50.00"),
            "created_at": datetime.combine(day, time(0, 0)),
            "paid_at": datetime.combine(day, time(0, 0)),
            "status": "paid",
            "scene": "live",
            "entry": None,
            "author_id": None,
            "content_id": None,
            "is_gift": None,
            "is_presale": None,
            "updated_at": datetime.combine(day, time(0, 0)),
        }
        self.out.append((self.last, "orders", {"shop_id": self.shop, **base}))
        self.event_tomorrow(day, user)

    def event_tomorrow(self, day: date, user: str) -> None:
        row = {
            "event_id": "T1",
            "occurred_at": datetime.combine(day, time(0, 0)),
            "event_type": "share",
            "user_id": user,
            "scene": "live",
            "traffic_source": None,
            "author_id": None,
            "content_id": None,
            "product_id": None,
            "watch_seconds": None,
            "is_complete_play": None,
            "search_query": None,
        }
        self.out.append((self.last, "traffic_events", {"shop_id": self.shop, **row}))


def without_users(rows: Iterable[tuple[date, str, Row]]) -> list[tuple[date, str, Row]]:
    """The usual export: nobody is named (R13b)."""
    return [(d, f, r | {"user_id": None} if "user_id" in r else r) for d, f, r in rows]


def only(rows: Iterable[tuple[date, str, Row]], feeds: set[str]) -> list[tuple[date, str, Row]]:
    return [item for item in rows if item[1] in feeds]


def with_aggregate(rows: list[tuple[date, str, Row]], seed: int) -> list[tuple[date, str, Row]]:
    """Adds traffic_daily rows, large enough to be scored, on two days of three; columns are NULL here and there."""
    rng = random.Random(f"aggregate/{seed}")
    made: list[tuple[date, str, Row]] = []
    last = max(delivered for delivered, _, _ in rows)
    for shop, day in sorted({(r["shop_id"], r["occurred_at"].date()) for _, f, r in rows if f == "traffic_events"}):
        if rng.random() < 0.33:
            continue
        for scene in ("live", "short_video", "mall"):
            exposed = rng.randrange(60, 400)
            row: Row = {
                "shop_id": shop,
                "business_date": day,
                "scene": scene,
                "traffic_source": rng.choice(["paid", "recommend"]),
                "author_id": None,
                "content_id": rng.choice([None, f"C{rng.randrange(20):03d}"]),
                "product_id": None,
                "impressions": rng.randrange(9000),
                "views": rng.randrange(900),
                "viewers": rng.randrange(10, 500),
                "watch_seconds": rng.randrange(90000),
                "interactions": rng.randrange(90),
                "interacting_viewers": rng.randrange(10),
                "product_impressions": 2 * exposed,
                "product_clicks": exposed,
                "product_impression_users": exposed,
                "product_click_users": rng.randrange(5, 60),
                "buyers": 3,
                "orders": 3,
                "units": 3,
                "paid_amount": Decimal("9.99"),
            }
            for column in (
                "impressions",
                "views",
                "viewers",
                "watch_seconds",
                "interacting_viewers",
                "product_impression_users",
                "product_click_users",
            ):
                if rng.random() < 0.06:
                    row[column] = None
            made.append((min(day, last), "traffic_daily", row))
            if rng.random() < 0.3:
                # A second source of the scene, which may tell no views (R29).
                second = row | {"traffic_source": "search", "views": rng.choice([None, 40])}
                made.append((min(day, last), "traffic_daily", second))
    return rows + made


def make_history(seed: int, shops: list[tuple[str, Profile]], last: date) -> list[tuple[date, str, Row]]:
    """Rows of several shops with the night each is delivered."""
    return [item for shop_id, profile in shops for item in ShopMaker(seed, shop_id, last, profile).make()]


def as_deliveries(rows: list[tuple[date, str, Row]], nights: list[date], seed: int = 0) -> list[Delivery]:
    """Files per night and feed: a row rides with the first of the rising nights on or after its day, lines shuffled.

    Two versions of a key never share a file, so that what the last one says is the last file's word.
    """
    rng = random.Random(f"deliveries/{seed}")
    boxes: dict[tuple[int, str], list[tuple[date, int, Row]]] = {}
    for order, (day, feed, row) in enumerate(rows):
        night = next(n for n, run_day in enumerate(nights) if run_day >= day)
        boxes.setdefault((night, feed), []).append((day, order, row))
    result = []
    for (night, feed), box in sorted(boxes.items(), key=lambda item: item[0]):
        box.sort(key=lambda item: item[:2])
        files: list[dict[tuple, Row]] = []
        rounds: dict[tuple, int] = {}
        for _, _, row in box:
            key = (row["shop_id"], *(row.get(k) for k in KEYS[feed]))
            place = rounds.get(key, 0)
            rounds[key] = place + 1
            while len(files) <= place:
                files.append({})
            files[place][key] = row
        for content in files:
            shuffled = list(content.values())
            rng.shuffle(shuffled)
            result.append(Delivery(night, feed, tuple(shuffled)))
    return result


def shuffled(deliveries: list[Delivery], nights: int, seed: int) -> list[Delivery]:
    """The same rows in another order: files whose rows carry `updated_at` are torn in two and held back at random; the
    other feeds, where delivery order is the only order, keep theirs."""
    rng = random.Random(f"shuffle/{seed}")
    kept, moved = [], []
    for delivery in deliveries:
        if "updated_at" not in COLUMNS[delivery.feed].split():
            kept.append(delivery)
            continue
        for rows in (delivery.rows[0::2], delivery.rows[1::2]):
            if rows:
                moved.append(replace(delivery, night=rng.randrange(delivery.night, nights), rows=tuple(reversed(rows))))
    rng.shuffle(moved)
    return sorted([*kept, *moved], key=lambda d: d.night)


def current_rows(deliveries: list[Delivery]) -> Feeds:
    """Current version of every key (R5): newest updated_at (NULL lowest), then delivery, then line; the first event."""
    feeds: dict[str, dict[tuple, tuple[tuple, Row]]] = {}
    for order, delivery in enumerate(deliveries):
        held = feeds.setdefault(delivery.feed, {})
        for line, row in enumerate(delivery.rows):
            key = (row["shop_id"], *(row.get(k) for k in KEYS[delivery.feed]))
            rank = (row.get("updated_at") or datetime.min, order, line)
            if delivery.feed == "traffic_events":
                held.setdefault(key, (rank, row))
            elif key not in held or rank > held[key][0]:
                held[key] = (rank, row)
    return {feed: [row for _, row in held.values()] for feed, held in feeds.items()}


def write(deliveries: list[Delivery], landing: Path, start: int = 0) -> list[Path]:
    """Files under landing/<feed>/, numbered and dated in the order of delivery; CSV and Parquet in turn."""
    paths = []
    for number, delivery in enumerate(deliveries, start):
        folder = landing / delivery.feed
        folder.mkdir(parents=True, exist_ok=True)
        columns = COLUMNS[delivery.feed].split()
        path = folder / f"{number:05d}.{'parquet' if number % 3 == 2 else 'csv'}"
        if path.suffix == ".csv":
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(columns)
                writer.writerows([as_text(row.get(c)) for c in columns] for row in delivery.rows)
        else:
            pq.write_table(pa.table({c: as_array([row.get(c) for row in delivery.rows]) for c in columns}), path)
        stamp = 1_700_000_000 + 60 * number
        os.utime(path, (stamp, stamp))
        paths.append(path)
    return paths


def as_array(values: list[Any]) -> pa.Array:
    """A typed column; a column of nothing is text."""
    if any(isinstance(v, Decimal) for v in values):
        scale = max(6, *(-Decimal(v).as_tuple().exponent for v in values if v is not None))
        return pa.array([None if v is None else Decimal(v) for v in values], pa.decimal128(12 + scale, scale))
    return pa.array(values) if any(v is not None for v in values) else pa.array(values, pa.string())


def as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return str(value)
