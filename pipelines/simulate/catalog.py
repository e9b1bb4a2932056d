"""What a shop sells: price tiers that fill all four quadrants, new listings, products that end."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.simulate.columns import DAY, NULL, Frame, Ints, Mask, Vocabulary, identifiers

_PRODUCT_SPACE, _SPU_SPACE, _SKU_SPACE = 1, 2, 3

_CATEGORIES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("美妆护肤", ("面膜", "精华", "口红", "防晒"), ("水润", "焕亮", "舒缓", "轻透")),
    ("服饰内衣", ("连衣裙", "针织衫", "睡衣", "外套"), ("法式", "新中式", "通勤", "宽松")),
    ("食品饮料", ("坚果", "茶叶", "糕点", "速食"), ("原味", "低糖", "手工", "老字号")),
    ("智能家居", ("吸尘器", "台灯", "收纳", "床品"), ("静音", "折叠", "大容量", "护眼")),
)
# Tier: share of the catalogue, price range in yuan, how often it is looked at, how readily it is bought.
_TIERS = np.array(
    [
        [0.14, 9.9, 39.0, 3.6, 1.5],
        [0.16, 79.0, 269.0, 4.2, 1.0],
        [0.12, 399.0, 1899.0, 1.3, 0.55],
        [0.58, 29.0, 169.0, 0.32, 0.8],
    ]
)


@dataclass
class Catalog:
    """The products of one shop in order of listing. `price` and `cost` in cents; `ends` is the first day without it."""

    ids: Ints
    spu_ids: Ints
    sku_ids: Ints
    titles: Ints
    category_1: Ints
    category_2: Ints
    category: Ints
    listed: Ints
    listed_at: Ints
    ends: Ints
    price: Ints
    cost: Ints
    tier: Ints
    appeal: NDArray[np.float64]
    readiness: NDArray[np.float64]
    flaw: NDArray[np.float64]
    _mood: NDArray[np.float64]
    _first: int

    def reach(self, day: int) -> NDArray[np.float64]:
        """Cumulated appeal of the products on sale that day; taste drifts from month to month."""
        on_sale = (self.listed <= day) & (self.ends > day)
        return np.cumsum(self.appeal * self._mood[day // 30 % len(self._mood)] * on_sale)

    def demand(self, day: int) -> NDArray[np.float64]:
        """How much of each product is bought that day, relative to the others: looked at, and bought by who looks."""
        on_sale = (self.listed <= day) & (self.ends > day)
        return self.appeal * self.readiness * self._mood[day // 30 % len(self._mood)] * on_sale

    def pick(self, rng: np.random.Generator, reach: NDArray[np.float64], count: int) -> Ints:
        """Positions of `count` products, drawn by cumulated appeal."""
        found = np.searchsorted(reach, rng.random(count) * reach[-1], side="right")
        return np.minimum(found, len(reach) - 1).astype(np.int64)

    def rows(self, shop: int, which: Mask, month: int) -> Frame:
        """The feed's rows of the products chosen, costs as they stand in that month of the simulation."""
        at = np.flatnonzero(which)
        cost = self.cost[at]
        drifted = np.where(cost < 0, NULL, cost * (1000 + 4 * month) // 1000)
        price = self.price[at]
        # A merchant keeps either the margin or the cost in most rows, now and then neither.
        margin = np.where((cost >= 0) & (at % 3 > 0), (price - drifted) * 10_000 // price, NULL)
        return {
            "shop_id": np.full(len(at), shop, dtype=np.int64),
            "product_id": self.ids[at],
            "spu_id": self.spu_ids[at],
            "title": self.titles[at],
            "category_1": self.category_1[at],
            "category_2": self.category_2[at],
            "listed_at": np.where(at % 29 == 7, NULL, self.listed_at[at]),
            "list_price": price,
            "unit_cost": drifted,
            "margin_rate": margin,
        }


def stock(rng: np.random.Generator, shop: int, users: int, first_day: int, days: int, words: Vocabulary) -> Catalog:
    """A catalogue that grows with the shop: about 30 products for a small one, 300 at most."""
    count = int(np.clip(10 * users**0.25, 30, 300))
    numbers = np.arange(count, dtype=np.int64) + shop * 10**6
    tier = rng.choice(len(_TIERS), count, p=_TIERS[:, 0]).astype(np.int64)
    tier[:8] = np.repeat(np.arange(4), 2)
    low, high = _TIERS[tier, 1], _TIERS[tier, 2]
    yuan = np.floor(low * (high / low) ** rng.random(count))
    price = (yuan * 100 + np.where(tier == 0, 90, 0)).astype(np.int64)
    # Two thirds stand in the shop from the beginning, the rest is listed on the way.
    listed = np.where(rng.random(count) < 0.66, -rng.integers(5, 700, count), rng.integers(1, max(days, 2), count))
    listed[:8] = -200
    order = np.argsort(listed, kind="stable")
    listed = listed[order]
    ends = np.where((rng.random(count) < 0.12) & (tier == 3), listed + rng.integers(90, 400, count), days + 10_000)
    kind = rng.integers(0, 4, count)
    part, style = rng.integers(0, 4, count), rng.integers(0, 4, count)
    titles = [
        f"{_CATEGORIES[k][2][s]}{_CATEGORIES[k][1][p]} {n:03d}款"
        for k, p, s, n in zip(kind, part, style, range(1, count + 1), strict=True)
    ]
    cost = (price[order] * rng.integers(30, 62, count)) // 100
    return Catalog(
        ids=identifiers(_PRODUCT_SPACE, numbers),
        spu_ids=identifiers(_SPU_SPACE, numbers // 2),
        sku_ids=identifiers(_SKU_SPACE, numbers * 10),
        titles=words.positions(titles),
        category_1=words.positions([_CATEGORIES[k][0] for k in kind]),
        category_2=words.positions([_CATEGORIES[k][1][p] for k, p in zip(kind, part, strict=True)]),
        category=kind.astype(np.int64),
        listed=listed,
        listed_at=(first_day + listed) * DAY + rng.integers(9, 19, count) * 3600 + rng.integers(0, 3600, count),
        ends=ends,
        price=price[order],
        cost=np.where(rng.random(count) < 0.07, NULL, cost),
        tier=tier[order],
        appeal=_TIERS[tier[order], 3] * rng.lognormal(0, 0.55, count),
        readiness=_TIERS[tier[order], 4] * rng.lognormal(0, 0.2, count),
        flaw=rng.lognormal(0, 0.5, count),
        _mood=rng.lognormal(0, 0.28, (24, count)),
        _first=first_day,
    )
