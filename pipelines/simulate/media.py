"""Authors and what they publish: the shop's own accounts, creators of every size, videos, picture posts, lives."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.simulate.catalog import Catalog
from pipelines.simulate.columns import DAY, NULL, Frame, Ints, Mask, Vocabulary, concat, identifiers

_AUTHOR_SPACE, _CONTENT_SPACE = 4, 5
SHORT_VIDEO, IMAGE_TEXT, LIVE = 0, 1, 2
_TOPICS = ("美妆护肤", "服饰内衣", "食品饮料", "智能家居", "生活日常", "剧情", "旅行")
# Creators by size: how many, and the range of followers they begin with.
_SIZES = ((3, 1_100_000, 9_000_000), (8, 110_000, 900_000), (20, 11_000, 90_000), (40, 800, 9_500))
_LOOK_BACK = 420


@dataclass
class Authors:
    """Accounts of one shop's field; the first two are its own. `joined` is the first day with a snapshot."""

    ids: Ints
    names: Ints
    own: Mask
    celebrity: Mask
    topics: Ints
    topic_words: Ints
    followers: Ints
    growth: NDArray[np.float64]
    joined: Ints
    listed: Mask

    def snapshot(self, shop: int, day: int, day_number: int) -> Frame:
        """The authors feed's rows on a day of the simulation; `day_number` is that day since 1970."""
        at = np.flatnonzero(self.listed & (self.joined <= day))
        grown = np.floor(self.followers[at] * (1 + self.growth[at]) ** (day / 30))
        # Now and then an export does not say whose account it is.
        whose = np.where(~self.own[at] & (at % 17 == 5), NULL, self.own[at])
        return {
            "shop_id": np.full(len(at), shop, dtype=np.int64),
            "author_id": self.ids[at],
            "snapshot_on": np.full(len(at), day_number, dtype=np.int64),
            "name": self.names[at],
            "is_own": whose.astype(np.int64),
            "is_celebrity": self.celebrity[at].astype(np.int64),
            "followers": grown.astype(np.int64),
            "category_1": self.topic_words[at],
        }


