"""The files themselves: the same bytes for the same arguments, the contract's columns, the right night for each row."""

import csv
import gzip
import hashlib
import json
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from pipelines.simulate import TRUTH, deliveries, simulate
from pipelines.simulate.columns import identifiers

# Copied by hand from the feed contract; every name that is simulated, in its order.
CONTRACT = {
    "orders": "order_line_id order_id user_id product_id sku_id product_name quantity list_amount paid_amount "
    "merchant_discount platform_discount commission_amount created_at paid_at promised_ship_at shipped_at picked_up_at "
    "due_delivery_at delivered_at finished_at status scene entry author_id content_id campaign_id ad_id is_gift "
    "is_presale coupon_amount updated_at",
    "refunds": "refund_id order_line_id kind reason applied_at reviewed_at refunded_at refund_amount refund_quantity "
    "is_platform_liable is_escalated status updated_at",
    "reviews": "review_id order_id order_line_id product_id user_id rating logistics_rating service_rating content "
    "created_at updated_at",
    "traffic_events": "event_id occurred_at event_type user_id scene traffic_source author_id content_id product_id "
    "campaign_id watch_seconds is_complete_play search_query",
    "products": "product_id spu_id title category_1 category_2 listed_at list_price unit_cost margin_rate",
    "authors": "author_id snapshot_on name is_own is_celebrity followers category_1",
    "contents": "content_id content_type author_id published_at ended_at declared_intent has_product_link topic",
    "users": "user_id snapshot_on gender age_band city_tier province",
    "members": "user_id joined_at left_at level",
    "campaigns": "campaign_id name kind warm_up_on starts_on ends_on is_verified",
    "lucky_bags": "bag_id content_id started_at ended_at participations participants winners cost_amount",
    "ad_spend": "business_date ad_id campaign_id content_id author_id scene cost_amount impressions clicks",
    "service_sessions": "session_id kind user_id order_id opened_at human_turns reply_seconds unanswered_turns rating "
    "closed_at is_escalated",
    "nps_surveys": "response_id user_id order_id score answered_at",
    "author_audience": "author_id snapshot_on gender age_band city_tier share",
    "benchmarks": "subject indicator grain floor average excellent source valid_from valid_to",
    "official_metrics": "business_date metric value source",
}
ENUMS = {
    ("orders", "status"): "created paid shipped delivered finished closed",
    ("orders", "scene"): "short_video live mall search unknown",
    ("orders", "entry"): "recommend follow paid short_video_referral search mall shop showcase cart favorites "
    "order_page other",
    ("refunds", "kind"): "refund_only return_refund exchange price_protection",
    ("refunds", "reason"): "quality logistics_damage not_as_described late_delivery no_longer_needed other",
    ("refunds", "status"): "applied approved rejected succeeded cancelled",
    ("traffic_events", "event_type"): "impression view product_impression product_click like comment favorite share "
    "follow fan_club_join gift search search_click product_favorite add_to_cart shop_visit coupon_claim inquiry "
    "product_question member_join lucky_bag_join",
    ("traffic_events", "scene"): "short_video live mall search unknown",
    ("traffic_events", "traffic_source"): "paid recommend follow search short_video_referral other",
    ("contents", "content_type"): "short_video image_text live",
    ("contents", "declared_intent"): "seeding selling",
    ("campaigns", "kind"): "official shop",
    ("ad_spend", "scene"): "short_video live unknown",
    ("service_sessions", "kind"): "im complaint",
    ("benchmarks", "subject"): "operating_score experience_score audience",
    ("benchmarks", "grain"): "day week month",
    ("official_metrics", "metric"): "experience_score a1_users a2_users a3_users a4_users a5_users",
}
REQUIRED = {
    "orders": "order_line_id order_id product_id quantity paid_amount created_at",
    "refunds": "refund_id order_line_id applied_at refund_amount",
    "reviews": "review_id rating created_at",
    "traffic_events": "event_id occurred_at event_type scene",
    "authors": "author_id snapshot_on",
    "contents": "content_id content_type author_id published_at",
    "users": "user_id snapshot_on",
    "members": "user_id joined_at",
    "campaigns": "campaign_id name starts_on ends_on",
    "lucky_bags": "bag_id content_id started_at",
    "ad_spend": "business_date ad_id cost_amount",
    "service_sessions": "session_id kind opened_at",
    "nps_surveys": "response_id score answered_at",
    "author_audience": "author_id snapshot_on",
    "benchmarks": "subject indicator grain floor average excellent source valid_from",
    "official_metrics": "business_date metric value source",
}


