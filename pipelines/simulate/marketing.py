"""What a shop pays for: campaigns, lucky bags in live rooms, advertising. Bags and spend follow the day's events."""

from datetime import date, timedelta

import numpy as np

from pipelines.simulate import seasons
from pipelines.simulate.columns import DAY, EVENT_TYPES, NULL, SOURCES, Frame, Ints, Vocabulary, identifiers, select
from pipelines.simulate.trade import advertisements
from pipelines.simulate.traffic import Shop

_CAMPAIGN_SPACE, _BAG_SPACE = 12, 13
_ANNOUNCED_DAYS = 40
_LOOK_AHEAD_DAYS = 120
_IMPRESSION, _CLICK, _BAG_JOIN = (EVENT_TYPES.index(name) for name in ("impression", "product_click", "lucky_bag_join"))
_PAID = SOURCES.index("paid")
# Cents for one paid impression and one paid click of those recorded.
_COST_OF_IMPRESSION, _COST_OF_CLICK = 1100, 3600
# The scene that a content of each type is shown in: short_video, unknown, live.
_SCENE_OF_TYPE = np.array([0, 4, 1])


def campaign_id(shop: int, campaign: seasons.Promotion) -> int:
    """Id of the campaign in the shop of that number."""
    return int(identifiers(_CAMPAIGN_SPACE, np.array([shop * 10**8 + campaign.number], dtype=np.int64))[0])


def calendar(shop: Shop, first: date, last: date, words: Vocabulary) -> tuple[Frame, Ints]:
    """The campaigns feed and the day (since 1970) each row is delivered.

    A campaign is announced before its warm-up and confirmed when that begins; at least one planned campaign lies
    after the last day.
    """
    found = seasons.promotions(first, last + timedelta(days=_LOOK_AHEAD_DAYS))
    planned = next((each for each in found if each.starts_on > last), None)
    rows: list[tuple[int, ...]] = []
    days: list[int] = []
    for each in found:
        announced = max(_number(each.warm_up_on) - _ANNOUNCED_DAYS, _number(first))
        if each is planned:
            announced = min(announced, _number(last))
        name = int(words.positions([each.name])[0])
        dates = (_number(each.warm_up_on), _number(each.starts_on), _number(each.ends_on))
        for delivered, verified in ((announced, 0), (max(dates[0], announced + 1), 1)):
            rows.append((shop.code, campaign_id(shop.number, each), name, int(not each.is_official), *dates, verified))
            days.append(delivered)
    names = ("shop_id", "campaign_id", "name", "kind", "warm_up_on", "starts_on", "ends_on", "is_verified")
    columns = np.array(rows, dtype=np.int64).reshape(-1, len(names)).T
    return dict(zip(names, columns, strict=True)), np.array(days, dtype=np.int64)


def _number(day: date) -> int:
    return (day - seasons.EPOCH).days


