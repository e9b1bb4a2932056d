"""One shop's day of behaviour: visits, what people see, watch, click and like, and which visits end in an order."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pipelines.simulate.catalog import Catalog
from pipelines.simulate.columns import (
    DAY,
    EVENT_TYPES,
    NULL,
    Frame,
    Ints,
    Mask,
    Vocabulary,
    identifiers,
)
from pipelines.simulate.media import IMAGE_TEXT, SHORT_VIDEO, Authors, Contents
from pipelines.simulate.people import People

_EVENT_SPACE = 6
VIDEO, ROOM, MALL, SEARCH, POST = range(5)
# A picture post has no scene of its own in the contract; the platform's exports call it unknown.
_SCENE_OF = np.array([0, 1, 2, 3, 4])
# Sources in the contract's order: paid, recommend, follow, search, short-video referral, other.
_SOURCE_SHARES = np.array(
    [
        [0.150, 0.690, 0.110, 0.030, 0.000, 0.020],
        [0.220, 0.615, 0.092, 0.022, 0.035, 0.016],
        [0.100, 0.450, 0.050, 0.000, 0.000, 0.400],
        [0.000, 0.000, 0.000, 1.000, 0.000, 0.000],
        [0.060, 0.700, 0.150, 0.070, 0.000, 0.020],
    ]
)
_SEEN = np.array([1.0, 1.0, 0.25, 0.35, 1.0])
_VIEWED = np.array([0.62, 0.70, 0.0, 0.0, 0.55])
_SHOWN = np.array([0.62, 0.75, 1.0, 0.80, 0.60])
_MORE_SHOWN = np.array([0.0, 0.7, 1.6, 0.9, 0.0])
_CLICKED = np.array([0.40, 0.44, 0.40, 0.44, 0.27])
_WATCH_LOG_MEAN = np.array([2.3, 3.9, 0.0, 0.0, 1.9])
_WATCH_LOG_SPREAD = np.array([0.8, 1.1, 0.0, 0.0, 0.6])
# After a view, and after a click: event and how often it follows.
_AFTER_VIEW = (
    ("like", 0.085, False), ("comment", 0.028, False), ("favorite", 0.018, False), ("share", 0.014, False),
    ("follow", 0.020, False), ("fan_club_join", 0.006, True), ("gift", 0.009, True), ("lucky_bag_join", 0.10, True),
)  # fmt: skip
_AFTER_CLICK = (
    ("add_to_cart", 0.30), ("product_favorite", 0.07), ("coupon_claim", 0.06), ("inquiry", 0.045),
    ("product_question", 0.012), ("member_join", 0.03), ("shop_visit", 0.11),
)  # fmt: skip
# Of the buyers of seven to ten weeks ago who stay away, who orders the same again out of the old orders on a day.
_REORDER_SHARE = 0.025
_HOURS = np.array(
    [3, 1.5, 0.8, 0.5, 0.5, 0.8, 2, 3.5, 4, 4.2, 4.5, 5, 6.5, 6, 4.5, 4.3, 4.3, 4.6, 5.5, 6.8, 8.5, 9, 8, 5.5]
)
_CODE = {name: code for code, name in enumerate(EVENT_TYPES)}
_QUERIES = ("面膜 补水", "连衣裙 夏", "坚果 礼盒", "台灯 护眼", "旗舰店", "同款", "外套", "茶叶", "口红 平价", "收纳")


@dataclass
class Shop:
    """Everything about a shop that traffic draws on."""

    number: int
    code: int
    people: People
    catalog: Catalog
    authors: Authors
    contents: Contents
    queries: Ints


@dataclass
class Purchases:
    """Visits that end in an order, one position per order: who, what, where from, when (wall-clock seconds)."""

    user: Ints
    user_id: Ints
    product: Ints
    at: Ints
    scene: Ints
    source: Ints
    author: Ints
    content: Ints
    campaign: Ints
    from_cart: Mask
    from_orders: Mask


def queries(words: Vocabulary) -> Ints:
    """Vocabulary positions of what people type into the search box."""
    return words.positions(_QUERIES)


def simulate_day(
    rng: np.random.Generator,
    shop: Shop,
    day: int,
    first_day: int,
    visits: int,
    campaign_id: int,
    buying: float,
    first_event: int,
) -> tuple[Frame, Purchases]:
    """Events and purchases of one day. Column `_user` of the events is the position of the user, NULL unidentified.

    `buying` multiplies the share of clicks that end in an order; `campaign_id` is NULL on ordinary days; events are
    numbered from `first_event`. Some events fall after midnight, since visits and lives run on. Who orders again from
    the page of old orders leaves no event: the merchant's log does not see that page.
    """
    midnight = (first_day + day) * DAY
    user, fresh = shop.people.visitors(rng, day, visits)
    count = len(user)
    hidden = rng.random(count) < 0.1
    hidden[:fresh] = False
    place = shop.people.scenes(rng, user)
    at = midnight + _times(rng, count)
    place, content, at = _contents(rng, shop, first_day + day, place, at)
    has_content = content >= 0
    author = np.where(has_content, shop.contents.author[content], NULL)
    source = (rng.random(count)[:, None] > np.cumsum(_SOURCE_SHARES, axis=1)[place][:, :-1]).sum(axis=1)
    reach = shop.catalog.reach(day)
    product = shop.catalog.pick(rng, reach, count)
    linked = np.where(has_content, shop.contents.product[content], NULL)
    product = np.where((linked >= 0) & (rng.random(count) < np.where(place == ROOM, 0.3, 0.92)), linked, product)
    in_campaign = (rng.random(count) < 0.38) & (campaign_id >= 0)

    seen = rng.random(count) < _SEEN[place]
    viewed = rng.random(count) < _VIEWED[place]
    can_show = (linked >= 0) | ~has_content
    shown = (viewed | ~has_content) & can_show & (rng.random(count) < _SHOWN[place])
    clicked = shown & (rng.random(count) < _CLICKED[place])
    keen = np.where(hidden, 1.15, shop.people.keenness[user]) * shop.catalog.readiness[product]
    bought = clicked & (rng.random(count) < np.clip(0.25 * keen * buying, 0, 0.9))

    watch = np.floor(rng.lognormal(_WATCH_LOG_MEAN[place], _WATCH_LOG_SPREAD[place]) * 10).astype(np.int64)
    watch = np.clip(watch, 3, np.where(place == ROOM, 72_000, 6_000))
    complete = rng.random(count) < np.where(place == VIDEO, 0.16, 0.3)
    lag = np.minimum(watch // 10, 900)
    parts: list[tuple[int, Ints, Ints]] = []

    def emit(name: str, rows: Mask, after: Ints | int) -> Ints:
        where = np.flatnonzero(rows)
        delay = after[where] if isinstance(after, np.ndarray) else after
        parts.append((_CODE[name], where, at[where] + delay))
        return where

    searching = place == SEARCH
    emit("search", searching & (rng.random(count) < 0.8), 0)
    emit("impression", seen, 1)
    emit("view", viewed, 2)
    emit("product_impression", shown, 4 + lag // 3)
    emit("search_click", searching & (rng.random(count) < 0.55), 6)
    emit("product_click", clicked, 8 + lag // 3)
    for name, share, live_only in _AFTER_VIEW:
        emit(name, viewed & (rng.random(count) < share) & ((place == ROOM) | (not live_only)), 3 + lag // 2)
    for name, share in _AFTER_CLICK:
        emit(name, clicked & (rng.random(count) < share), 15 + lag // 3)
    emit("add_to_cart", bought & (rng.random(count) < 0.5), 25 + lag // 3)

    # Rooms, malls and result lists show more than the product somebody goes for.
    more = np.where(shown, rng.poisson(_MORE_SHOWN[place]), 0)
    beside = np.repeat(np.arange(count), more)
    parts.append((_CODE["product_impression"], beside, at[beside] + 3 + rng.integers(0, 60, len(beside))))

    codes = np.concatenate([np.full(len(rows), code, dtype=np.int64) for code, rows, _ in parts])
    visit = np.concatenate([rows for _, rows, _ in parts])
    times = np.concatenate([when for _, _, when in parts])
    shows_product = np.isin(codes, _PRODUCT_EVENTS)
    goods = product[visit]
    goods[len(goods) - len(beside) :] = shop.catalog.pick(rng, reach, len(beside))
    is_view = codes == _CODE["view"]
    measured = is_view & (rng.random(len(codes)) > 0.02)
    events: Frame = {
        "shop_id": np.full(len(codes), shop.code, dtype=np.int64),
        "event_id": identifiers(_EVENT_SPACE, first_event + np.arange(len(codes), dtype=np.int64)),
        "occurred_at": times,
        "event_type": codes,
        "user_id": np.where(hidden, NULL, shop.people.ids[user])[visit],
        "scene": _SCENE_OF[place][visit],
        "traffic_source": np.where(rng.random(count) < 0.015, NULL, source)[visit],
        "author_id": np.where(author >= 0, shop.authors.ids[author], NULL)[visit],
        "content_id": np.where(has_content, shop.contents.ids[content], NULL)[visit],
        "product_id": np.where(shows_product, shop.catalog.ids[goods], NULL),
        "campaign_id": np.where(in_campaign, campaign_id, NULL)[visit],
        "watch_seconds": np.where(measured, watch[visit], NULL),
        "is_complete_play": np.where(is_view & (place[visit] != ROOM), complete[visit], NULL),
        "search_query": np.where(
            np.isin(codes, _SEARCH_EVENTS), shop.queries[product[visit] % len(shop.queries)], NULL
        ),
        "_user": np.where(hidden, NULL, user)[visit],
    }
    again = _reorders(rng, shop, day, midnight)
    purchases = _purchases(rng, shop, bought, clicked, user, hidden, product, at + 40 + lag // 3, place, source,
                           author, content, np.where(in_campaign, campaign_id, NULL))  # fmt: skip
    return events, Purchases(*(np.concatenate([getattr(part, column.name) for part in (purchases, again)])
                               for column in fields(Purchases)))  # fmt: skip


_PRODUCT_EVENTS = [
    _CODE[name]
    for name in (
        "product_impression",
        "product_click",
        "add_to_cart",
        "product_favorite",
        "coupon_claim",
        "inquiry",
        "product_question",
    )
]
_SEARCH_EVENTS = [_CODE["search"], _CODE["search_click"]]


def _times(rng: np.random.Generator, count: int) -> Ints:
    hour = rng.choice(24, count, p=_HOURS / _HOURS.sum())
    return (hour * 3600 + rng.integers(0, 3600, count)).astype(np.int64)


def _contents(rng: np.random.Generator, shop: Shop, day_number: int, place: Ints, at: Ints) -> tuple[Ints, Ints, Ints]:
    """A content for every visit that needs one, the time moved to when it can be seen; place may change."""
    content = np.full(len(place), NULL, dtype=np.int64)
    rooms = shop.contents.on_air(day_number)
    if not len(rooms):
        place = np.where(place == ROOM, VIDEO, place)
    else:
        inside = np.flatnonzero(place == ROOM)
        length = (shop.contents.ends[rooms] - shop.contents.starts[rooms]) / 3600.0
        pull = np.cumsum(shop.contents.appeal[rooms] ** 0.5 * np.minimum(length, 4.0))
        chosen = rooms[_draw(rng, pull, len(inside))]
        content[inside] = chosen
        # Rooms fill early and empty slowly.
        share = rng.beta(1.3, 1.7, len(inside))
        starts = shop.contents.starts[chosen]
        at = at.copy()
        at[inside] = starts + ((shop.contents.ends[chosen] - starts) * share).astype(np.int64)
    for where, kind in ((VIDEO, SHORT_VIDEO), (POST, IMAGE_TEXT)):
        candidates, pull = shop.contents.shown(day_number, kind)
        rows = np.flatnonzero(place == where)
        if not len(candidates):
            place = place.copy()
            place[rows] = MALL
            continue
        chosen = candidates[_draw(rng, pull, len(rows))]
        content[rows] = chosen
        early = rows[at[rows] < shop.contents.starts[chosen]]
        starts = shop.contents.starts[content[early]]
        rest = (day_number + 1) * DAY - starts - 1
        at = at.copy()
        at[early] = starts + (rng.random(len(early)) * rest).astype(np.int64)
    return place, content, at


def _draw(rng: np.random.Generator, pull: NDArray[np.float64], count: int) -> Ints:
    return np.minimum(np.searchsorted(pull, rng.random(count) * pull[-1], side="right"), len(pull) - 1)


def _purchases(
    rng: np.random.Generator,
    shop: Shop,
    bought: Mask,
    clicked: Mask,
    user: Ints,
    hidden: Mask,
    product: Ints,
    at: Ints,
    place: Ints,
    source: Ints,
    author: Ints,
    content: Ints,
    campaign: Ints,
) -> Purchases:
    """Orders of the day: at once after the click, or one to three days later out of the cart."""
    later = clicked & ~bought & (rng.random(len(user)) < 0.025)
    rows = np.flatnonzero(bought | later)
    from_cart = later[rows]
    delay = np.where(from_cart, rng.integers(DAY // 2, 3 * DAY, len(rows)), rng.integers(0, 400, len(rows)))
    has_content = content[rows] >= 0
    seen = rows[~hidden[rows]]
    shop.people.bought(user[seen], product[seen])
    return Purchases(
        user=user[rows],
        user_id=np.where(hidden, NULL, shop.people.ids[user])[rows],
        product=product[rows],
        at=at[rows] + delay,
        scene=np.where(from_cart, MALL, place[rows]),
        source=source[rows],
        author=np.where(has_content & ~from_cart, shop.authors.ids[author[rows]], NULL),
        content=np.where(has_content & ~from_cart, shop.contents.ids[content[rows]], NULL),
        campaign=campaign[rows],
        from_cart=from_cart,
        from_orders=np.zeros(len(rows), dtype=np.bool_),
    )


def _reorders(rng: np.random.Generator, shop: Shop, day: int, midnight: int) -> Purchases:
    """Orders of the day out of the list of old orders, of products still on sale."""
    user, product = shop.people.coming_back(rng, day, _REORDER_SHARE)
    on_sale = shop.catalog.ends[product] > day
    user, product = user[on_sale], product[on_sale]
    count = len(user)
    nothing = np.full(count, NULL, dtype=np.int64)
    return Purchases(
        user=user,
        user_id=shop.people.ids[user],
        product=product,
        at=midnight + _times(rng, count),
        scene=np.full(count, MALL, dtype=np.int64),
        source=np.zeros(count, dtype=np.int64),
        author=nothing,
        content=nothing,
        campaign=nothing,
        from_cart=np.zeros(count, dtype=np.bool_),
        from_orders=np.ones(count, dtype=np.bool_),
    )