def bytes_and_times(out: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path.relative_to(out)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns if path.parent.name != TRUTH else 0,
        )
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def test_same_arguments_same_bytes(tmp_path):
    for name in ("one", "two"):
        simulate(tmp_path / name, days=9, users=400, shops=2, seed=5, dirt=0.03)
    simulate(tmp_path / "other", days=9, users=400, shops=2, seed=6, dirt=0.03)
    one = bytes_and_times(tmp_path / "one")
    assert len(one) > 30
    assert one == bytes_and_times(tmp_path / "two")
    assert one != bytes_and_times(tmp_path / "other")


def test_headers_are_the_contracts(summer):
    for feed, names in CONTRACT.items():
        first = next(path for _, paths in deliveries(summer.out) for path in paths if path.parent.name == feed)
        if feed == "products":
            header = CalamineWorkbook.from_path(str(first)).get_sheet_by_index(0).to_python()[0]
        elif first.suffix == ".parquet":
            header = pq.read_schema(first).names
        else:
            data = gzip.decompress(first.read_bytes()) if first.suffix == ".gz" else first.read_bytes()
            header = next(csv.reader([data.decode().split("\n")[0]]))
        assert header == ["shop_id", *names.split()], feed


def test_enums_and_required_values(summer):
    for (feed, column), words in ENUMS.items():
        found = {row[0] for row in summer.db.sql(f"select distinct {column} from {feed}").fetchall()}
        assert found <= {None, *words.split()}, (feed, column)
        # Orders out of picture posts are rare; every other word is in use.
        assert set(words.split()) - found <= ({"unknown"} if feed == "orders" else set()), (feed, column)
    for feed, columns in REQUIRED.items():
        for column in columns.split():
            assert summer.db.sql(f"select count(*) from {feed} where {column} is null").fetchone() == (0,), column


def test_ids_are_whole_and_distinct(summer):
    assert summer.db.sql("""
        select count(*) from traffic_events
        where length(event_id) <> 19 or length(coalesce(user_id, repeat('0', 19))) <> 19
    """).fetchone() == (0,)
    events, distinct = summer.db.sql("select count(*), count(distinct event_id) from traffic_events").fetchone()
    assert events == distinct
    for space in (0, 12, 30):
        ids = identifiers(space, np.arange(1_000_000))
        assert len(set(ids.tolist())) == 1_000_000
        assert len(str(ids.max())) == len(str(ids.min())) == 19


def test_nothing_arrives_before_it_happened(summer):
    for feed, stamp in (("orders", "updated_at"), ("refunds", "updated_at"), ("traffic_events", "occurred_at")):
        early, late, days_late, rows = summer.db.sql(f"""
            with rows as (
                select {stamp}::date as happened, regexp_extract(filename, '(\\d{{4}}-\\d\\d-\\d\\d)', 1)::date as came
                from {feed}
            )
            select count_if(happened > came), count_if(happened < came), max(came - happened), count(*) from rows
        """).fetchone()
        assert early == 0
        assert 0.005 < late / rows < 0.03
        assert 2 <= days_late <= 3


def test_a_file_never_holds_a_key_twice(summer):
    for feed, key in (
        ("orders", "order_line_id"),
        ("refunds", "refund_id"),
        ("contents", "content_id"),
        ("members", "user_id"),
        ("users", "user_id"),
        ("ad_spend", "business_date, ad_id"),
        ("service_sessions", "session_id"),
    ):
        assert not summer.db.sql(f"select filename, {key} from {feed} group by all having count(*) > 1").fetchall(), (
            feed
        )


def test_deliveries_cover_every_file_once(summer):
    nights = deliveries(summer.out)
    assert [day for day, _ in nights] == [date(2025, 4, 1) + timedelta(days=n) for n in range(120)]
    files = [path for _, paths in nights for path in paths]
    on_disk = [path for path in summer.out.rglob("*") if path.is_file() and path.parent.name != TRUTH]
    assert sorted(files) == sorted(on_disk)
    for day, paths in nights:
        # 01:00 in Shanghai of the next morning is 17:00 UTC of the day itself.
        assert {int(path.stat().st_mtime) for path in paths} == {
            int((day - date(1970, 1, 1)).days * 86_400 + 17 * 3600)
        }


