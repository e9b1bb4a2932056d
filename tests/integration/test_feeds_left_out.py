"""Each optional feed left out, one at a time and all at once: the night publishes, the marts concerned say so, no other
mart changes. One landing holds the same small shop once a feed, each without that one, and is loaded by one night."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from tests.fixtures.contract import CONTRACT
from tests.fixtures.left_out import OPTIONAL, left_out_file

ALL = ("*",)
MISSING = "data_status = 'missing_source'"


@dataclass(frozen=True)
class Without:
    """What leaving a feed out does: `nulls` are columns without any value, `says` is SQL that holds of every row; neither
    is so in the full shop. `changes` are columns that may differ from the full shop's beside these, `*` all rows."""

    nulls: dict[str, tuple[str, ...]] = field(default_factory=dict)
    says: dict[str, str] = field(default_factory=dict)
    changes: dict[str, tuple[str, ...]] = field(default_factory=dict)


def layers(*more: str) -> dict[str, tuple[str, ...]]:
    """Whatever follows from the layers of users."""
    marts = (
        "audience_layer_history", "audience_5a_daily", "audience_5a_flow", "audience_health_daily", "audience_forecast",
        "audience_segments", "audience_segment_members", *more,
    )  # fmt: skip
    return dict.fromkeys(marts, ALL)


EXPERIENCE = {
    "experience_score_indicators": ALL,
    "experience_score_daily": ALL,
}
OPERATING = {"operating_score": ALL, "operating_score_indicators": ALL}


def indicators(*names: str) -> str:
    """The named indicators, and they alone, are missing."""
    listed = ", ".join(f"'{name}'" for name in names)
    return (
        f"(indicator in ({listed})) = ({MISSING})"
        f" and (data_status = 'ok') = (points is not null) and not ({MISSING} and numerator is not null)"
    )


