"""A slow, plain second implementation of the published marts, written from the specification alone.

It walks day by day and user by user over small data, never looks at `models/`, and cites the readings (R1, R2 ...)
it follows. `compute` gives the marts, `compare` holds them against a published file, `generate` invents histories.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from tests.oracle.audience import audience_5a_daily, audience_5a_flow, audience_layer_history, layers_by_user
from tests.oracle.experience import experience_marts
from tests.oracle.facts import Feeds, Row, Shop, shop_ids
from tests.oracle.fields import (
    Touches,
    field_matrix_daily,
    purchase_path_daily,
    synergy_daily,
    synergy_matrix_daily,
    traffic_source_daily,
)
from tests.oracle.goods import product_quadrant, quadrant_summary_daily
from tests.oracle.growth import author_performance_daily, campaign_performance, content_marts
from tests.oracle.outlook import audience_forecast, audience_health_daily
from tests.oracle.rules import RULES, Rules
from tests.oracle.score import operating_score, operating_score_indicators, score_periods
from tests.oracle.segments import segment_marts
from tests.oracle.shop import repurchase_daily, shop_daily
from tests.oracle.value import cohort_value, customer_value, fan_member_daily, lucky_bag_daily

MARTS = (
    "audience_layer_history",
    "audience_5a_daily",
    "audience_5a_flow",
    "audience_health_daily",
    "audience_forecast",
    "audience_segments",
    "audience_segment_members",
    "product_quadrant",
    "quadrant_summary_daily",
    "operating_score",
    "operating_score_indicators",
    "shop_daily",
    "repurchase_daily",
    "experience_score_daily",
    "experience_score_indicators",
    "complaint_rates_daily",
    "purchase_path_daily",
    "traffic_source_daily",
    "synergy_daily",
    "synergy_matrix_daily",
    "field_matrix_daily",
    "fan_member_daily",
    "lucky_bag_daily",
    "cohort_value",
    "customer_value",
    "author_performance_daily",
    "content_performance",
    "content_mix_daily",
    "campaign_performance",
)
AUDIENCE = {
    "audience_layer_history": audience_layer_history,
    "audience_5a_daily": audience_5a_daily,
    "audience_5a_flow": audience_5a_flow,
    "audience_health_daily": audience_health_daily,
    "audience_forecast": audience_forecast,
}


def compute(
    feeds: Feeds, on: date, rules: Rules = RULES, marts: Iterable[str] = MARTS, shops: Iterable[str] | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Marts for the run date `on`: mart name -> rows with the columns of marts.md plus data_status.

    `feeds` holds the current version of every key, typed (datetime, date, Decimal, int, bool, str, None), every row
    with its shop_id and users already as they shall appear in the marts.
    """
    wanted = set(marts)
    result: dict[str, list[Row]] = {name: [] for name in MARTS if name in wanted}
    for shop_id in sorted(shops) if shops is not None else shop_ids(feeds):
        shop = Shop(feeds, shop_id, on, rules)
        if shop.first_day is None:
            continue
        made: dict[str, list[Row]] = {}
        if wanted & AUDIENCE.keys():
            layers = layers_by_user(shop)
            made |= {name: mart(shop, layers) for name, mart in AUDIENCE.items() if name in wanted}
        if wanted & {"audience_segments", "audience_segment_members"}:
            made |= segment_marts(shop, layers_by_user(shop))
        if wanted & {"product_quadrant", "quadrant_summary_daily"}:
            quadrants = product_quadrant(shop)
            made["product_quadrant"] = quadrants
            made["quadrant_summary_daily"] = quadrant_summary_daily(shop, quadrants)
        if wanted & {"operating_score", "operating_score_indicators"}:
            periods = score_periods(shop)
            made["operating_score"] = operating_score(shop, periods)
            made["operating_score_indicators"] = operating_score_indicators(shop, periods)
        if "shop_daily" in wanted:
            made["shop_daily"] = shop_daily(shop)
        if "repurchase_daily" in wanted:
            made["repurchase_daily"] = repurchase_daily(shop)
        if wanted & {"experience_score_daily", "experience_score_indicators", "complaint_rates_daily"}:
            made |= experience_marts(shop)
        if wanted & {"purchase_path_daily", "synergy_daily", "synergy_matrix_daily", "field_matrix_daily"}:
            touches = Touches(shop)
            made["purchase_path_daily"] = purchase_path_daily(shop, touches)
            made["synergy_daily"] = synergy_daily(shop, touches, layers_by_user(shop))
            made["synergy_matrix_daily"] = synergy_matrix_daily(shop, touches)
            made["field_matrix_daily"] = field_matrix_daily(shop, touches)
        if "traffic_source_daily" in wanted:
            made["traffic_source_daily"] = traffic_source_daily(shop)
        if "fan_member_daily" in wanted:
            made["fan_member_daily"] = fan_member_daily(shop)
        if "lucky_bag_daily" in wanted:
            made["lucky_bag_daily"] = lucky_bag_daily(shop)
        if wanted & {"cohort_value", "customer_value"}:
            made["cohort_value"] = cohort_value(shop)
            made["customer_value"] = customer_value(shop, layers_by_user(shop), made["cohort_value"])
        if "author_performance_daily" in wanted:
            made["author_performance_daily"] = author_performance_daily(shop)
        if wanted & {"content_performance", "content_mix_daily"}:
            made |= content_marts(shop, layers_by_user(shop))
        if "campaign_performance" in wanted:
            made["campaign_performance"] = campaign_performance(shop, layers_by_user(shop))
        for name, rows in made.items():
            if name in wanted:
                result[name].extend(rows)
    return result
