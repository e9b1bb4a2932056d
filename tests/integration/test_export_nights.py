"""Nights over a folder of exports as a merchant downloads them: what they unlock, what they never add up, and that neither
the order nor the number of nights in which they are dropped matters."""

from __future__ import annotations

import csv
import io
import os
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.orchestration.night import Request
from tests.fixtures.exports import columns_of, order_csv, order_row, plain_csv, sheet
from tests.oracle.compare import except_both_ways
from tests.oracle.nights import pseudonym, published, run_nights

D = date(2026, 6, 3)


def xlsx(layout: str, *rows: dict[str, str]) -> bytes:
    return sheet(rows, columns_of(layout))


def buyer_map(*pairs: tuple[str, str]) -> bytes:
    return ("order_id,user_id\n" + "".join(f"{order},{user}\n" for order, user in pairs)).encode()


def put(landing: Path, name: str, content: bytes, stamp: int) -> None:
    path = landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (stamp, stamp))


LIVE = {
    "主播抖音号": "dy_own", "直播开始时间": "2026-06-01 20:00:00", "直播结束时间": "2026-06-01 23:30:00",
    "直播间曝光次数": "7.5万", "直播间观看次数": "12,345", "直播间观看人数": "1,000", "人均观看时长(分钟)": "1.5",
    "直播间商品曝光人数": "800", "直播间商品点击人数": "200", "直播间用户支付金额": "9,999.00",
}  # fmt: skip
LINE = "691000000000000000"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Three days of one shop. Orders 1 to 4 are paid on 1 June; 1 to 3 by a map, 3 to the same buyer as 2."""
    home = tmp_path_factory.mktemp("exports")
    landing = home / "landing"
    orders = [
        order_row(1, 流量体裁="直播"), order_row(2, 流量体裁="短视频"), order_row(3, 流量体裁="商品卡", 流量渠道="搜索"),
        order_row(4, 流量体裁="数据将于第二天更新", 流量渠道="-"),
        order_row(5, 支付完成时间="-", 订单状态="待支付", 订单提交时间="2026-06-03 09:00:00"),
    ]  # fmt: skip
    put(landing, "1780318387_orders.csv", order_csv(orders, encoding="gb18030"), 1_780_400_000)
    refund = {"售后单号": "71", "商品单号": LINE + "1", "售后申请时间": "2026-06-02 08:00:00", "商家退款时间": "2026-06-02 09:00:00",
              "退商品金额（元）": "1,001.01", "售后状态": "同意退款，退款成功", "售后类型": "仅退款"}  # fmt: skip
    put(landing, "x/售后.csv", plain_csv([refund], columns_of("doudian_aftersale")), 1_780_400_001)
    paid = {"商品id": "3500000000000000001\t", "付款时间": "2026-06-01 10:01:00", "订单结算时间": "-"}
    put(landing, "联盟.xlsx", xlsx(
        "buyin_alliance_orders",
        paid | {"订单id": LINE + "2\t", "抖音/火山号": "dy_star", "预估佣金支出": "30.00"},
        paid | {"订单id": "999\t", "抖音/火山号": "dy_star", "预估佣金支出": "30.00"},
    ), 1_780_400_002)  # fmt: skip
    put(landing, "直播.xlsx", xlsx("compass_live_session", LIVE), 1_780_400_003)
    seen = {"日期": "20260601", "商品ID": "350", "抖音号": "dy_own", "用户支付金额": "7.00"}
    put(landing, "商品.xlsx", xlsx(
        "compass_product_by_account",
        seen | {"载体类型": "直播", "商品曝光人数": "700", "商品点击人数": "150"},
        seen | {"载体类型": "商品卡", "商品曝光人数": "90", "商品点击人数": "10", "抖音号": "-"},
    ), 1_780_400_004)  # fmt: skip
    put(landing, "商品卡_2026_06_01~2026_06_01.xlsx", xlsx(
        "compass_product_card",
        {"商品ID": "350", "商品标题": "礼盒", "上架时间": "2026-05-01 08:00:00", "商品卡曝光人数": "95", "商品卡点击人数": "11", "商品卡曝光次数": "120"},
    ), 1_780_400_005)  # fmt: skip
    put(landing, "千川.xlsx", xlsx(
        "qianchuan_global_product",
        {"商品ID": "-", "日期": "全部", "整体消耗": "500.00"}, {"商品ID": "350", "日期": "2026-06-01", "整体消耗": "500.00"},
    ), 1_780_400_006)  # fmt: skip
    put(landing, "素材_2026_06_01~2026_06_01.csv", plain_csv(
        [{"素材ID": "7400", "整体消耗": "480.00"}], columns_of("qianchuan_material")), 1_780_400_007)  # fmt: skip
    put(landing, "体验分.csv", plain_csv(
        [{"日期": "2026-06-01", "商家体验分": "88.5", "商品差评率": "0.3%", "IM不满意率": "1%"}],
        columns_of("merchant_experience_score")), 1_780_400_008)  # fmt: skip
    review = {"评价日期": "2026-06-02 12:00:00", "订单ID": "69000000000000" + "00002", "商品ID": "3500000000000000001"}
    put(landing, "评价.xlsx", xlsx("doudian_reviews", review | {"商品评价得分": "5", "评价内容": "好"}), 1_780_400_009)
    mapped = [("6900000000000000001", "ann"), ("6900000000000000002", "bob"), ("6900000000000000003", "bob")]
    put(landing, "buyer_map/map.csv", buyer_map(*mapped), 1_780_400_010)
    run_nights(home, [Request(on=D)])
    with duckdb.connect(str(published(home)), read_only=True) as con:
        yield con


def asked(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple]:
    return con.execute(query).fetchall()


def test_orders_refunds_and_spend_of_the_day(shop):
    # 1001.01 + 1002.02 + 1003.03 + 1004.04; the product report's 500 is the creatives' 480 in another cut.
    assert asked(
        shop,
        "select cast(business_date as varchar), cast(paid_amount as varchar), orders, buyers, "
        "cast(refund_by_refund_date as varchar), round(roi, 6) from marts.shop_daily order by 1",
    ) == [
        ("2026-06-01", "4010.10", 4, 2, "0.00", 8.0202), ("2026-06-02", "0.00", 0, 0, "1001.01", None),
        ("2026-06-03", "0.00", 0, 0, "0.00", None),
    ]  # fmt: skip


def test_cuts_of_the_same_traffic_are_never_added(shop):
    # Impressions and viewers from the session alone; product figures of both scenes from product x account; the product
    # card gives only what no finer cut has: nothing that this mart shows.
    assert asked(
        shop,
        "select impressions, views, viewers, product_impression_users, product_click_users, traffic_basis "
        "from marts.shop_daily where business_date = '2026-06-01'",
    ) == [(75000, 12345, 1000, 790, 160, "traffic_daily")]


def test_the_alliance_report_completes_lines_and_makes_none(shop):
    assert asked(
        shop, "select field_class, cast(paid_amount as varchar) from marts.field_matrix_daily "
        "where business_date = '2026-06-01' and paid_amount > 0 order by 1",
    ) == [("author_matrix", "4010.10")]  # fmt: skip
    assert asked(shop, "select sum(orders) from marts.shop_daily") == [(4,)]


def test_the_map_names_the_buyers(shop):
    # Bob bought twice on one day, which is one occasion; his five stars make him an advocate. Ann was refunded.
    assert asked(
        shop, "select user_id, layer from marts.audience_layer_history where valid_to is null order by layer",
    ) == [(pseudonym("ann"), 3), (pseudonym("bob"), 5)]  # fmt: skip


def test_the_published_file_says_how_many_lines_have_a_buyer(shop):
    assert asked(shop, "select rows_held, rows_with_user from operations.feed_presence where feed = 'orders'") == [
        (5, 3)
    ]


def test_a_line_that_is_not_final_is_unknown_and_its_day_says_so(shop):
    assert asked(
        shop,
        "select scene, path_class, cast(paid_amount as varchar), scene_status from marts.purchase_path_daily order by scene",
    ) == [
        ("live", "unknown", "1001.01", "immature"), ("mall", "pure_pull", "1003.03", "immature"),
        ("short_video", "unknown", "1002.02", "immature"), ("unknown", "unknown", "1004.04", "immature"),
    ]  # fmt: skip


def test_the_official_score_stands_beside_ours(shop):
    assert asked(
        shop, "select official_score, data_status from marts.experience_score_daily where business_date = '2026-06-01'"
    ) == [(88.5, "missing_source")]


def test_books_and_layouts_are_published(shop):
    assert asked(
        shop, "select count(*), count(layout), sum(rows_quarantined), sum(rows_read - rows_loaded - rows_set_aside) "
        "from operations.load_audit where status = 'loaded'",
    ) == [(13, 12, 0, 0)]  # fmt: skip


# --- many files, many nights ----------------------------------------------------------------------------------------


def files_of_weeks(seed: int) -> list[tuple[int, str, bytes]]:
    """(night, name, content) of exports over four weeks that overlap: each restates the lines of its last days."""
    drawn = random.Random(seed)
    first = date(2026, 5, 4)
    lines = []
    for number in range(1, 121):
        created = datetime(2026, 5, 4, 8) + timedelta(hours=drawn.randrange(28 * 24))
        lines.append((number, created, drawn.choice(["直播", "短视频", "商品卡", "其他"])))
    files: list[tuple[int, str, bytes]] = []
    for night in range(7):
        until = first + timedelta(days=4 * night + 4)
        since = until - timedelta(days=9)
        stamp = int(datetime(until.year, until.month, until.day).timestamp())
        rows, after, mapped, reviews = [], [], [], []
        for number, created, scene in lines:
            if not since <= created.date() < until:
                continue
            age = (until - created.date()).days
            paid = number % 9 != 0
            rows.append(order_row(
                number, 订单提交时间=f"{created:%Y-%m-%d %H:%M:%S}",
                支付完成时间=f"{created + timedelta(minutes=3):%Y/%m/%d %H:%M}" if paid else "-",
                订单状态="待支付" if not paid else "已完成" if age > 5 else "待发货",
                流量体裁=scene if age > 1 else "数据将于第二天更新", 商品ID=f"35{number % 7}", 承诺发货时间="-", 预计送达时间="-",
            ))  # fmt: skip
            if paid and number % 5 == 0 and age > 2:
                after.append({"售后单号": f"7{number}", "商品单号": rows[-1]["子订单编号"], "退商品金额（元）": "10.00",
                              "售后申请时间": f"{created + timedelta(days=1):%Y-%m-%d %H:%M:%S}",
                              "售后状态": "同意退款，退款成功" if age > 4 else "待商家处理"})  # fmt: skip
            if number % 4:
                # The merchant's matching gets better: some orders change hands.
                mapped.append((rows[-1]["主订单编号"], f"user-{number % 17 + (age > 6) * (number % 3)}"))
            if paid and age > 3:
                reviews.append({"评价日期": f"{created + timedelta(days=2):%Y-%m-%d %H:%M:%S}", "订单ID": rows[-1]["主订单编号"],
                                "商品ID": f"35{number % 7}", "商品评价得分": str(number % 5 + 1)})  # fmt: skip
        encoding = ("gb18030", "utf-8-sig", "utf-8")[night % 3]
        files.append((night, f"{stamp}_{night}.csv", order_csv(rows, encoding=encoding)))
        files.append(
            (night, f"六月/售后{night}.csv", plain_csv(after, columns_of("doudian_aftersale"), encoding=encoding))
        )
        files.append((night, f"评价 ({night}).xlsx", sheet(reviews, columns_of("doudian_reviews"))))
        files.append((night, f"buyer_map/{night}.csv", buyer_map(*mapped)))
        day = (until - timedelta(days=1)).isoformat()
        live = LIVE | {
            "直播开始时间": f"{day} 20:00:00",
            "直播结束时间": f"{day} 22:00:00",
            "直播间观看人数": str(500 + night),
        }
        files.append((night, f"直播{night}.xlsx", xlsx("compass_live_session", live)))
    return files


def drop_all(home: Path, files: list[tuple[int, str, bytes]], night: int | None = None) -> None:
    for number, (due, name, content) in enumerate(files):
        if night is None or due == night:
            put(home / "landing", name, content, 1_780_000_000 + 60 * number)


@pytest.mark.slow
def test_at_once_or_over_many_nights_the_marts_are_the_same(tmp_path: Path) -> None:
    files = files_of_weeks(7)
    assert len(files) > 20
    nights = [date(2026, 5, 7) + timedelta(days=4 * night) for night in range(7)]
    run_nights(
        tmp_path / "nightly", [Request(on=on) for on in nights], lambda n: drop_all(tmp_path / "nightly", files, n)
    )
    drop_all(tmp_path / "at_once", files)
    run_nights(tmp_path / "at_once", [Request(on=nights[-1])])
    assert except_both_ways(published(tmp_path / "nightly"), published(tmp_path / "at_once")) == []
    with duckdb.connect(str(published(tmp_path / "nightly")), read_only=True) as con:
        assert asked(con, "select count(*) from operations.load_audit where status <> 'loaded'") == [(0,)]
        # Every day but the last of each export was restated with its scene.
        assert asked(
            con, "select count(distinct business_date) from marts.purchase_path_daily where scene_status <> 'ok'"
        ) == [(1,)]
        assert asked(con, "select count(distinct user_id) > 10 from marts.audience_layer_history") == [(True,)]


@pytest.mark.slow
def test_a_mapped_export_gives_what_a_file_with_users_gives(tmp_path: Path) -> None:
    orders = next(content for night, name, content in files_of_weeks(3) if night == 2 and name.endswith("_2.csv"))
    # A canonical file cannot say that a scene is pending.
    orders = orders.replace("数据将于第二天更新".encode(), "其他".encode())
    pairs = [
        line.split(",") for night, name, content in files_of_weeks(3) if (night, name) == (2, "buyer_map/2.csv")
        for line in content.decode().split()[1:]
    ]  # fmt: skip
    put(tmp_path / "mapped" / "landing", "a.csv", orders, 1_780_000_000)
    put(tmp_path / "mapped" / "landing", "buyer_map/m.csv", buyer_map(*((a, b) for a, b in pairs)), 1_780_000_001)
    users = dict(pairs)
    words = {
        "待支付": "created",
        "待发货": "paid",
        "已完成": "finished",
        "直播": "live",
        "短视频": "short_video",
        "商品卡": "mall",
    }
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        [
            "order_line_id",
            "order_id",
            "user_id",
            "product_id",
            "product_name",
            "quantity",
            "paid_amount",
            "created_at",
            "paid_at",
            "status",
            "scene",
            "entry",
            "author_id",
        ]
    )
    for row in csv.DictReader(io.StringIO(orders.decode("utf-8"))):
        row = {
            name: cell.strip().removeprefix("-") if cell.strip() == "-" else cell.strip() for name, cell in row.items()
        }
        writer.writerow([
            row["子订单编号"], row["主订单编号"], users.get(row["主订单编号"], ""), row["商品ID"], row["选购商品"], row["商品数量"],
            row["订单应付金额"], row["订单提交时间"], row["支付完成时间"], words[row["订单状态"]], words.get(row["流量体裁"], ""), "other", row["达人ID"],
        ])  # fmt: skip
    put(tmp_path / "named" / "landing", "orders/o.csv", text.getvalue().encode(), 1_780_000_000)
    for home in ("mapped", "named"):
        run_nights(tmp_path / home, [Request(on=date(2026, 5, 16))])
    assert except_both_ways(published(tmp_path / "mapped"), published(tmp_path / "named")) == []