LEFT_OUT = {
    # Net is paid, a purchase stays effective, nothing was ever returned.
    "refunds": Without(
        nulls={
            "shop_daily": ("refund_by_pay_date", "refund_by_refund_date", "excess_refund_amount"),
            "complaint_rates_daily": ("quality_return_rate",),
        },
        says={
            "shop_daily": "net_amount = paid_amount",
            "experience_score_indicators": indicators(
                "quality_return_rate", "damage_return_rate", "review_hours", "help_rate"
            ),
        },
        changes={
            **layers("repurchase_daily", "cohort_value", "customer_value", "content_performance", "content_mix_daily"),
            **OPERATING,
            **EXPERIENCE,
            "campaign_performance": ALL,
            "product_quadrant": ALL,
            "quadrant_summary_daily": ALL,
            "author_performance_daily": ("net_amount", "growth"),
            "shop_daily": ("net_amount",),
            "complaint_rates_daily": ("ccr",),
        },
    ),
    # A review makes an A5 of an A4; from A3 on nothing else depends on it.
    "reviews": Without(
        nulls={"complaint_rates_daily": ("bad_review_rate", "ccr", "nps_proxy_stars")},
        says={"experience_score_indicators": indicators("bad_review_rate")},
        changes={**layers(), **EXPERIENCE, "customer_value": ("layer",)},
    ),
    # Orders still make layers, aggregates still count; who did what to what is gone.
    "traffic_events": Without(
        nulls={
            "synergy_matrix_daily": ("paid_amount", "share"),
            "fan_member_daily": ("viewers", "buyers", "conversion"),
            "content_performance": ("a3_flow_users", "a3_flow_rate"),
            "lucky_bag_daily": ("participant_conversion", "non_participant_conversion"),
        },
        says={
            "synergy_daily": MISSING,
            "synergy_matrix_daily": MISSING,
            "fan_member_daily": MISSING,
            "content_performance": MISSING,
            "content_mix_daily": f"role_basis = 'declared' or ({MISSING} and contents is null)",
        },
        changes={
            **layers(
                "content_performance",
                "content_mix_daily",
                "traffic_source_daily",
                "author_performance_daily",
                "synergy_daily",
                "synergy_matrix_daily",
                "fan_member_daily",
                "purchase_path_daily",
            ),
            **OPERATING,
            "campaign_performance": ("a3_gained", "asset_gained"),
            "customer_value": ("layer",),
            "shop_daily": (
                "impressions",
                "views",
                "viewers",
                "product_impression_users",
                "product_click_users",
                "traffic_basis",
            ),
        },
    ),
    "traffic_daily": Without(
        says={"shop_daily": "traffic_basis = 'traffic_events'"},
        changes={
            **OPERATING,
            **dict.fromkeys(
                ("content_performance", "content_mix_daily", "traffic_source_daily", "author_performance_daily"), ALL
            ),
            "shop_daily": (
                "impressions",
                "views",
                "viewers",
                "product_impression_users",
                "product_click_users",
                "traffic_basis",
            ),
        },
    ),
    "service_sessions": Without(
        nulls={
            "complaint_rates_daily": ("complaint_rate", "ccr"),
            "experience_score_daily": ("experience_10", "service_points", "score_change", "biggest_mover"),
        },
        says={
            "experience_score_daily": MISSING,
            "experience_score_indicators": indicators("reply_seconds", "complaint_rate", "dissatisfied_rate"),
        },
        changes={"experience_score_daily": ("data_status",), "experience_score_indicators": ALL},
    ),
    # What was sold speaks for itself; ages start with the first sale.
    "products": Without(changes={"product_quadrant": ALL, "cohort_value": ALL, "customer_value": ("clv12",)}),
    # Everybody is a stranger.
    "authors": Without(
        nulls={"author_performance_daily": ("tier", "followers")},
        says={"field_matrix_daily": "field_class not in ('own', 'head_author') or paid_amount = 0"},
        changes={
            "author_performance_daily": ("growth", "tier_zh"),
            **dict.fromkeys(("field_matrix_daily", "synergy_daily", "synergy_matrix_daily"), ALL),
            "purchase_path_daily": ("marketing_amount",),
        },
    ),
    "author_audience": Without(nulls={"author_performance_daily": ("audience_match",)}),
    "contents": Without(
        nulls={
            "content_performance": ("author_id", "content_type", "declared_role"),
            "author_performance_daily": ("is_vertical",),
        },
        says={
            "content_mix_daily": f"role_basis = 'observed' or ({MISSING} and contents is null)",
            "operating_score_indicators": f"indicator <> 'content_count' or ({MISSING} and value is null)",
        },
        changes={
            **OPERATING,
            **dict.fromkeys(
                ("content_performance", "content_mix_daily", "fan_member_daily", "field_matrix_daily"), ALL
            ),
            "purchase_path_daily": ("marketing_amount",),
        },
    ),
    "campaigns": Without(says={"campaign_performance": "false"}, changes={"campaign_performance": ALL}),
    "lucky_bags": Without(
        nulls={
            "lucky_bag_daily": (
                "bags",
                "participations",
                "participants",
                "winners",
                "mean_interval_minutes",
                "overlaps",
                "participant_conversion",
                "non_participant_conversion",
                "cost_amount",
            )
        },
        says={"lucky_bag_daily": MISSING},
        changes={"lucky_bag_daily": ("data_status",)},
    ),
    "ad_spend": Without(
        nulls={"shop_daily": ("roi",), "campaign_performance": ("roi",), "content_mix_daily": ("spend_share",)}
    ),
    "users": Without(nulls={"author_performance_daily": ("audience_match",)}),
    "members": Without(
        says={"fan_member_daily": f"(viewer_group in ('member', 'non_member')) = ({MISSING} and viewers is null)"},
        changes={"fan_member_daily": ALL},
    ),
    "nps_surveys": Without(nulls={"complaint_rates_daily": ("nps",)}),
    "benchmarks": Without(
        nulls={"audience_health_daily": ("benchmark_deep_share",)},
        says={
            "operating_score_indicators": "benchmark_source is distinct from 'industry'",
            "experience_score_indicators": "benchmark_source is distinct from 'industry'",
        },
        changes={**OPERATING, **EXPERIENCE, "audience_health_daily": ("bottleneck",)},
    ),
    # Nothing published is read from settlements.
    "settlements": Without(),
    # The buyers of the orders it names are unknown again: whatever counts people differs, nothing else.
    "buyer_map": Without(
        changes={
            **layers("repurchase_daily", "cohort_value", "customer_value", "content_performance", "content_mix_daily"),
            **OPERATING,
            **dict.fromkeys(("fan_member_daily", "purchase_path_daily", "synergy_daily", "synergy_matrix_daily"), ALL),
            "campaign_performance": ("a3_gained", "asset_gained", "repurchase_30d", "repurchase_90d", "buyers_won"),
            "author_performance_daily": ("audience_match",),
            "lucky_bag_daily": ("participant_conversion", "non_participant_conversion"),
            "shop_daily": ("buyers", "new_buyers", "returning_buyers"),
        },
    ),
    "official_metrics": Without(
        nulls={"experience_score_daily": ("official_score",), "audience_5a_daily": ("official_users",)}
    ),
    # The alliance's authors are not heard of: the lines are those of the export's authors, or of nobody, again.
    "order_commissions": Without(
        changes=dict.fromkeys(("field_matrix_daily", "author_performance_daily", "purchase_path_daily"), ALL)
    ),
}

