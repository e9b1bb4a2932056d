"""What goes wrong in a shop, and since when: the planted causes that a page about the shop ought to name."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipelines.simulate.catalog import Catalog
from pipelines.simulate.columns import Ints
from pipelines.simulate.people import People
from pipelines.simulate.trade import Temper

Profile = Literal["healthy", "troubled"]
PROFILES: tuple[Profile, ...] = ("healthy", "troubled")
# Shares of the days after which parcels are late and products fail; the audience leaks over the last days.
_LATE_AFTER, _FAULTY_AFTER = 0.6, 0.7
_LEAK_DAYS = 50
_LEAK_SHARE = 1 / 3
_FAULTY_PRODUCTS = 2
_PUSHED_SHARE = 0.12
_SLOWER = 1.45
_LOYAL_SHARE = 0.12
_LEAVE_DAYS = 9.0
_NEW_USERS_LEFT = 0.1
_BUYING_LEFT = 0.5
_TRAFFIC_LEFT = 0.6


@dataclass(frozen=True)
class Trouble:
    """First days (of the simulation) with late parcels, failing products, a leaking audience."""

    late: int
    faulty: int
    leak: int

    def temper(self, temper: Temper, day: int) -> Temper:
        """How the shop keeps its promises on a day."""
        return replace(temper, slowness=temper.slowness * _SLOWER) if day >= self.late else temper

    def dampen(
        self, busy: NDArray[np.float64], buying: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Relative traffic and the multiplier on buying of each day, both lower once the audience leaks."""
        leaking = np.arange(len(busy)) >= self.leak
        return np.where(leaking, busy * _TRAFFIC_LEFT, busy), np.where(leaking, buying * _BUYING_LEFT, buying)

    def drain(self, rng: np.random.Generator, people: People) -> None:
        """From the day of the leak hardly anybody new comes, and most of the others stop coming one by one."""
        count = len(people.ids)
        before = int(people.arrived[max(self.leak - 1, 0)])
        later = people.arrived > before
        people.arrived = np.where(later, before + ((people.arrived - before) * _NEW_USERS_LEFT).astype(np.int64),
                                  people.arrived)  # fmt: skip
        leaves = self.leak + rng.exponential(_LEAVE_DAYS, count).astype(np.int64)
        people.quits = np.where(rng.random(count) < _LOYAL_SHARE, len(people.arrived) + 1, leaves)

    def push(self, catalog: Catalog) -> None:
        """Make best-sellers of the products that will fail: few buy in such a shop, and a fault shows in many sales."""
        demand = catalog.demand(self.faulty)
        pushed = np.argsort(-demand, kind="stable")[:_FAULTY_PRODUCTS]
        least = _PUSHED_SHARE * (demand.sum() - demand[pushed].sum())
        catalog.appeal[pushed] *= np.maximum(least / demand[pushed], 1.0)

    def faulty_products(self, catalog: Catalog, day: int) -> Ints:
        """Positions of the products that fail in use from their day on: those that sell best then."""
        if day < self.faulty:
            return np.empty(0, dtype=np.int64)
        return np.argsort(-catalog.demand(self.faulty), kind="stable")[:_FAULTY_PRODUCTS].astype(np.int64)

    def truth(self, first: date, shops: dict[str, Catalog]) -> list[dict[str, Any]]:
        """The planted causes: kind, first day, shop, the products concerned, and what they do."""
        since = {name: (first + timedelta(days=day)).isoformat()
                 for name, day in (("late_parcels", self.late), ("faulty_products", self.faulty),
                                   ("leaky_a3", self.leak))}  # fmt: skip
        effects = {
            "late_parcels": "parcels ordered since then are picked up and delivered late",
            "faulty_products": "their buyers ask for their money back for quality and give 1 or 2 stars",
            "leaky_a3": "users of A3 fall back to O faster than they buy; hardly anybody new comes",
        }
        return [
            {
                "cause": cause,
                "since": since[cause],
                "shop_id": shop,
                "product_ids": [str(catalog.ids[at]) for at in self.faulty_products(catalog, self.faulty)]
                if cause == "faulty_products"
                else [],
                "effect": effect,
            }
            for shop, catalog in shops.items()
            for cause, effect in effects.items()
        ]


def planted(profile: Profile, days: int) -> Trouble | None:
    """The troubles of a profile over so many days; none in a healthy shop. ValueError for an unknown profile."""
    if profile not in PROFILES:
        raise ValueError(f"profile is one of {', '.join(PROFILES)}, not {profile}")
    if profile == "healthy":
        return None
    leak = days - max(1, min(_LEAK_DAYS, round(days * _LEAK_SHARE)))
    return Trouble(late=round(days * _LATE_AFTER), faulty=round(days * _FAULTY_AFTER), leak=leak)
