"""What follows a purchase: order lines on their way to the door, after-sales, reviews.

Each generator returns every version of its rows a merchant's nightly export would carry: one per day on which
something happened to the row, showing what was known at the end of that day.
"""

from dataclasses import dataclass

import numpy as np

from pipelines.simulate.columns import DAY, NULL, Frame, Ints, Vocabulary, concat, identifiers, select
from pipelines.simulate.traffic import MALL, POST, ROOM, SEARCH, Purchases, Shop

_ORDER_SPACE, _LINE_SPACE, _REFUND_SPACE, _REVIEW_SPACE, _AD_SPACE = 7, 8, 9, 10, 11
_RECOMMEND, _FOLLOW, _PAID, _REFERRAL, _SEARCH_ENTRY, _MALL_ENTRY, _SHOP, _SHOWCASE, _CART = range(9)
_ORDER_PAGE, _OTHER_ENTRY = 10, 11
# The entry an order carries, by traffic source (paid, recommend, follow, search, referral, other).
_ENTRY_OF_SOURCE = np.array([_PAID, _RECOMMEND, _FOLLOW, _SEARCH_ENTRY, _REFERRAL, _OTHER_ENTRY])
_MALL_ENTRIES = np.array([_MALL_ENTRY, _SHOP, _SHOWCASE, _CART, 9, _ORDER_PAGE])
_MALL_ENTRY_SHARES = (0.44, 0.18, 0.12, 0.14, 0.07, 0.05)

_CREATED, _PAID_STATUS, _SHIPPED, _DELIVERED, _FINISHED, _CLOSED = range(6)
_APPLIED, _APPROVED, _REJECTED, _SUCCEEDED, _CANCELLED = range(5)
_REFUND_ONLY, _RETURN, _EXCHANGE, _PRICE = range(4)
_NEVER = np.int64(2**60)
# The flaw of a product that fails in use, in thousandths of an ordinary one's: most buyers ask for money back.
_BROKEN = 40_000

# Eight texts for each mood, from angry to kind; one has quotes and a comma, as real ones do.
_COMMENTS = (
    "质量差，已申请退货", "和图片完全不一样", "用两次就坏了", "等了十天才到",
    "客服不理人", "有异味", "包装破损", "再也不买了",
    "一般般吧", "没有想象中好", "尺码偏小", "味道不错, 就是量少",
    "色差有点大", "物流有点慢", "将就能用", "不如上次买的",
    "很好，会回购", "包装完好", "主播推荐的，质量不错", "性价比高",
    '朋友说"值得买", 果然没错', "第二次购买了", "送人很体面", "效果明显",
)  # fmt: skip


@dataclass(frozen=True)
class Temper:
    """How well a shop keeps its promises: multipliers on the healthy shop's rates."""

    refunds: float = 1.0
    slowness: float = 1.0
    anger: float = 1.0


@dataclass
class Trade:
    """All versions that one day's purchases will ever produce, with the day (since 1970) each is delivered.

    `lines` are the order lines as they end, one row a line.
    """

    orders: tuple[Frame, Ints]
    refunds: tuple[Frame, Ints]
    reviews: tuple[Frame, Ints]
    lines: Frame


def advertisements(content_ids: Ints) -> Ints:
    """Ids of the advertisements that promote the contents, NULL for none: each content has one."""
    ids = identifiers(_AD_SPACE, np.zeros(len(content_ids), dtype=np.int64)) + content_ids % 10**15
    return np.where(content_ids >= 0, ids, NULL)


def comments(words: Vocabulary) -> Ints:
    """Vocabulary positions of review texts: eight angry ones, eight lukewarm, eight kind."""
    return words.positions(_COMMENTS)


def follow_up(
    rng: np.random.Generator,
    shop: Shop,
    day: int,
    bought: Purchases,
    warm_up: bool,
    texts: Ints,
    temper: Temper,
    first_order: int,
    faulty: Ints,
) -> Trade:
    """Orders, refunds and reviews of a day's purchases; orders are numbered from `first_order`.

    `faulty` are the positions of products that fail in use.
    """
    lines = _lines(rng, shop, day, bought, warm_up, first_order)
    bad = np.isin(lines["product_id"], shop.catalog.ids[faulty])
    lines["_faulty"] = bad.astype(np.int64)
    lines["_flaw"] = np.where(bad, _BROKEN, lines["_flaw"])
    _journey(rng, lines, temper)
    refunds, refund_days = _refunds(rng, lines, temper)
    orders = _order_versions(rng, lines)
    reviews = _reviews(rng, lines, texts, temper)
    return Trade(orders, (refunds, refund_days), reviews, lines)