def lucky_bags(rng: np.random.Generator, shop: Shop, day_number: int, seen: Frame) -> tuple[Frame, Ints]:
    """The bags of the rooms that open on a day; who joins one does so by a `lucky_bag_join` event of the room.

    A room hands out its first bag at once and then one about every 25 minutes; now and then the clock of one
    overlaps the next.
    """
    rooms = shop.contents.on_air(day_number)
    length = shop.contents.ends[rooms] - shop.contents.starts[rooms]
    most = int(length.max(initial=0) // 240) + 2
    gaps = np.clip(rng.lognormal(np.log(22 * 60), 0.5, (len(rooms), most)), 240, 5400).astype(np.int64)
    starts = shop.contents.starts[rooms][:, None] + np.cumsum(gaps, axis=1) - gaps[:, :1]
    inside = starts < (shop.contents.ends[rooms] - 60)[:, None]
    inside[:, 0] = True
    room = np.repeat(np.arange(len(rooms)), inside.sum(axis=1))
    start = starts[inside]
    count = len(start)

    joins = select(seen, (seen["event_type"] == _BAG_JOIN) & np.isin(seen["content_id"], shop.contents.ids[rooms]))
    order = np.argsort(shop.contents.ids[rooms])
    which = order[np.searchsorted(shop.contents.ids[rooms][order], joins["content_id"])]
    # Rooms one after another on one axis, so that one search finds the bag open at the time.
    wide, midnight = np.int64(10 * DAY), day_number * DAY
    opened, joined = room * wide + start - midnight, which * wide + joins["occurred_at"] - midnight
    bag = np.searchsorted(opened, joined, side="right") - 1
    times = np.bincount(bag, minlength=count).astype(np.int64)
    person = np.where(joins["user_id"] >= 0, joins["user_id"], -1 - np.arange(len(bag)))
    pairs = np.unique(np.stack([bag, person], axis=1), axis=0)
    people = np.bincount(pairs[:, 0], minlength=count).astype(np.int64)
    last_join = np.zeros(count, dtype=np.int64)
    np.maximum.at(last_join, bag, joins["occurred_at"])
    overlong = np.where(rng.random(count) < 0.004, 7200, 0)
    ends = np.maximum(start + rng.choice((120, 180, 240), count), last_join + 1) + overlong
    winners = np.minimum(people, rng.integers(1, 11, count))
    frame: Frame = {
        "shop_id": np.full(count, shop.code, dtype=np.int64),
        "bag_id": identifiers(_BAG_SPACE, shop.number * 10**11 + day_number * 10**4 + np.arange(count)),
        "content_id": shop.contents.ids[rooms][room],
        "started_at": start,
        "ended_at": ends,
        "participations": times,
        "participants": people,
        "winners": winners,
        "cost_amount": winners * rng.choice((990, 1990, 3990), count),
    }
    return frame, ends // DAY


def spend(rng: np.random.Generator, shop: Shop, day_number: int, seen: Frame, campaign: int) -> tuple[Frame, Ints]:
    """What promoting each content cost on a day, by its paid impressions and clicks; some reports are corrected later.

    `campaign` is the id of the campaign on sale, NULL on ordinary days.
    """
    paid = select(seen, (seen["traffic_source"] == _PAID) & (seen["content_id"] >= 0)
                  & np.isin(seen["event_type"], (_IMPRESSION, _CLICK)))  # fmt: skip
    ids, which = np.unique(paid["content_id"], return_inverse=True)
    clicks = np.bincount(which, weights=paid["event_type"] == _CLICK, minlength=len(ids)).astype(np.int64)
    shown = np.bincount(which, minlength=len(ids)).astype(np.int64) - clicks
    order = np.argsort(shop.contents.ids)
    content = order[np.searchsorted(shop.contents.ids[order], ids)]
    price = rng.lognormal(0.0, 0.3, len(ids))
    cost = np.floor((_COST_OF_IMPRESSION * shown + _COST_OF_CLICK * clicks) * price).astype(np.int64)
    frame: Frame = {
        "shop_id": np.full(len(ids), shop.code, dtype=np.int64),
        "business_date": np.full(len(ids), day_number, dtype=np.int64),
        "ad_id": advertisements(ids),
        "campaign_id": np.where(content % 5 < 2, campaign, NULL),
        "content_id": ids,
        "author_id": shop.authors.ids[shop.contents.author[content]],
        "scene": _SCENE_OF_TYPE[shop.contents.kind[content]],
        "cost_amount": cost,
        "impressions": shown,
        "clicks": clicks,
    }
    again = np.flatnonzero(rng.random(len(ids)) < 0.03)
    corrected = select(frame, again)
    corrected["cost_amount"] = corrected["cost_amount"] * 97 // 100
    whole = {name: np.concatenate([values, corrected[name]]) for name, values in frame.items()}
    days = np.concatenate([np.full(len(ids), day_number), np.full(len(again), day_number + 2)])
    return whole, days.astype(np.int64)