@dataclass
class Contents:
    """Everything published for one shop, in order of publication. Times in wall-clock seconds, `ends` for lives only.

    `product` is the position in the catalogue that the content shows, NULL without a link.
    """

    ids: Ints
    kind: Ints
    author: Ints
    starts: Ints
    ends: Ints
    product: Ints
    intent: Ints
    topic: Ints
    appeal: NDArray[np.float64]
    life: NDArray[np.float64]
    _days: Ints

    def feed(self, rng: np.random.Generator, shop: int, authors: Authors) -> tuple[Frame, Ints]:
        """The contents feed and the day (since 1970) each row is delivered; a live over midnight comes twice."""
        linked = np.where(rng.random(len(self.ids)) < 0.03, NULL, self.product >= 0)
        frame: Frame = {
            "shop_id": np.full(len(self.ids), shop, dtype=np.int64),
            "content_id": self.ids,
            "content_type": self.kind,
            "author_id": authors.ids[self.author],
            "published_at": self.starts,
            "ended_at": self.ends,
            "declared_intent": self.intent,
            "has_product_link": linked.astype(np.int64),
            "topic": self.topic,
        }
        over = self.ends // DAY > self.starts // DAY
        open_rows = {name: values[over] for name, values in frame.items()} | {
            "ended_at": np.full(int(over.sum()), NULL, dtype=np.int64)
        }
        known = np.maximum(self.starts, self.ends) // DAY
        return concat([frame, open_rows]), np.concatenate([known, self.starts[over] // DAY])

    def on_air(self, day_number: int) -> Ints:
        """Positions of the lives that start on a day."""
        low, high = np.searchsorted(self._days, [day_number, day_number + 1])
        return np.arange(low, high)[self.kind[low:high] == LIVE]

    def shown(self, day_number: int, kind: int) -> tuple[Ints, NDArray[np.float64]]:
        """Positions of the contents of a kind that still circulate, and their cumulated pull, which fades."""
        low, high = np.searchsorted(self._days, [day_number - _LOOK_BACK, day_number + 1])
        at = np.arange(low, high)[self.kind[low:high] == kind]
        age = day_number - self._days[at]
        return at, np.cumsum(self.appeal[at] * np.exp(-age / self.life[at]))


def sign_up(rng: np.random.Generator, shop: int, days: int, words: Vocabulary) -> Authors:
    """Two own accounts and 71 creators; one of the middle ones is a celebrity, two are in no snapshot."""
    low = np.concatenate([[180_000, 24_000], *[np.full(count, start) for count, start, _ in _SIZES]])
    high = np.concatenate([[180_001, 24_001], *[np.full(count, end) for count, _, end in _SIZES]])
    count = len(low)
    followers = np.floor(low * (high / low) ** rng.random(count)).astype(np.int64)
    own = np.arange(count) < 2
    celebrity = np.zeros(count, dtype=np.bool_)
    celebrity[6] = True
    topics = rng.integers(0, len(_TOPICS), count)
    joined = np.where(own | (rng.random(count) < 0.7), 0, rng.integers(1, max(days, 2), count))
    listed = np.ones(count, dtype=np.bool_)
    listed[-2:] = False
    names = ["品牌官方旗舰店", "品牌生活馆"] + [f"{_TOPICS[t]}达人{n:03d}号" for n, t in enumerate(topics[2:], 1)]
    return Authors(
        ids=identifiers(_AUTHOR_SPACE, np.arange(count, dtype=np.int64) + shop * 10**6),
        names=words.positions(names),
        own=own,
        celebrity=celebrity,
        topics=topics.astype(np.int64),
        topic_words=words.positions([_TOPICS[t] for t in topics]),
        followers=followers,
        growth=rng.normal(0.018, 0.02, count),
        joined=joined.astype(np.int64),
        listed=listed,
    )


def publish(
    rng: np.random.Generator,
    shop: int,
    first_day: int,
    traffic: NDArray[np.float64],
    authors: Authors,
    catalog: Catalog,
    words: Vocabulary,
) -> Contents:
    """All contents from two weeks before the first day until the last; the shop goes live on nine days of ten."""
    days = np.arange(-14, len(traffic))
    lift = np.clip(traffic[np.maximum(days, 0)], 0.6, 2.0)
    creators = np.arange(2, len(authors.ids))
    # Small creators publish for a shop more often than big ones.
    wish = 1 / np.log(authors.followers[creators])
    parts: list[tuple[Ints, Ints, int]] = []

    def own_posts(rate: float, kind: int) -> None:
        at = np.repeat(days, rng.poisson(rate * lift))
        parts.append((at, (rng.random(len(at)) < 0.25).astype(np.int64), kind))

    def creator_posts(rate: float, kind: int) -> None:
        at = np.repeat(days, rng.poisson(rate * lift))
        parts.append((at, rng.choice(creators, len(at), p=wish / wish.sum()), kind))

    own_posts(1.6, SHORT_VIDEO)
    own_posts(0.5, IMAGE_TEXT)
    creator_posts(2.4, SHORT_VIDEO)
    creator_posts(0.3, IMAGE_TEXT)
    creator_posts(2.0, LIVE)
    for account, share in ((0, 0.93), (1, 0.5)):
        at = days[rng.random(len(days)) < share]
        parts.append((at, np.full(len(at), account), LIVE))

    day = np.concatenate([part[0] for part in parts])
    author = np.concatenate([part[1] for part in parts]).astype(np.int64)
    kind = np.concatenate([np.full(len(part[0]), part[2]) for part in parts])
    is_live = kind == LIVE
    count = len(day)
    # Evening rooms of the main account, daytime rooms of the second, creators whenever; posts over the day.
    hour = np.select(
        [is_live & (author == 0), is_live & (author == 1), is_live],
        [rng.uniform(18.5, 20.5, count), rng.uniform(9.5, 12, count), rng.uniform(12, 22.5, count)],
        rng.uniform(7.5, 21.5, count),
    )
    starts = (first_day + day) * DAY + (hour * 3600).astype(np.int64)
    length = np.clip(rng.lognormal(np.log(3.0), 0.45, count), 0.7, 7.5) * 3600
    length = np.where(rng.random(count) < 0.08, rng.uniform(300, 1600, count), length)
    order = np.argsort(starts, kind="stable")
    starts, kind, author, is_live = starts[order], kind[order], author[order], is_live[order]
    ends = np.where(is_live, starts + length[order].astype(np.int64), NULL)
    linked = rng.random(count) < np.where(is_live, 0.97, np.where(kind == SHORT_VIDEO, 0.62, 0.4))
    shown = np.full(count, NULL, dtype=np.int64)
    content_day = starts // DAY - first_day
    for each in np.unique(content_day):
        rows = content_day == each
        shown[rows] = catalog.pick(rng, catalog.reach(max(int(each), 0)), int(rows.sum()))
    product = np.where(linked, shown, NULL)
    selling = np.where(linked, rng.random(count) < 0.7, False)
    own_boost = np.where(author < 2, 1.2, 1.0)
    # Most posts are gone within a week; a few videos that sell are shown all year.
    lasting = (kind == SHORT_VIDEO) & linked & (rng.random(count) < np.where(author < 2, 0.07, 0.035))
    return Contents(
        ids=identifiers(_CONTENT_SPACE, np.arange(count, dtype=np.int64) + shop * 10**8),
        kind=kind.astype(np.int64),
        author=author,
        starts=starts,
        ends=ends,
        product=product,
        intent=np.where(rng.random(count) < 0.12, NULL, selling).astype(np.int64),
        topic=np.where(
            rng.random(count) < 0.72,
            authors.topic_words[author],
            words.positions(_TOPICS)[rng.integers(0, len(_TOPICS), count)],
        ),
        appeal=own_boost
        * (authors.followers[author] / 10_000.0) ** 0.35
        * rng.lognormal(lasting * 0.9, np.where(lasting, 0.3, 0.9)),
        life=np.where(lasting, 300.0, rng.lognormal(np.log(3.5), 0.6, count)),
        _days=starts // DAY,
    )
