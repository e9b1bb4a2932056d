"""Who comes to a shop, when for the first time, and who comes back."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipelines.simulate.columns import Ints, identifiers

_USER_SPACE = 0
# How a kind of person spreads visits over short video, live, mall, search, image and text.
_TASTES = np.array(
    [
        [0.64, 0.20, 0.07, 0.05, 0.04],
        [0.30, 0.52, 0.08, 0.07, 0.03],
        [0.30, 0.16, 0.30, 0.21, 0.03],
        [0.50, 0.30, 0.09, 0.07, 0.04],
    ]
)
_TASTE_SHARES = (0.38, 0.24, 0.16, 0.22)
# Days a buyer is remembered; days since the purchase, and since the last visit, of who orders the same again unseen.
_TRAIL_DAYS, _RESTING_DAYS, _UNSEEN_DAYS = 70, 50, 30
_NOTHING = np.empty(0, dtype=np.int64)


@dataclass
class People:
    """The users of one shop in order of their first visit, and the trail of recent buyers.

    `keenness` multiplies the share of clicks that end in an order, `weights` the number of visits. `quits` is the first
    day on which a user no longer comes, None where nobody leaves for good.
    """

    ids: Ints
    arrived: Ints
    weights: NDArray[np.float64]
    keenness: NDArray[np.float64]
    tastes: Ints
    quits: Ints | None = None
    _reach: NDArray[np.float64] = field(init=False)
    _recent: list[tuple[Ints, Ints]] = field(default_factory=list)
    _seen: Ints = field(init=False)

    def __post_init__(self) -> None:
        self._reach = np.concatenate([[0.0], np.cumsum(self.weights)])
        self._seen = np.full(len(self.ids), -_UNSEEN_DAYS)

    def visitors(self, rng: np.random.Generator, day: int, visits: int) -> tuple[Ints, int]:
        """Positions of the users behind the visits of a day; the first ones (their number is given) are new."""
        before = int(self.arrived[day - 1]) if day else 0
        known = int(self.arrived[day])
        # On the first day most of those who are already known come from earlier; only a part shows up.
        fresh = np.arange(before if day else max(0, known - visits // 4), known)[:visits]
        rest = visits - len(fresh)
        picked = np.searchsorted(self._reach, rng.random(rest) * self._reach[max(known, 1)], side="right") - 1
        picked = np.minimum(picked, max(known - 1, 0))
        pool = np.concatenate([_NOTHING, *(users for users, _ in self._recent)])
        if len(pool):
            back = int(rest * 0.11)
            steps = rng.exponential(max(len(pool) / 3, 1), back).astype(np.int64)
            picked[:back] = pool[np.maximum(len(pool) - 1 - steps, 0)]
        if self.quits is not None and len(staying := np.flatnonzero(self.quits[:known] > day)):
            gone = self.quits[picked] <= day
            picked[gone] = staying[rng.integers(0, len(staying), int(gone.sum()))]
        came = np.concatenate([fresh, picked])
        self._seen[came] = day
        return came, len(fresh)

    def scenes(self, rng: np.random.Generator, users: Ints) -> Ints:
        """Where each visit happens: position in short video, live, mall, search, image and text."""
        edges = np.cumsum(_TASTES, axis=1)[self.tastes[users]]
        return (rng.random(len(users))[:, None] > edges[:, :-1]).sum(axis=1)

    def bought(self, users: Ints, products: Ints) -> None:
        """Remember the buyers of a day and what they bought; a buyer is forgotten after about ten weeks of days."""
        self._recent.append((users, products))
        del self._recent[:-_TRAIL_DAYS]

    def coming_back(self, rng: np.random.Generator, day: int, share: float) -> tuple[Ints, Ints]:
        """Users who order again what they bought seven to ten weeks ago, and the products: `share` a day of those who
        have not come for a month.
        """
        old = self._recent[:-_RESTING_DAYS]
        users = np.concatenate([_NOTHING, *(users for users, _ in old)])
        products = np.concatenate([_NOTHING, *(products for _, products in old)])
        again = (rng.random(len(users)) < share) & (self._seen[users] <= day - _UNSEEN_DAYS)
        if self.quits is not None:
            again &= self.quits[users] > day
        return users[again], products[again]


def settle(rng: np.random.Generator, shop: int, users: int, traffic: NDArray[np.float64]) -> People:
    """The people of a shop. Arrivals follow the season; one in ten of a later shop's people knows the first shop."""
    numbers = np.arange(users, dtype=np.int64)
    origin = np.full(users, shop, dtype=np.int64)
    if shop:
        origin[rng.random(users) < 0.1] = 0
    early = max(1, int(users * 0.14))
    share = np.cumsum(traffic) / traffic.sum()
    arrived = np.minimum(early + np.round((users - early) * share).astype(np.int64), users)
    weights = rng.lognormal(0.0, 1.25, users)
    return People(
        ids=identifiers(_USER_SPACE, numbers + origin * 10**9),
        arrived=arrived,
        weights=weights,
        keenness=np.clip(rng.lognormal(-0.2, 0.75, users) * weights**0.15, 0.05, 4.0),
        tastes=rng.choice(4, users, p=_TASTE_SHARES).astype(np.int64),
    )
