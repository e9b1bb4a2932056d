"""Defaults of the specification: windows, thresholds, weights, minimums."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

INDICATORS = (
    "total_impressions",
    "content_count",
    "live_dwell_seconds",
    "live_interaction_rate",
    "product_click_rate",
    "click_purchase_rate",
    "price_per_unit",
    "repurchase_rate_90d",
)
BREADTH = INDICATORS[:4]
DEPTH = INDICATORS[4:]


@dataclass(frozen=True)
class Rules:
    """One set of rules; the defaults are those of metrics.md."""

    purchase_days: int = 365
    question_days: int = 30
    attraction_days: int = 30
    awareness_days: int = 15
    long_view_seconds: int = 30
    long_live_view_seconds: int = 60
    short_view_seconds: int = 3
    short_views: int = 3
    short_view_days: int = 2
    liked_from_rating: int = 4
    flow_horizons: tuple[int, ...] = (1, 7, 30)
    health_minimum: int = 1000
    quadrant_days: int = 30
    quadrant_min_products: int = 4
    provisional_days: int = 14
    tail_risk_days: int = 90
    confirm_days: int = 3
    paper_share: dict[str, float] = field(
        default_factory=lambda: {"traffic": 0.132, "core": 0.615, "profit": 0.169, "potential": 0.084}
    )
    weights: dict[str, int] = field(
        default_factory=lambda: dict(zip(INDICATORS, (14, 10, 12, 14, 14, 14, 10, 12), strict=True))
    )
    minimums: dict[str, int] = field(
        default_factory=lambda: {
            "live_dwell_seconds": 30,
            "live_interaction_rate": 30,
            "product_click_rate": 100,
            "click_purchase_rate": 30,
            "price_per_unit": 1,
            "repurchase_rate_90d": 30,
        }
    )
    live_minutes: int = 30
    repurchase_windows: tuple[int, ...] = (30, 90, 180, 365)
    new_buyer_days: int = 365
    # Rows of the benchmarks feed and of the target seed: indicator, grain, floor, average, excellent, valid_from,
    # valid_to (optional), shop_id (optional: None holds for every shop).
    targets: tuple[dict[str, Any], ...] = ()


RULES = Rules()