# Orders alone: what each mart says. A mart with several words has some row of each.
ORDERS_ALONE = {
    ("ok",): (
        "audience_layer_history", "audience_5a_daily", "audience_5a_flow", "audience_health_daily", "purchase_path_daily",
        "field_matrix_daily", "author_performance_daily", "cohort_value", "customer_value",
        "complaint_rates_daily",
    ),
    ("missing_source",): (
        "operating_score", "experience_score_daily", "traffic_source_daily", "synergy_daily", "synergy_matrix_daily",
        "content_performance", "content_mix_daily", "fan_member_daily", "lucky_bag_daily", "shop_daily",
    ),
    ("insufficient", "ok"): ("audience_forecast", "product_quadrant", "quadrant_summary_daily", "repurchase_daily"),
    ("insufficient", "missing_source"): ("audience_segments",),
    (): ("audience_segment_members", "campaign_performance"),
}  # fmt: skip
# Its indicators that need nothing else, of the ten and the eight.
FROM_ORDERS = {
    "experience_score_indicators": ("pickup_on_time", "delivery_on_time"),
    "operating_score_indicators": ("price_per_unit", "repurchase_rate_90d"),
}
SALES = ("business_date", "orders", "units", "paid_amount")


@pytest.fixture(scope="session")
def file(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    return left_out_file(tmp_path_factory, worker_id)


def compared(db: duckdb.DuckDBPyConnection, mart: str, case: Without) -> list[str]:
    """Every column of a mart that the case does not name; of a mart it names, those of the contract."""
    if mart in case.nulls.keys() | case.says.keys() | case.changes.keys():
        return [name for name in (CONTRACT[mart].key | CONTRACT[mart].columns) if name != "shop_id"]
    found = db.execute(
        "select column_name from duckdb_columns() where table_name = ? and schema_name = 'marts'", [mart]
    )
    return [name for (name,) in found.fetchall() if name != "shop_id"]


def differing(db: duckdb.DuckDBPyConnection, mart: str, shop: str, kept: list[str]) -> list[str]:
    """Rows that only one of two shops has, in the columns kept."""
    names = ", ".join(f'"{name}"' for name in kept)
    sides = {name: f"select {names} from marts.{mart} where shop_id = '{name}'" for name in ("full", shop)}
    problems = []
    for one, other in (("full", shop), (shop, "full")):
        query = f"{sides[one]} except all {sides[other]}"
        (count,) = db.sql(f"select count(*) from ({query})").fetchone() or (0,)
        if count:
            problems.append(f"{mart}: {count} rows of {one} alone, e.g. {db.sql(f'{query} limit 1').fetchone()}")
    return problems


def test_every_optional_feed_has_its_case() -> None:
    assert set(LEFT_OUT) == set(OPTIONAL)


def broken(db: duckdb.DuckDBPyConnection, shop: str, mart: str, nulls: tuple[str, ...], says: str) -> list[str]:
    """What a shop has although the case says it has not."""
    held = " and ".join([f"({says})", *(f'"{column}" is null' for column in nulls)])
    row = db.sql(f"select * from marts.{mart} where shop_id = '{shop}' and ({held}) is not true limit 1").fetchone()
    return [] if row is None else [f"{mart} of {shop}: not {held}: {row}"]


@pytest.mark.parametrize("feed", LEFT_OUT)
def test_a_feed_left_out_is_said_where_it_matters_and_changes_nothing_else(file: Path, feed: str) -> None:
    shop, case = f"without_{feed}", LEFT_OUT[feed]
    problems = []
    with duckdb.connect(str(file), read_only=True) as db:
        for mart in case.nulls.keys() | case.says.keys():
            problems += broken(db, shop, mart, case.nulls.get(mart, ()), case.says.get(mart, "true"))
            for column in case.nulls.get(mart, ()):
                assert broken(db, "full", mart, (column,), "true"), f"{mart}.{column}: the full shop has none either"
            if mart in case.says:
                assert broken(db, "full", mart, (), case.says[mart]), f"{mart}: so is the full shop"
        for mart in CONTRACT:
            free = (*case.changes.get(mart, ()), *case.nulls.get(mart, ()))
            if "*" not in free:
                problems += differing(db, mart, shop, [c for c in compared(db, mart, case) if c not in free])
    assert not problems, "\n".join(problems)


def test_orders_alone_give_what_they_can_and_every_other_mart_says_missing_source(file: Path) -> None:
    with duckdb.connect(str(file), read_only=True) as db:
        for words, marts in ORDERS_ALONE.items():
            for mart in marts:
                rows = db.sql(f"select distinct data_status from {alone(mart)} order by all").fetchall()
                assert tuple(word for (word,) in rows) == words, mart
        looked_at = {mart for marts in ORDERS_ALONE.values() for mart in marts} | FROM_ORDERS.keys()
        assert CONTRACT.keys() - looked_at == {"paper_reference"}
        for mart, named in FROM_ORDERS.items():
            rows = db.sql(
                f"select distinct indicator from {alone(mart)} and data_status <> 'missing_source'"
            ).fetchall()
            assert {name for (name,) in rows} == set(named)
        assert differing(db, "shop_daily", "orders_alone", list(SALES)) == []


def alone(mart: str) -> str:
    return f"marts.{mart} where shop_id = 'orders_alone'"