def test_monthly_exports_hold_the_same_truth(tmp_path):
    arguments = {"days": 75, "users": 500, "seed": 3, "start": date(2025, 1, 10)}
    daily = simulate(tmp_path / "daily", **arguments)
    monthly = simulate(tmp_path / "monthly", **arguments, daily_tail=3)
    days = [day for day, _ in deliveries(tmp_path / "monthly")]
    # 10 January + 74 days = 25 March: two month ends, the rest of March until the tail, three days.
    assert days == [date(2025, 1, 31), date(2025, 2, 28), date(2025, 3, 22)] + [date(2025, 3, n) for n in (23, 24, 25)]
    assert monthly.totals["shops"] == daily.totals["shops"]
    assert monthly.rows["orders"] < daily.rows["orders"]
    assert monthly.rows["traffic_events"] == daily.rows["traffic_events"]


def test_formats_can_be_forced(tmp_path):
    simulate(tmp_path / "out", days=2, users=50, formats={"traffic_events": "csv", "products": "csv"})
    assert {path.name for path in (tmp_path / "out" / "traffic_events").iterdir()} == {
        "traffic_events_2025-01-01.csv",
        "traffic_events_2025-01-02.csv",
    }
    assert (tmp_path / "out" / "products" / "products_2025-01-01.csv").exists()


def test_expected_totals_are_what_the_files_say(summer):
    expected = json.loads((summer.report.truth / "expected.json").read_text())
    shop = expected["shops"]["shop-1"]
    lines, orders, units, paid = summer.db.sql("""
        select count(*), count(distinct order_id), sum(quantity), sum(paid_amount::decimal(18, 2)) from paid
    """).fetchone()
    assert (lines, orders, units, str(paid)) == tuple(
        shop[name] for name in ("paid_lines", "paid_orders", "paid_units", "paid_amount")
    )
    succeeded, money = summer.db.sql("""
        select count(*), sum(refund_amount::decimal(18, 2)) from (
            select * from refunds qualify row_number() over (partition by refund_id order by updated_at desc) = 1
        ) where status = 'succeeded'
    """).fetchone()
    assert (succeeded, str(money)) == (shop["refunds_succeeded"], shop["refund_amount_succeeded"])
    assert shop["events"] == dict(
        summer.db.sql("select event_type, count(*) from traffic_events group by all").fetchall()
    )
    for feed in ("orders", "refunds", "reviews", "traffic_events", "contents", "authors"):
        rows, files = summer.db.sql(f"select count(*), count(distinct filename) from {feed}").fetchone()
        assert (rows, files) == (expected["feeds"][feed]["rows"], expected["feeds"][feed]["files"])


def test_overtaken_versions_are_counted(summer):
    # Files of a feed in name order are in delivery order; a row is overtaken when a newer version came before it.
    overtaken = summer.db.sql("""
        select count(*) from orders late
        where exists (
            select 1 from orders newer
            where newer.order_line_id = late.order_line_id
              and newer.filename < late.filename and newer.updated_at > late.updated_at
        )
    """).fetchone()[0]
    assert overtaken > 0
    assert summer.report.totals["feeds"]["orders"]["overtaken"] == overtaken


def test_shops_share_some_people_and_nothing_else(tmp_path):
    simulate(tmp_path / "out", days=15, users=1500, shops=2)
    read = duckdb.sql(f"create or replace view e as select * from '{tmp_path}/out/traffic_events/*.parquet'")
    assert read is None
    shared = duckdb.sql("""
        select count(*) filter (n = 2), count(*) from (select user_id, count(distinct shop_id) n from e
        where user_id is not null group by all)
    """).fetchone()
    assert 0 < shared[0] < 0.2 * shared[1]
    assert duckdb.sql("select count(distinct shop_id) from e").fetchone() == (2,)
    assert duckdb.sql("""
        select max(n) from (select content_id, count(distinct shop_id) n from e where content_id is not null group by 1)
    """).fetchone() == (1,)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"days": 0}, "days must be at least 1"),
        ({"users": 0}, "users must be at least 1"),
        ({"dirt": 0.7}, "dirt is a share of rows"),
        ({"profile": "ill"}, "profile is one of healthy, troubled, not ill"),
        ({"formats": {"order": "csv"}}, "formats names feeds that are not simulated: order"),
    ],
)
def test_impossible_arguments_are_refused(tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        simulate(tmp_path / "out", **({"days": 1, "users": 1} | wrong))


def test_a_folder_is_not_simulated_into_twice(tmp_path):
    simulate(tmp_path, days=1, users=20)
    with pytest.raises(FileExistsError, match=r"already holds \.truth/"):
        simulate(tmp_path, days=1, users=20)


def test_the_smallest_shop_works(tmp_path):
    report = simulate(tmp_path, days=1, users=1)
    assert report.rows["traffic_events"] > 0
