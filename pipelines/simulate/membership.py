"""Who the visitors are and which of them join the shop's membership: the feeds users and members."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipelines.simulate.columns import DAY, EVENT_TYPES, NULL, Frame, Ints, Mask, Vocabulary, concat, select, size
from pipelines.simulate.people import People

GENDERS = ("女", "男")
AGE_BANDS = ("18-23", "24-30", "31-40", "41-50", "50+")
CITY_TIERS = ("一线", "新一线", "二线", "三线", "四线及以下")
_PROVINCES = ("广东", "浙江", "江苏", "山东", "河南", "四川", "湖北", "湖南", "福建", "北京", "上海", "陕西")
_LEVELS = ("普通", "银卡", "金卡")
_GENDER_SHARES = (0.64, 0.36)
_AGE_SHARES = (0.17, 0.29, 0.30, 0.15, 0.09)
_TIER_SHARES = (0.13, 0.22, 0.21, 0.23, 0.21)
_PROVINCE_SHARES = (0.15, 0.11, 0.11, 0.10, 0.09, 0.09, 0.07, 0.07, 0.06, 0.05, 0.06, 0.04)
_MEMBER_JOIN = EVENT_TYPES.index("member_join")
# Salts of what is read off a user's id, so that a person has one face in every shop.
_ABSENT, _SILENT, _GENDER, _AGE, _TIER, _PROVINCE = range(6)


@dataclass(frozen=True)
class Faces:
    """Vocabulary positions of the words of the users feed."""

    genders: Ints
    age_bands: Ints
    city_tiers: Ints
    provinces: Ints
    levels: Ints


def faces(words: Vocabulary) -> Faces:
    """The words of profiles and levels, entered into the vocabulary."""
    return Faces(*(words.positions(each) for each in (GENDERS, AGE_BANDS, CITY_TIERS, _PROVINCES, _LEVELS)))


def snapshots(rng: np.random.Generator, shop: int, people: People, day: int, day_number: int, look: Faces) -> Frame:
    """The users feed's rows of a day: everybody who came for the first time, and some who moved house since.

    One in 25 users is never described, one in 12 only by province. Ages and genders do not change.
    """
    before, known = int(people.arrived[day - 1]) if day else 0, int(people.arrived[day])
    fresh = np.arange(before, known)
    moved = np.unique(rng.integers(0, before, rng.poisson(before * 0.0004))) if before else fresh[:0]
    at = np.concatenate([fresh, moved])
    ids = people.ids[at]
    move = np.where(np.arange(len(at)) < len(fresh), 0, day_number)
    silent = _chance(ids, _SILENT) < 1 / 12
    frame: Frame = {
        "shop_id": np.full(len(at), shop, dtype=np.int64),
        "user_id": ids,
        "snapshot_on": np.full(len(at), day_number, dtype=np.int64),
        "gender": np.where(silent, NULL, look.genders[_draw(_chance(ids, _GENDER), _GENDER_SHARES)]),
        "age_band": np.where(silent, NULL, look.age_bands[_draw(_chance(ids, _AGE), _AGE_SHARES)]),
        "city_tier": np.where(silent, NULL, look.city_tiers[_draw(_chance(ids + move, _TIER), _TIER_SHARES)]),
        "province": look.provinces[_draw(_chance(ids + move, _PROVINCE), _PROVINCE_SHARES)],
    }
    return select(frame, _chance(ids, _ABSENT) >= 1 / 25)


@dataclass
class Membership:
    """The members of one shop, from those who joined before the first day on."""

    shop: int
    look: Faces
    _known: set[int] = field(default_factory=set)

    def begin(self, rng: np.random.Generator, people: People, first_day: int) -> tuple[Frame, Ints]:
        """Members who joined before the first day, and the day (since 1970) each row is delivered."""
        early = people.ids[: int(people.arrived[0])]
        ids = early[rng.random(len(early)) < 0.06]
        joined = first_day * DAY - rng.integers(1, 700 * DAY, len(ids))
        self._known.update(ids.tolist())
        return self._rows(rng, ids, joined, first_day)

    def join(self, rng: np.random.Generator, seen: Frame, day_number: int) -> tuple[Frame, Ints]:
        """Rows of the users whose first `member_join` event is of this day; later events of a member change nothing."""
        asked = select(seen, (seen["event_type"] == _MEMBER_JOIN) & (seen["user_id"] >= 0))
        asked = select(asked, np.argsort(asked["occurred_at"], kind="stable"))
        ids, first = np.unique(asked["user_id"], return_index=True)
        new = np.array([user not in self._known for user in ids.tolist()], dtype=np.bool_)
        self._known.update(ids.tolist())
        return self._rows(rng, ids[new], asked["occurred_at"][first[new]], day_number)

    def _rows(self, rng: np.random.Generator, ids: Ints, joined: Ints, day_number: int) -> tuple[Frame, Ints]:
        """The row of joining, of reaching a higher level and of leaving, where these happen."""
        count = len(ids)
        rises = np.where(rng.random(count) < 0.2, joined + rng.integers(20 * DAY, 300 * DAY, count), NULL)
        leaves = np.where(rng.random(count) < 0.07, joined + rng.integers(10 * DAY, 400 * DAY, count), NULL)
        rises = np.where((leaves >= 0) & (rises >= leaves), NULL, rises)
        height = rng.integers(1, len(self.look.levels), count)

        def version(which: Mask, level: Ints, left: Ints) -> Frame:
            return {
                "shop_id": np.full(int(which.sum()), self.shop, dtype=np.int64),
                "user_id": ids[which],
                "joined_at": joined[which],
                "left_at": left[which],
                "level": self.look.levels[level[which]],
            }

        everyone, risen, gone = np.ones(count, dtype=np.bool_), rises >= 0, leaves >= 0
        stay, low = np.full(count, NULL, dtype=np.int64), np.zeros(count, dtype=np.int64)
        frame = concat(
            [
                version(everyone, low, stay),
                version(risen, height, stay),
                version(gone, np.where(risen, height, low), leaves),
            ]
        )
        days = np.concatenate([joined, rises[risen], leaves[gone]]) // DAY
        # Who rose or left before the first day comes once, as it stands now.
        days = np.maximum(days, day_number)
        newest = np.ones(size(frame), dtype=np.bool_)
        newest[:count] &= ~(risen & (rises // DAY <= day_number)) & ~(gone & (leaves // DAY <= day_number))
        newest[count : count + int(risen.sum())] &= ~((leaves // DAY <= day_number) & gone)[risen]
        return select(frame, newest), days[newest]


def _chance(ids: Ints, salt: int) -> NDArray[np.float64]:
    """A number from 0 to 1 for every id, the same in every shop and run."""
    mixed = ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0xBF58476D1CE4E5B9 >> (salt + 1))
    mixed ^= mixed >> np.uint64(31)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(29)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53


def _draw(chance: NDArray[np.float64], shares: tuple[float, ...]) -> Ints:
    edges = np.cumsum(shares)[:-1]
    return np.searchsorted(edges, chance, side="right").astype(np.int64)
