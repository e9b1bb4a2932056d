"""Which marts and columns the page carries: one list a column and day, or the newest rows up to a limit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Daily:
    """A mart read as one list of values a column, index = day; `by` names the columns that split a day into keys."""

    mart: str
    columns: tuple[str, ...]
    by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listing:
    """Rows of a mart in the order given, at most `limit`; the number there is stands beside them."""

    name: str
    mart: str
    columns: tuple[str, ...]
    order: str
    limit: int
    where: str = "true"
    newest: bool = True


DAILY = (
    Daily(
        "shop_daily",
        (
            "impressions", "views", "viewers", "product_impression_users", "product_click_users", "buyers", "orders",
            "units", "paid_amount", "net_amount", "refund_by_pay_date", "refund_by_refund_date",
            "new_buyers", "returning_buyers", "roi",
        ),
    ),
    Daily("audience_5a_daily", ("users", "entered", "left_users"), ("layer",)),
    Daily(
        "audience_health_daily",
        (
            "asset", "deep_share", "up_rate_1", "up_rate_2", "up_rate_3", "up_rate_4", "a3_ratio", "a5_ratio",
            "benchmark_deep_share", "benchmark_up_rate_1", "benchmark_up_rate_2", "benchmark_up_rate_3",
            "benchmark_up_rate_4", "bottleneck", "a3_thin", "leaky", "repurchase_gap",
        ),
    ),
    Daily(
        "experience_score_daily",
        (
            "experience_10", "product_points", "logistics_points", "service_points", "official_score", "score_change",
            "biggest_mover",
        ),
    ),
    Daily("experience_score_indicators", ("value", "points"), ("indicator",)),
    Daily(
        "complaint_rates_daily",
        ("signed_orders", "quality_return_rate", "bad_review_rate", "complaint_rate", "ccr", "nps", "nps_proxy_stars"),
    ),
    Daily("purchase_path_daily", ("paid_amount", "marketing_amount", "orders"), ("path_class", "scene")),
    Daily("traffic_source_daily", ("views",), ("traffic_source",)),
    Daily("synergy_daily", ("lift", "lower_95", "upper_95", "p0", "p_e", "p_m", "p_em", "expected", "verdict")),
    Daily("field_matrix_daily", ("paid_amount", "campaign_amount"), ("field_class",)),
    Daily(
        "repurchase_daily",
        (
            "repurchase_rate_30d", "repurchase_rate_90d", "repurchase_rate_180d", "repurchase_rate_365d",
            "buyers_30d", "buyers_90d", "buyers_180d", "buyers_365d", "repeat_buyers_30d", "repeat_buyers_90d",
            "repeat_buyers_180d", "repeat_buyers_365d",
        ),
    ),
    Daily(
        "fan_member_daily",
        ("viewers", "buyers", "conversion", "amount_per_buyer", "amount_per_order"),
        ("viewer_group",),
    ),
    Daily(
        "lucky_bag_daily",
        (
            "bags", "participations", "participants", "winners", "mean_interval_minutes", "overlaps",
            "participant_conversion", "non_participant_conversion", "participant_pairs", "participant_buyers",
            "non_participant_pairs", "non_participant_buyers",
        ),
    ),
)  # fmt: skip

LISTINGS = (
    Listing(
        "diagnosis",
        "diagnosis",
        ("finding", "subject_id", "since", "value", "reference"),
        "since, finding, subject_id",
        100,
    ),
    Listing(
        "products",
        "product_quadrant",
        (
            "scope", "product_id", "quadrant", "net_amount", "net_quantity", "amount_share", "quantity_share",
            "quadrant_gross", "is_provisional", "is_tail_risk", "moved_from",
        ),
        "net_amount desc nulls last, scope, product_id",
        5000,
        "(quadrant is null or quadrant <> 'no_sales')",
    ),
    Listing(
        "moves",
        "product_quadrant",
        ("business_date", "scope", "product_id", "moved_from", "quadrant", "net_amount"),
        "business_date desc, scope, net_amount desc nulls last, product_id",
        200,
        "moved_from is not null",
        newest=False,
    ),
    Listing(
        "quadrants",
        "quadrant_summary_daily",
        (
            "scope", "quadrant", "products", "net_amount", "amount_share", "paper_share", "gap_points", "tvd",
            "strategy_zh", "strategy_en",
        ),
        "scope, quadrant",
        8,
    ),
    Listing(
        "experience_indicators",
        "experience_score_indicators",
        (
            "indicator", "dimension", "numerator", "denominator", "value", "floor_anchor", "average_anchor",
            "excellent_anchor", "benchmark_source", "fraction", "weight", "points", "contribution", "data_status",
        ),
        "dimension, indicator",
        20,
    ),
    Listing("sources", "traffic_source_daily", ("traffic_source", "paper_share"), "traffic_source", 10),
    Listing("fields", "field_matrix_daily", ("field_class", "paper_share"), "field_class", 10),
    Listing(
        "synergy_matrix",
        "synergy_matrix_daily",
        ("operating_function", "marketing_function", "paid_amount", "share"),
        "operating_function, marketing_function",
        9,
    ),
    Listing(
        "forecast",
        "audience_forecast",
        ("horizon_days", "layer", "expected_users", "backtest_error", "data_status"),
        "horizon_days, layer",
        12,
    ),
    Listing(
        "segments",
        "audience_segments",
        ("segment", "users", "holdout_users", "data_status"),
        "users desc nulls last, segment",
        100,
    ),
    Listing(
        "authors",
        "author_performance_daily",
        (
            "author_id", "tier", "is_vertical", "paid_amount", "net_amount", "views", "gpm", "growth",
            "audience_match", "is_long_term", "followers",
        ),
        "paid_amount desc nulls last, views desc nulls last, author_id",
        300,
    ),
    Listing(
        "campaigns",
        "campaign_performance",
        (
            "campaign_id", "starts_on", "ends_on", "paid_amount", "baseline_amount", "uplift",
            "incremental_amount", "net_incremental_amount", "a3_gained", "asset_gained", "repurchase_30d",
            "repurchase_90d", "roi", "data_status",
        ),
        "starts_on desc nulls last, campaign_id",
        100,
        newest=False,
    ),
    Listing(
        "contents",
        "content_performance",
        (
            "content_id", "author_id", "content_type", "declared_role", "observed_role", "views", "a3_flow_users",
            "a3_flow_rate", "paid_amount", "gpm",
        ),
        "paid_amount desc nulls last, views desc nulls last, content_id",
        200,
        newest=False,
    ),
    Listing(
        "content_mix",
        "content_mix_daily",
        ("role_basis", "role", "contents", "views_share", "spend_share"),
        "role_basis, role",
        20,
    ),
    Listing(
        "cohorts",
        "cohort_value",
        (
            "cohort_month", "months_since_first", "users", "net_amount", "cumulative_per_user", "clv12", "clv_basis",
        ),
        "cohort_month desc, months_since_first",
        650,
        newest=False,
    ),
)  # fmt: skip

SCORE = (
    "score_100", "score_raw", "coverage", "breadth_points", "depth_points", "score_change", "biggest_mover",
    "data_status",
)  # fmt: skip
SCORE_INDICATORS = ("value", "points", "contribution")
SCORE_ANCHORS = (
    "indicator", "numerator", "denominator", "value", "floor_anchor", "average_anchor", "excellent_anchor",
    "benchmark_source", "fraction", "weight", "points", "contribution", "data_status",
)  # fmt: skip
NAMED = {"product": "product_id", "author": "author_id", "campaign": "campaign_id", "content": "content_id"}
