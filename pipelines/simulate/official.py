"""What the platform tells a shop: audiences of authors, industry lines, its own 5A counts and experience score.

The lines are examples, not the platform's; the counts follow the simulated people by rules of the platform's own,
so they lie near what a warehouse finds and are never equal to it.
"""

from dataclasses import dataclass, field
from datetime import date

import numpy as np

from pipelines.simulate.columns import EVENT_TYPES, GRAINS, SUBJECTS, Frame, Ints, Vocabulary
from pipelines.simulate.media import Authors
from pipelines.simulate.membership import AGE_BANDS, CITY_TIERS, GENDERS, Faces
from pipelines.simulate.seasons import EPOCH

_SOURCE = "simulated"
_UNIT = 10_000
# subject, indicator, grain, and floor, average, excellent of the industry.
_LINES = (
    ("operating_score", "live_interaction_rate", "day", 0.02, 0.08, 0.2),
    ("operating_score", "live_interaction_rate", "week", 0.02, 0.08, 0.2),
    ("operating_score", "live_interaction_rate", "month", 0.02, 0.08, 0.2),
    ("experience_score", "reply_seconds", "day", 150.0, 50.0, 18.0),
    ("audience", "deep_share", "day", 0.15, 0.35, 0.55),
    ("audience", "up_rate_3", "day", 0.02, 0.07, 0.15),
)
_METRICS = ("experience_score", "a1_users", "a2_users", "a3_users", "a4_users", "a5_users")
_CODE = {name: code for code, name in enumerate(EVENT_TYPES)}
_LIKING = np.array(
    [_CODE[name] for name in ("like", "comment", "favorite", "share", "follow", "fan_club_join", "gift")]
)
_ASKING = np.array(
    [_CODE[name] for name in ("product_click", "product_favorite", "add_to_cart", "coupon_claim", "inquiry")]
)
_LONG_AGO = -(10**6)


def lines(shop: int, first: date, days: int, words: Vocabulary) -> Frame:
    """The benchmarks feed: lines valid from the year before on, replaced by slightly higher ones half-way."""
    start = (date(first.year - 1, 1, 1) - EPOCH).days
    change = (first - EPOCH).days + days // 2
    rows = [
        (
            shop, SUBJECTS.index(subject), words.positions([indicator])[0], GRAINS.index(grain),
            *(round(value * factor * _UNIT) for value in values), words.positions([_SOURCE])[0], since, until,
        )
        for subject, indicator, grain, *values in _LINES
        for factor, since, until in ((1.0, start, change - 1), (1.05, change, -1))
    ]  # fmt: skip
    names = ("shop_id", "subject", "indicator", "grain", "floor", "average", "excellent", "source", "valid_from",
             "valid_to")  # fmt: skip
    return dict(zip(names, np.array(rows, dtype=np.int64).T, strict=True))


def audiences(rng: np.random.Generator, shop: int, authors: Authors, day: int, day_number: int, look: Faces) -> Frame:
    """The author_audience feed's rows on a day of the simulation: 50 cells an author, shares that sum to 1."""
    at = np.flatnonzero(authors.listed & (authors.joined <= day))
    cells = len(GENDERS) * len(AGE_BANDS) * len(CITY_TIERS)
    lean = rng.gamma(1.5, 1.0, (len(at), cells))
    shares = np.stack([rng.multinomial(_UNIT, row / row.sum()) for row in lean])
    gender, age, tier = np.unravel_index(np.arange(cells), (len(GENDERS), len(AGE_BANDS), len(CITY_TIERS)))
    return {
        "shop_id": np.full(len(at) * cells, shop, dtype=np.int64),
        "author_id": np.repeat(authors.ids[at], cells),
        "snapshot_on": np.full(len(at) * cells, day_number, dtype=np.int64),
        "gender": np.tile(look.genders[gender], len(at)),
        "age_band": np.tile(look.age_bands[age], len(at)),
        "city_tier": np.tile(look.city_tiers[tier], len(at)),
        "share": shares.reshape(-1).astype(np.int64),
    }


@dataclass
class Office:
    """The platform's books of one shop: when each user was last seen, liked, asked, bought, and how parcels fare."""

    shop: int
    users: int
    words: Vocabulary
    _seen: Ints = field(init=False)
    _liked: Ints = field(init=False)
    _asked: Ints = field(init=False)
    _bought: Ints = field(init=False)
    _times: Ints = field(init=False)
    _score: float = 88.0

    def __post_init__(self) -> None:
        self._seen, self._liked, self._asked, self._bought = (np.full(self.users, _LONG_AGO) for _ in range(4))
        self._times = np.zeros(self.users, dtype=np.int64)

    def report(
        self, rng: np.random.Generator, day: int, day_number: int, seen: Frame, buyers: Ints, ended: Frame
    ) -> Frame:
        """The official_metrics feed's rows of a day.

        `seen` are its events with user positions, `buyers` the positions of those who ordered, `ended` the day's order
        lines as they end.
        """
        known = seen["_user"] >= 0
        for last, codes in ((self._seen, None), (self._liked, _LIKING), (self._asked, _ASKING)):
            rows = known if codes is None else known & np.isin(seen["event_type"], codes)
            last[seen["_user"][rows]] = day
        customers = np.unique(buyers)
        self._bought[customers] = day
        self._times[customers] += 1
        bought = self._bought > day - 365
        a5 = bought & (self._times >= 2)
        asked = ~bought & (self._asked > day - 30)
        liked = ~bought & ~asked & (self._liked > day - 30)
        aware = ~bought & ~asked & ~liked & (self._seen > day - 15)
        counts = np.array([each.sum() for each in (aware, liked, asked, bought & ~a5, a5)])
        told = np.round(counts * rng.normal(1.0, 0.015, len(counts))).astype(np.int64)
        # The score follows the parcels slowly.
        sent = ended["delivered_at"] >= 0
        late = (ended["delivered_at"] > ended["due_delivery_at"])[sent].mean() if sent.any() else 0.0
        failing = (ended["_flaw"][sent] > 5_000).mean() if sent.any() else 0.0
        self._score += (96 - 60 * late - 80 * failing - self._score) / 20
        score = np.clip(self._score + rng.normal(0, 0.3), 0, 100)
        return {
            "shop_id": np.full(len(_METRICS), self.shop, dtype=np.int64),
            "business_date": np.full(len(_METRICS), day_number, dtype=np.int64),
            "metric": self.words.positions(_METRICS),
            "value": np.concatenate([[round(score * 100) * (_UNIT // 100)], told * _UNIT]).astype(np.int64),
            "source": np.repeat(self.words.positions(["抖店", "巨量云图"]), (1, len(_METRICS) - 1)),
        }
