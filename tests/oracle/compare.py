"""Holds a published file against oracle rows, both ways, and says readably where they part."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from tests.oracle.facts import Row

KEYS = {
    "audience_layer_history": ("shop_id", "user_id", "valid_from"),
    "audience_5a_daily": ("shop_id", "business_date", "layer"),
    "audience_5a_flow": ("shop_id", "business_date", "horizon_days", "from_layer", "to_layer"),
    "audience_health_daily": ("shop_id", "business_date"),
    "audience_forecast": ("shop_id", "business_date", "horizon_days", "layer"),
    "audience_segments": ("shop_id", "business_date", "segment"),
    "audience_segment_members": ("shop_id", "business_date", "segment", "user_id"),
    "product_quadrant": ("shop_id", "business_date", "scope", "product_id"),
    "quadrant_summary_daily": ("shop_id", "business_date", "scope", "quadrant"),
    "operating_score": ("shop_id", "grain", "period_start"),
    "operating_score_indicators": ("shop_id", "grain", "period_start", "indicator"),
    "shop_daily": ("shop_id", "business_date"),
    "repurchase_daily": ("shop_id", "business_date"),
    "experience_score_daily": ("shop_id", "business_date"),
    "experience_score_indicators": ("shop_id", "business_date", "indicator"),
    "complaint_rates_daily": ("shop_id", "business_date"),
    "purchase_path_daily": ("shop_id", "business_date", "path_class", "scene"),
    "traffic_source_daily": ("shop_id", "business_date", "traffic_source"),
    "synergy_daily": ("shop_id", "business_date"),
    "synergy_matrix_daily": ("shop_id", "business_date", "operating_function", "marketing_function"),
    "field_matrix_daily": ("shop_id", "business_date", "field_class"),
    "fan_member_daily": ("shop_id", "business_date", "viewer_group"),
    "lucky_bag_daily": ("shop_id", "business_date"),
    "cohort_value": ("shop_id", "cohort_month", "months_since_first"),
    "customer_value": ("shop_id", "user_id"),
    "author_performance_daily": ("shop_id", "business_date", "author_id"),
    "content_performance": ("shop_id", "content_id"),
    "content_mix_daily": ("shop_id", "business_date", "role_basis", "role"),
    "campaign_performance": ("shop_id", "campaign_id"),
}
MONEY, RATE, COUNT, TEXT, DAY, FLAG, LAYER = (
    "DECIMAL(18,2)",
    "DOUBLE",
    "BIGINT",
    "VARCHAR",
    "DATE",
    "BOOLEAN",
    "SMALLINT",
)
# Only what marts.md fixes; a column it leaves open (a numerator, say) is held by value alone.
TYPES = {
    MONEY: {
        "net_amount",
        "paid_amount",
        "refund_by_pay_date",
        "refund_by_refund_date",
        "excess_refund_amount",
        "marketing_amount",
        "campaign_amount",
        "baseline_amount",
        "incremental_amount",
        "net_incremental_amount",
    },
    RATE: {
        "share",
        "rate",
        "amount_share",
        "quantity_share",
        "paper_share",
        "gap_points",
        "tvd",
        "score_100",
        "score_raw",
        "score_change",
        "value",
        "fraction",
        "points",
        "contribution",
        "roi",
        "paid_amount_yoy",
        "experience_10",
        "product_points",
        "logistics_points",
        "service_points",
        "official_score",
        "weight",
        "quality_return_rate",
        "bad_review_rate",
        "complaint_rate",
        "ccr",
        "nps",
        "nps_proxy_stars",
        "yoy_growth",
        "conversion",
        "amount_per_buyer",
        "amount_per_order",
        "mean_interval_minutes",
        "participant_conversion",
        "non_participant_conversion",
        "cumulative_per_user",
        "clv12",
        "gpm",
        "growth",
        "audience_match",
        "uplift",
        "repurchase_30d",
        "repurchase_90d",
        "a3_flow_rate",
        "views_share",
        "spend_share",
        "lift",
        "p0",
        "p_e",
        "p_m",
        "p_em",
        "expected",
        "lower_95",
        "upper_95",
        *(f"repurchase_rate_{n}d" for n in (30, 90, 180, 365)),
        "deep_share",
        "a3_ratio",
        "a5_ratio",
        "benchmark_deep_share",
        *(f"up_rate_{n}" for n in (1, 2, 3, 4)),
        *(f"benchmark_up_rate_{n}" for n in (1, 2, 3, 4)),
        "expected_users",
        "backtest_error",
        "unchanged_error",
    },
    COUNT: {
        "users",
        "entered",
        "left_users",
        "net_quantity",
        "product_count",
        "products",
        "impressions",
        "views",
        "viewers",
        "product_impression_users",
        "product_click_users",
        "buyers",
        "orders",
        "units",
        "new_buyers",
        "returning_buyers",
        "signed_orders",
        "displayed_share",
        "bags",
        "participations",
        "participants",
        "winners",
        "overlaps",
        "occasions",
        "months_since_first",
        "followers",
        "a3_gained",
        "asset_gained",
        "a3_flow_users",
        "contents",
        "asset",
        "ripe_users",
        "buyers_won",
        "holdout_users",
        "official_users",
        *(f"buyers_{n}d" for n in (30, 90, 180, 365)),
        *(f"repeat_buyers_{n}d" for n in (30, 90, 180, 365)),
    },
    TEXT: {
        "shop_id",
        "user_id",
        "product_id",
        "scope",
        "quadrant",
        "grain",
        "indicator",
        "path_class",
        "scene",
        "field",
        "traffic_source",
        "operating_function",
        "marketing_function",
        "field_class",
        "author_id",
        "tier",
        "gpm_basis",
        "campaign_id",
        "content_id",
        "content_type",
        "declared_role",
        "observed_role",
        "role_basis",
        "role",
        "verdict",
        "viewer_group",
        "clv_basis",
        "bottleneck",
        "segment",
        "data_status",
        "rule_version",
    },
    DAY: {
        "business_date",
        "valid_from",
        "valid_to",
        "period_start",
        "period_end",
        "cohort_month",
        "first_paid_on",
        "last_paid_on",
    },
    FLAG: {
        "is_provisional",
        "is_tail_risk",
        "is_vertical",
        "is_long_term",
        "a3_thin",
        "leaky",
        "repurchase_gap",
        "is_holdout",
    },
    LAYER: {"layer", "from_layer", "to_layer"},
}


def read_mart(published: Path, mart: str, columns: list[str] | None = None) -> list[Row]:
    """Rows of a published mart as dicts (all columns by default)."""
    with duckdb.connect(str(published), read_only=True) as connection:
        names = ", ".join(columns) if columns else "*"
        cursor = connection.execute(f"select {names} from marts.{mart}")
        found = [column[0] for column in cursor.description]
        return [dict(zip(found, values, strict=True)) for values in cursor.fetchall()]


def column_types(published: Path, mart: str) -> dict[str, str]:
    with duckdb.connect(str(published), read_only=True) as connection:
        rows = connection.execute(
            "select column_name, data_type from duckdb_columns() where schema_name = 'marts' and table_name = ?", [mart]
        ).fetchall()
        return dict(rows)


def same(ours: Any, theirs: Any) -> bool:
    """Exact on integers, decimals, text, booleans and dates; 1e-9 as soon as one side is a double."""
    if ours is None or theirs is None:
        return ours is theirs
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return type(ours) is type(theirs) and ours == theirs
    if isinstance(ours, float) or isinstance(theirs, float):
        numbers = isinstance(ours, (int, float, Decimal)) and isinstance(theirs, (int, float, Decimal))
        return numbers and math.isclose(float(ours), float(theirs), rel_tol=1e-9, abs_tol=1e-9)
    return bool(ours == theirs)


def compare_rows(mart: str, expected: list[Row], found: list[Row], limit: int = 8) -> list[str]:
    """Differences by key, one line each; empty when the two agree."""
    key = KEYS[mart]

    def keyed(rows: list[Row], side: str) -> tuple[dict[tuple, Row], list[str]]:
        result: dict[tuple, Row] = {}
        twice = []
        for row in rows:
            name = tuple(row[k] for k in key)
            if name in result:
                twice.append(f"{mart}{name}: twice in {side}")
            result[name] = row
        return result, twice

    ours, problems = keyed(expected, "the oracle")
    theirs, more = keyed(found, "the published mart")
    problems += more
    absent = sorted((k for k in ours if k not in theirs), key=str)
    extra = sorted((k for k in theirs if k not in ours), key=str)
    problems += [f"{mart}{k}: missing in the published mart, expected {ours[k]}" for k in absent[:limit]]
    problems += [f"{mart}{k}: not expected, published {theirs[k]}" for k in extra[:limit]]
    by_column: dict[str, int] = {}
    shown: list[str] = []
    for k in sorted((k for k in ours if k in theirs), key=str):
        for column, value in ours[k].items():
            if column not in theirs[k]:
                by_column[f"{column} (no such column)"] = by_column.get(f"{column} (no such column)", 0) + 1
            elif not same(value, theirs[k][column]):
                by_column[column] = by_column.get(column, 0) + 1
                if by_column[column] <= limit:
                    shown.append(f"{mart}{k}.{column}: expected {value!r}, published {theirs[k][column]!r}")
    if absent or extra or by_column:
        problems.append(
            f"{mart}: {len(ours)} expected, {len(theirs)} published, {len(absent)} missing, {len(extra)} extra, "
            f"cells differing by column {by_column}"
        )
    return problems + shown


def compare(published: Path, marts: dict[str, list[Row]], shops: set[str] | None = None) -> list[str]:
    """Differences between oracle marts and a published file, types included; empty when they agree.

    `shops` narrows both sides to some shops.
    """
    problems = []
    for mart, expected in marts.items():
        wanted = [r for r in expected if shops is None or r["shop_id"] in shops]
        found = [r for r in read_mart(published, mart) if shops is None or r["shop_id"] in shops]
        problems += compare_rows(mart, wanted, found)
        problems += [f"{mart}: a row without rule_version" for r in found if not r.get("rule_version")][:1]
        types = column_types(published, mart)
        for type_name, columns in TYPES.items():
            problems += [
                f"{mart}.{c}: type {types[c]}, marts.md says {type_name}"
                for c in sorted(columns & types.keys())
                if types[c] != type_name
            ]
    return problems


def except_both_ways(left: Path, right: Path) -> list[str]:
    """Two-way EXCEPT over every table of schema marts: rows and tables that only one of two published files has."""
    problems = []
    with duckdb.connect() as connection:
        connection.execute(f"attach '{left}' as l (read_only)")
        connection.execute(f"attach '{right}' as r (read_only)")
        tables = {
            side: {
                row[0]
                for row in connection.execute(
                    "select table_name from duckdb_tables() where schema_name = 'marts' and database_name = ?", [side]
                ).fetchall()
            }
            for side in ("l", "r")
        }
        problems += [f"{t}: only in one publication" for t in sorted(tables["l"] ^ tables["r"])]
        for table in sorted(tables["l"] & tables["r"]):
            for a, b in (("l", "r"), ("r", "l")):
                query = f"select * from {a}.marts.{table} except all select * from {b}.marts.{table}"
                count = connection.execute(f"select count(*) from ({query})").fetchone()
                if count and count[0]:
                    rows = connection.execute(f"{query} limit 5").fetchall()
                    problems.append(f"{table}: {count[0]} rows only in {'left' if a == 'l' else 'right'}, e.g. {rows}")
    return problems
