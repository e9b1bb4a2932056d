"""The declarations are complete, consistent, and say what the contract says."""

import pytest

from pipelines.landing.declarations import DeclarationError, load_feeds, parse_feed

FEEDS = {
    "orders": "order_line_id", "refunds": "refund_id", "reviews": "review_id order_id", "traffic_events": "event_id",
    "traffic_daily": "business_date scene traffic_source author_id content_id product_id",
    "service_sessions": "session_id", "products": "product_id", "authors": "author_id snapshot_on",
    "author_audience": "author_id snapshot_on gender age_band city_tier", "contents": "content_id",
    "campaigns": "campaign_id", "lucky_bags": "bag_id", "ad_spend": "business_date ad_id",
    "users": "user_id snapshot_on", "members": "user_id", "nps_surveys": "response_id",
    "benchmarks": "subject indicator grain valid_from", "settlements": "settlement_id", "buyer_map": "order_id",
    "official_metrics": "business_date metric source",
    # Ours: what the alliance report adds to an order line.
    "order_commissions": "order_line_id",
}  # fmt: skip


def test_every_feed_of_the_contract_has_its_key():
    keys = {
        name: " ".join(column for column in spec.key if not spec.by_name[column].internal)
        for name, spec in load_feeds().items()
    }
    assert keys == FEEDS


def test_a_canonical_file_cannot_set_what_only_an_export_says():
    named = {(name, column.name) for name, spec in load_feeds().items() for column in spec.columns if column.internal}
    assert named == {
        ("traffic_daily", "cut"),
        ("ad_spend", "cut"),
        ("reviews", "is_line_by_product"),
        ("orders", "is_scene_pending"),
    }
    for feed, column in named:
        assert column not in load_feeds()[feed].file_columns


def test_user_ids_are_personal_in_every_feed():
    for spec in load_feeds().values():
        for column in spec.columns:
            assert column.personal == (column.name == "user_id"), (spec.feed, column.name)


def test_only_events_are_immutable():
    assert [name for name, spec in load_feeds().items() if spec.immutable] == ["traffic_events"]


def test_deadlines_given_as_a_date_end_with_the_day():
    named = {
        (spec.feed, column.name)
        for spec in load_feeds().values()
        for column in spec.columns
        if column.name.startswith(("due_", "promised_"))
    }
    marked = {(spec.feed, c.name) for spec in load_feeds().values() for c in spec.columns if c.end_of_day}
    assert marked == named


def test_money_may_not_be_negative_and_ratings_stay_within_five():
    for spec in load_feeds().values():
        for column in spec.columns:
            if column.type == "money":
                assert column.min == 0, (spec.feed, column.name)
            if column.name.endswith("rating"):
                assert (column.min, column.max) == (1, 5), (spec.feed, column.name)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("feed: [", "not a valid feed declaration"),
        (
            "feed: x\nlabel_zh: x\ndescription: x\nunlocks: x\nkey: [a]\ncolumns: []",
            "refers to columns it does not declare: a",
        ),
        (
            "feed: x\nlabel_zh: x\ndescription: x\nunlocks: x\nkey: [a]\n"
            "columns:\n  - {name: a, type: enum, label_zh: a, description: a}",
            "an enum has values",
        ),
        (
            "feed: x\nlabel_zh: x\ndescription: x\nunlocks: x\nkey: [a]\n"
            "columns:\n  - {name: a, type: text, min: 1, label_zh: a, description: a}",
            "min and max need a numeric type",
        ),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused_in_one_line(text, complaint):
    with pytest.raises(DeclarationError) as caught:
        parse_feed(text, "x.yml")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)