def _lines(rng: np.random.Generator, shop: Shop, day: int, bought: Purchases, warm_up: bool, first_order: int) -> Frame:
    """Order lines as they are created: products, quantities, prices, where they came from."""
    orders = len(bought.at)
    catalog = shop.catalog
    extra = (rng.random(orders) < 0.15).astype(np.int64) + (rng.random(orders) < 0.03)
    gift = rng.random(orders) < 0.035
    order = np.repeat(np.arange(orders), 1 + extra + gift)
    count = len(order)
    place = np.arange(count) - np.searchsorted(order, order)
    is_gift = (place == 1 + extra[order]) & gift[order]
    product = np.where(place == 0, bought.product[order], catalog.pick(rng, catalog.reach(day), count))
    cheap = np.flatnonzero(catalog.tier == 0)
    product = np.where(is_gift, cheap[rng.integers(0, len(cheap), count)], product)
    scene_place = bought.scene[order]
    in_campaign = bought.campaign[order] >= 0

    quantity = np.where(is_gift, 1, np.minimum(rng.geometric(np.where(catalog.tier[product] == 0, 0.6, 0.85)), 6))
    whole = catalog.price[product] * quantity
    off = whole * np.floor(np.clip(rng.normal(np.where(in_campaign, 22, 9), 6), 0, 45)).astype(np.int64) // 100
    platform_off = whole * np.where(rng.random(count) < 0.35, rng.integers(2, 9, count), 0) // 100
    coupon = np.minimum(np.where(rng.random(count) < 0.18, 100 * rng.integers(3, 20, count), 0), whole // 5)
    free = is_gift | (rng.random(count) < 0.005)
    off = np.where(free, whole, off)
    platform_off = np.where(free, 0, platform_off)
    coupon = np.where(free, 0, coupon)
    paid = whole - off - platform_off - coupon
    author = bought.author[order]
    external = (author >= 0) & ~np.isin(author, shop.authors.ids[:2])
    entry = np.where(
        scene_place == SEARCH,
        _SEARCH_ENTRY,
        np.where(
            scene_place == MALL,
            rng.choice(_MALL_ENTRIES, count, p=_MALL_ENTRY_SHARES),
            _ENTRY_OF_SOURCE[bought.source[order]],
        ),
    )
    entry = np.where(bought.from_cart[order], _CART, np.where(bought.from_orders[order], _ORDER_PAGE, entry))
    entry = np.where(rng.random(count) < 0.04, NULL, np.where(rng.random(count) < 0.01, _OTHER_ENTRY, entry))
    scene = np.where(scene_place == POST, 4, scene_place)
    presale = warm_up & (rng.random(orders) < 0.22)[order] & ~is_gift
    number = first_order + order
    return {
        "shop_id": np.full(count, shop.code, dtype=np.int64),
        "order_line_id": identifiers(_LINE_SPACE, number * 8 + place),
        "order_id": identifiers(_ORDER_SPACE, number),
        "user_id": bought.user_id[order],
        "product_id": catalog.ids[product],
        "sku_id": catalog.sku_ids[product],
        "product_name": catalog.titles[product],
        "quantity": quantity,
        "list_amount": whole,
        "paid_amount": paid,
        "merchant_discount": off,
        "platform_discount": platform_off,
        "commission_amount": np.where(external, paid * rng.integers(10, 26, count) // 100, 0),
        "created_at": bought.at[order],
        "scene": np.where(rng.random(count) < 0.02, NULL, scene),
        "entry": entry,
        "author_id": author,
        "content_id": bought.content[order],
        "campaign_id": bought.campaign[order],
        "ad_id": np.where(entry == _PAID, advertisements(bought.content[order]), NULL),
        "is_gift": is_gift.astype(np.int64),
        "is_presale": presale.astype(np.int64),
        "coupon_amount": coupon,
        "_flaw": np.floor(catalog.flaw[product] * 1000).astype(np.int64),
        "_order": order,
        "_live": (scene_place == ROOM).astype(np.int64),
    }


def _journey(rng: np.random.Generator, lines: Frame, temper: Temper) -> None:
    """Adds the times of every step to the lines, NULL where it never happens. Lines of an order travel together."""
    order = lines["_order"]
    orders = int(order[-1]) + 1 if len(order) else 0
    count = len(order)
    created = lines["created_at"]
    presale = lines["is_presale"] > 0

    def per_order(values: Ints) -> Ints:
        return values.astype(np.int64)[order]

    unpaid = (rng.random(orders) < 0.06)[order]
    quick = rng.random(orders) < 0.75
    pay = created + per_order(np.where(quick, rng.integers(4, 60, orders), rng.integers(60, 1750, orders)))
    wait = per_order(np.clip(rng.lognormal(np.log(13 * 3600), 0.55, orders) * temper.slowness, 1200, 6 * DAY))
    promise = np.where(presale, pay + per_order(rng.integers(5 * DAY, 14 * DAY, orders)), pay + 2 * DAY)
    ship = np.where(presale, promise - wait, pay + wait)
    ship = np.maximum(ship, pay + 600)
    pick_up = ship + per_order(rng.integers(1800, 9 * 3600, orders))
    road = rng.lognormal(np.log(2.3 * DAY), 0.32, orders) * temper.slowness
    deliver = pick_up + per_order(np.clip(road, 0.6 * DAY, 15 * DAY))
    due = (np.where(presale, promise, pay) // DAY + 5) * DAY - 1
    finish = deliver + per_order(rng.integers(1 * DAY, 8 * DAY, orders))
    lost = ~unpaid & (rng.random(count) < 0.003)

    lines["paid_at"] = np.where(unpaid, NULL, pay)
    lines["promised_ship_at"] = np.where(unpaid, NULL, promise)
    lines["due_delivery_at"] = np.where(unpaid, NULL, due)
    for name, times in (
        ("shipped_at", ship), ("picked_up_at", pick_up), ("delivered_at", deliver), ("finished_at", finish)
    ):  # fmt: skip
        lines[name] = np.where(unpaid | lost, NULL, times)
    lines["_closed_at"] = np.where(
        unpaid, created + 1800, np.where(lost, pay + rng.integers(3600, 2 * DAY, count), NULL)
    )


def _refunds(rng: np.random.Generator, lines: Frame, temper: Temper) -> tuple[Frame, Ints]:
    """After-sales of the lines, all versions; ends the journey of lines that are refunded in full."""
    delivered = lines["delivered_at"]
    money = (lines["paid_at"] >= 0) & (lines["paid_amount"] > 0) & (lines["is_gift"] == 0) & (lines["shipped_at"] >= 0)
    chance = 0.085 * temper.refunds * (lines["_flaw"] / 1000.0) ** 0.6 * np.where(lines["_live"] > 0, 1.35, 1.0)
    rows = np.flatnonzero(money & (rng.random(len(delivered)) < np.minimum(chance, 0.9)))
    first = _requests(rng, select(lines, rows))
    lines["_asked_at"] = np.full(len(delivered), NULL, dtype=np.int64)
    lines["_asked_at"][rows] = first["applied_at"]
    # Some who got a part of their money ask again, a few for more than is left.
    again = np.flatnonzero((first["status"] == _SUCCEEDED) & (first["_full"] == 0) & (rng.random(len(rows)) < 0.12))
    second = select(first, again)
    second["refund_id"] = second["refund_id"] + 1
    gap = rng.integers(DAY // 4, 8 * DAY, len(again))
    left = lines["paid_amount"][rows[again]] - second["refund_amount"]
    greedy = rng.random(len(again)) < 0.25
    second["refund_amount"] = np.where(greedy, lines["paid_amount"][rows[again]], left)
    for name, minutes in (("applied_at", 0), ("reviewed_at", 240), ("refunded_at", 600)):
        second[name] = first["refunded_at"][again] + gap + minutes * 60
    second["kind"] = np.full(len(again), _REFUND_ONLY)
    second["refund_quantity"] = np.full(len(again), NULL)
    second["_full"] = np.ones(len(again), dtype=np.int64)
    refunds = concat([first, second])
    _close(lines, np.concatenate([rows, rows[again]]), refunds)
    return _refund_versions(rng, refunds)


def _requests(rng: np.random.Generator, lines: Frame) -> Frame:
    """The first after-sale of each line given."""
    count = len(lines["paid_at"])
    moment = rng.random(count)
    before = moment < 0.26
    on_road = ~before & (moment < 0.36)
    pay, ship, deliver = lines["paid_at"], lines["shipped_at"], lines["delivered_at"]
    applied = np.where(
        before,
        np.minimum(pay + 120 + rng.exponential(5400, count).astype(np.int64), ship - 300),
        np.where(
            on_road,
            ship + ((deliver - ship) * rng.uniform(0.3, 0.98, count)).astype(np.int64),
            deliver + rng.integers(3600, 9 * DAY, count),
        ),
    )
    kind = np.where(before | on_road, _REFUND_ONLY, rng.choice(4, count, p=(0.24, 0.66, 0.06, 0.04)))
    # quality, logistics_damage, not_as_described, late_delivery, no_longer_needed, other
    reason = rng.choice(6, count, p=(0.24, 0.07, 0.22, 0.02, 0.36, 0.09))
    reason = np.where(before, np.where(rng.random(count) < 0.85, 4, 5), np.where(on_road, 3, reason))
    reason = np.where((lines["_faulty"] > 0) & (reason != 4) & ~before & ~on_road, 0, reason)
    reason = np.where(rng.random(count) < 0.02, NULL, reason)
    fate = rng.random(count)
    status = np.where(fate < 0.86, _SUCCEEDED, np.where(fate < 0.94, _REJECTED, _CANCELLED))
    full = (rng.random(count) < 0.8) | before
    full &= (kind == _REFUND_ONLY) | (kind == _RETURN)
    part = lines["paid_amount"] * rng.integers(10, 75, count) // 100
    amount = np.where(full, lines["paid_amount"], np.maximum(part, 1))
    amount = np.where(kind == _PRICE, np.maximum(lines["paid_amount"] * 8 // 100, 1), amount)
    amount = np.where(kind == _EXCHANGE, 0, amount)
    pieces = np.where(full, lines["quantity"], np.maximum(lines["quantity"] // 2, 1))
    pieces = np.where((kind == _REFUND_ONLY) | (kind == _RETURN), pieces, NULL)
    think = np.clip(rng.lognormal(np.log(7 * 3600), 0.9, count), 300, 5 * DAY)
    reviewed = applied + (think * np.where(before, 0.2, 1.0)).astype(np.int64)
    way = np.where(kind == _RETURN, rng.integers(2 * DAY, 6 * DAY, count), rng.integers(60, DAY, count))
    return {
        "shop_id": lines["shop_id"],
        "refund_id": identifiers(_REFUND_SPACE, np.zeros(count, dtype=np.int64)) + lines["order_line_id"] % 10**15 * 10,
        "order_line_id": lines["order_line_id"],
        "kind": kind,
        "reason": reason,
        "applied_at": applied,
        "reviewed_at": np.where(status == _CANCELLED, NULL, reviewed),
        "refunded_at": np.where(status == _SUCCEEDED, reviewed + way, NULL),
        "refund_amount": amount,
        "refund_quantity": np.where(rng.random(count) < 0.15, NULL, pieces),
        "is_platform_liable": (rng.random(count) < 0.03).astype(np.int64),
        "is_escalated": (rng.random(count) < 0.02).astype(np.int64),
        "status": status,
        "_full": full.astype(np.int64),
        "_cancelled_at": np.where(status == _CANCELLED, applied + rng.integers(600, 2 * DAY, count), NULL),
    }


def _close(lines: Frame, rows: Ints, refunds: Frame) -> None:
    """A line that got all its money back is closed at that moment and travels no further."""
    ends = (refunds["_full"] > 0) & (refunds["refunded_at"] >= 0)
    when = np.full(len(lines["paid_at"]), _NEVER)
    np.minimum.at(when, rows[ends], refunds["refunded_at"][ends])
    for name in ("shipped_at", "picked_up_at", "delivered_at", "finished_at"):
        lines[name] = np.where(lines[name] >= when, NULL, lines[name])
    lines["_closed_at"] = np.where((when < _NEVER) & (lines["finished_at"] < 0), when, lines["_closed_at"])


def _order_versions(rng: np.random.Generator, lines: Frame) -> tuple[Frame, Ints]:
    steps = (
        ("created_at", _CREATED), ("paid_at", _PAID_STATUS), ("shipped_at", _SHIPPED), ("picked_up_at", _SHIPPED),
        ("delivered_at", _DELIVERED), ("finished_at", _FINISHED), ("_closed_at", _CLOSED),
    )  # fmt: skip
    return _versions(rng, lines, steps, known_early=("promised_ship_at", "due_delivery_at"))


def _refund_versions(rng: np.random.Generator, refunds: Frame) -> tuple[Frame, Ints]:
    # What a review decides shows in the status until the money moves.
    rejected = refunds["status"] == _REJECTED
    refunds["_rejected_at"] = np.where(rejected, refunds["reviewed_at"], NULL)
    steps = (
        ("applied_at", _APPLIED), ("reviewed_at", _APPROVED), ("_rejected_at", _REJECTED),
        ("refunded_at", _SUCCEEDED), ("_cancelled_at", _CANCELLED),
    )  # fmt: skip
    return _versions(rng, refunds, steps)


def _versions(
    rng: np.random.Generator,
    rows: Frame,
    steps: tuple[tuple[str, int], ...],
    known_early: tuple[str, ...] = (),
) -> tuple[Frame, Ints]:
    """One version per row and day with a step, as known at the end of the day, and the day it is delivered.

    About one version in seventy comes one to three days late, so a newer one may overtake it. `known_early` are
    promises about later days, given with the payment.
    """
    times = np.stack([rows[name] for name, _ in steps], axis=1)
    happened = times >= 0
    # Later columns win a tie, so no two steps of a row rank alike.
    rank = np.where(happened, times * len(steps) + np.arange(len(steps)), -1)
    late = np.where(rng.random(times.shape) < 0.014, rng.integers(1, 4, times.shape), 0)
    day = times // DAY
    delivered = np.where(happened, day + late, -1)
    frames, days = [], []
    for index, (_, status) in enumerate(steps):
        later = rank > rank[:, [index]]
        overtaken = (later & ((day == day[:, [index]]) | (delivered == delivered[:, [index]]))).any(axis=1)
        chosen = np.flatnonzero(happened[:, index] & ~overtaken)
        now = times[chosen, index]
        version = {name: values[chosen] for name, values in rows.items() if not name.startswith("_")}
        for name, _ in steps:
            if not name.startswith("_"):
                version[name] = np.where(version[name] <= now, version[name], NULL)
        for name in known_early:
            version[name] = np.where(version["paid_at"] >= 0, version[name], NULL)
        version["status"] = np.full(len(chosen), status, dtype=np.int64)
        version["updated_at"] = now
        frames.append(version)
        days.append(delivered[chosen, index])
    return concat(frames), np.concatenate(days)


def _reviews(rng: np.random.Generator, lines: Frame, texts: Ints, temper: Temper) -> tuple[Frame, Ints]:
    """Reviews of delivered lines; one in thirty is written again later with another rating."""
    can = (lines["delivered_at"] >= 0) & (lines["is_gift"] == 0)
    rows = np.flatnonzero(can & (rng.random(len(can)) < 0.21))
    line = select(lines, rows)
    count = len(rows)
    mood = rng.random(count)
    late = line["delivered_at"] > line["due_delivery_at"]
    bad = np.minimum(0.055 * temper.anger * (line["_flaw"] / 1000.0) * np.where(late, 2.5, 1.0), 0.6)
    rating = np.select(
        [mood < 0.6 * bad, mood < bad, mood < 1.8 * bad, mood < 1.8 * bad + 0.11], [1, 2, 3, 4], 5
    ).astype(np.int64)
    created = line["delivered_at"] + rng.integers(1800, 10 * DAY, count)
    has_line = rng.random(count) < 0.93
    mood_of = (rating >= 3).astype(np.int64) + (rating >= 4)
    frame: Frame = {
        "shop_id": line["shop_id"],
        "review_id": identifiers(_REVIEW_SPACE, np.zeros(count, dtype=np.int64)) + line["order_line_id"] % 10**15,
        "order_id": np.where(rng.random(count) < 0.01, NULL, line["order_id"]),
        "order_line_id": np.where(has_line, line["order_line_id"], NULL),
        "product_id": line["product_id"],
        "user_id": np.where(rng.random(count) < 0.03, NULL, line["user_id"]),
        "rating": rating,
        "logistics_rating": np.where(late, rng.integers(1, 5, count), rng.integers(4, 6, count)),
        "service_rating": np.clip(rating + rng.integers(-1, 2, count), 1, 5),
        "content": np.where(rng.random(count) < 0.35, NULL, texts[mood_of * 8 + rng.integers(0, 8, count)]),
        "created_at": created,
        "updated_at": created,
    }
    again = np.flatnonzero(rng.random(count) < 0.033)
    second = select(frame, again)
    second["rating"] = np.clip(second["rating"] + rng.choice((-2, -1, 1, 2), len(again)), 1, 5)
    second["updated_at"] = created[again] + rng.integers(DAY, 15 * DAY, len(again))
    whole = concat([frame, second])
    return whole, whole["updated_at"] // DAY
