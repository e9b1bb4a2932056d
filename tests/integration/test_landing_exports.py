"""Every export in its true shape: rows and sums arrive to the cent, bad rows are held back under the delivered header,
and neither order, renames nor extra columns make a difference."""

from __future__ import annotations

import csv
import io
import json
import random
import zipfile
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from pipelines.landing.layouts import load_layouts
from tests.fixtures.exports import columns_of, order_csv, order_row, plain_csv, sheet, workbook
from tests.fixtures.landing import ORDER_HEADER, Shop, csv_text, order


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANYU_HASH_KEY", "a key for tests")
    return Shop(tmp_path)


BOOKS = "select feed, layout, rows_read, rows_loaded, rows_duplicate, rows_quarantined, rows_set_aside from control.load_audit"


def held_back(shop):
    return shop.rows("select feed, line, column_name, reason from control.quarantine order by feed, line")


# --- orders ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("width", [74, None])
def test_orders_arrive_to_the_cent_in_every_encoding(shop, encoding, width):
    rows = [order_row(number) for number in range(1, 41)]
    shop.drop("1780818387_ab12.csv", order_csv(rows, columns=columns_of("doudian_orders", width), encoding=encoding))
    (result,) = shop.load().files
    shop.check_books()
    assert (result.feed, result.layout, result.books.loaded) == ("orders", "doudian_orders", 40)
    assert result.encoding == {"utf-16": "utf-16-le"}.get(encoding, encoding)
    # 1000 + n yuan and n mod 10 cents: 40000 + 820 + 4 * 0.45.
    assert shop.one("select sum(paid_amount) from raw.raw_orders") == Decimal("40821.80")
    assert shop.rows(
        "select order_line_id, order_id, product_id, sku_id, product_name, quantity, cast(merchant_discount as varchar), "
        "cast(platform_discount as varchar), cast(paid_at as varchar), cast(due_delivery_at as varchar), shipped_at, "
        "status, scene, entry, author_id, user_key from raw.raw_orders where order_line_id = '6910000000000000007'"
    ) == [
        (
            "6910000000000000007", "6900000000000000007", "3500000000000000001", "000123", "某商品", 1, "1.50",
            "0.50", "2026-06-01 10:01:00", "2026-06-05 23:59:59", None, "paid", "live", "other", "4500000000000001", None,
        )
    ]  # fmt: skip


def test_words_of_the_order_export(shop):
    spoken = [
        order_row(1, 订单状态="待支付", 支付完成时间="-", 流量体裁="商品卡", 流量渠道="搜索"),
        order_row(2, 订单状态="已发货", 流量体裁="短视频", 流量渠道="短视频推荐"),
        order_row(3, 订单状态="已完成", 流量体裁="其他", 流量渠道="商城推荐"),
        order_row(4, 订单状态="已关闭", 流量体裁="数据将于第二天更新", 流量渠道="-"),
        order_row(5, 流量体裁="元宇宙", 流量渠道="电视"),
        order_row(6, 订单状态="在途"),
    ]
    shop.drop("orders.csv", order_csv(spoken))
    (result,) = shop.load().files
    assert shop.rows("select status, scene, entry from raw.raw_orders order by order_line_id") == [
        ("created", "mall", "search"), ("shipped", "short_video", "recommend"), ("finished", None, "mall"),
        ("closed", None, None), ("paid", None, None),
    ]  # fmt: skip
    # Two words nobody knows are empty and counted; a status nobody knows holds its row back.
    assert (result.books.nulled, result.books.quarantined) == (2, 1)
    assert held_back(shop) == [("orders", 7, "订单状态", "unknown_value")]


def test_a_row_held_back_speaks_of_the_file_and_of_nobody(shop):
    shop.drop(
        "orders.csv", order_csv([order_row(1, 订单应付金额="-1"), order_row(2, 子订单编号="6.91E+18", 商品数量="0")])
    )
    shop.load()
    shop.check_books()
    # Of two bad cells the first in the file's order is named.
    assert held_back(shop) == [
        ("orders", 2, "订单应付金额", "below_minimum"),
        ("orders", 3, "子订单编号", "mangled_id"),
    ]
    shown = json.loads(shop.one("select raw_row from control.quarantine where line = 2"))
    assert shown["订单应付金额"] == "-1" and shown["主订单编号"] == "\t6900000000000000001"
    assert set(shown) == set(load_layouts()["doudian_orders"].read) & set(columns_of("doudian_orders", 74))
    assert not any(
        "密文" in text or "1380000" in text for (text,) in shop.rows("select raw_row from control.quarantine")
    )
    # The mended file releases what it loads.
    shop.drop("orders.csv", order_csv([order_row(1), order_row(2)]))
    shop.load()
    assert shop.rows("select line, released_at is not null from control.quarantine order by line") == [
        (2, True),
        (3, True),
    ]


def test_shuffled_renamed_and_extra_columns_give_the_same_rows(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANYU_HASH_KEY", "a key for tests")
    rows = [order_row(number) for number in range(1, 9)] + [order_row(9, 订单状态="?")]
    columns = columns_of("doudian_orders", 74)
    shuffled = random.Random(5).sample(columns, len(columns))
    renamed = ["商品金额" if name == "商品单价" else name.replace("（", "(").replace("）", ")\t") for name in columns]
    extra = ["新列", *columns, "又一列"]
    answers = []
    for number, header in enumerate((columns, shuffled, renamed, extra)):
        shop = Shop(tmp_path / str(number))
        given = [{header[i]: row.get(name, "-") for i, name in enumerate(columns)} for row in rows]
        given = rows if header is not renamed else given
        shop.drop("a file.csv", order_csv(given, columns=header))
        shop.load()
        shop.check_books()
        answers.append((shop.rows("from raw.raw_orders order by order_line_id"), held_back(shop)))
    assert answers[0] == answers[1] == answers[2] == answers[3]
    assert len(answers[0][0]) == 8


def test_stray_line_ends_in_header_cells_do_no_harm(shop):
    header = ",".join(
        f'"\t{name}\n"' if n % 3 else name + "\r" for n, name in enumerate(columns_of("doudian_orders", 74))
    )
    body = order_csv([order_row(1), order_row(2, 商品数量="0")], encoding="utf-8").decode().split("\r\n", 1)[1]
    shop.drop("a.csv", f"{header},\n{body}")
    (result,) = shop.load().files
    shop.check_books()
    assert (result.layout, result.books.loaded, result.books.quarantined) == ("doudian_orders", 1, 1)
    # 49 of the 74 header cells end with a line end, so the header stands on lines 1 to 50.
    assert held_back(shop) == [("orders", 52, "商品数量", "below_minimum")]


def test_an_export_lies_anywhere_and_is_what_its_header_says(shop):
    shop.drop("refunds/orders of june.csv", order_csv([order_row(1)]))
    shop.drop("六月/深/1.csv.gz", __import__("gzip").compress(order_csv([order_row(2)])))
    shop.drop("orders/canonical.csv", csv_text(ORDER_HEADER, [order("L1")]))
    shop.drop("else/canonical.csv", csv_text(ORDER_HEADER, [order("L2")]))
    report = shop.load()
    assert sorted((file.path, file.feed, file.status) for file in report.files) == [
        ("else/canonical.csv", "unknown", "refused"), ("orders/canonical.csv", "orders", "loaded"),
        ("refunds/orders of june.csv", "orders", "loaded"), ("六月/深/1.csv.gz", "orders", "loaded"),
    ]  # fmt: skip
    assert "lies in 'else', which is no feed" in report.refused[0].error


def test_the_same_bytes_are_loaded_once_wherever_they_lie(shop):
    shop.drop("a.csv", order_csv([order_row(1)]))
    assert shop.load().files[0].status == "loaded"
    assert shop.load().files == ()
    shop.drop("orders/b.csv", order_csv([order_row(1)]))
    (again,) = shop.load().files
    assert (again.status, again.feed) == ("already_loaded", "orders")


def test_a_later_export_restates_what_was_not_final(shop):
    shop.drop("1780300000_a.csv", order_csv([order_row(1, 流量体裁="数据将于第二天更新", 订单状态="待发货")]))
    shop.load()
    shop.drop("1780400000_b.csv", order_csv([order_row(1, 流量体裁="短视频", 订单状态="已发货")]))
    shop.load()
    assert shop.rows("select scene, status, load_seq from raw.raw_orders") == [("short_video", "shipped", 2)]


# --- the other exports ----------------------------------------------------------------------------------------------

LIVE = {
    "主播抖音号": "dy_host", "直播开始时间": "2026/06/01 20:00:00", "直播结束时间": "2026/06/01 23:30:00",
    "直播间曝光次数": "7.5万", "直播间观看次数": "12,345", "直播间观看人数": "1,000", "人均观看时长(分钟)": "1.25",
    "直播间商品曝光人数": "800", "直播间商品点击人数": "200", "直播间成交人数": "30", "直播间成交订单数": "31",
    "直播间成交件数": "40", "直播间用户支付金额": "¥1,299.00", "新增粉丝数": "7",
}  # fmt: skip
CARD = {
    "商品ID": "350\t", "商品标题": "礼盒", "上架时间": "2026/05/01 08:00:00", "商品卡曝光次数": "900",
    "商品卡曝光人数": "500", "商品卡点击次数": "70", "商品卡点击人数": "50", "商品卡用户支付金额": "/",
    "商品卡成交人数": "--", "商品卡加购人数": "4",
}  # fmt: skip


def xlsx(layout, rows, **options):
    return sheet(rows, columns_of(layout), **options)


def text(layout, rows, **options):
    return plain_csv(rows, columns_of(layout), **options)


CASES = {
    "aftersale": (
        "售后.csv",
        text("doudian_aftersale", [
            {"售后单号": "\t71", "商品单号": "\t691", "售后类型": "仅退款", "售后原因": "质量问题", "售后申请时间": "2026/06/02 08:00",
             "同意售后申请时间": "2026/06/02 09:00", "商家退款时间": "-", "退商品金额（元）": "28.90", "售后状态": "同意退款，退款成功"},
            {"售后单号": "72", "商品单号": "692", "售后类型": "补寄", "售后原因": "颜色不喜欢", "售后申请时间": "2026/06/02 08:00:01",
             "退商品金额（元）": "1,299.00", "售后状态": "售后关闭"},
            {"售后单号": "73", "商品单号": "693", "售后申请时间": "2026/06/02 08:00:01", "退商品金额（元）": "1", "售后状态": "退一半"},
        ], encoding="gb18030"),
        [("refunds", "doudian_aftersale", 3, 2, 0, 1, 0)],
        [("refunds", 4, "售后状态", "unknown_value")],
        "select refund_id, order_line_id, kind, reason, status, cast(refund_amount as varchar), cast(reviewed_at as varchar), "
        "refunded_at from raw.raw_refunds order by 1",
        [("71", "691", "refund_only", "quality", "succeeded", "28.90", "2026-06-02 09:00:00", None),
         ("72", "692", None, "other", "cancelled", "1299.00", None, None)],
    ),
    "reviews": (
        "评价.xlsx",
        xlsx("doudian_reviews", [
            {"用户昵称": "某人", "评价日期": "2025年01月02日 03:04:05", "订单ID": "690", "商品ID": "350", "商品评价得分": "5", "评价内容": "好"},
            {"评价日期": "2025-01-03", "订单ID": "690", "商品ID": "351", "商品评价得分": "6", "评价内容": "电话13800000000"},
            {"评价日期": "2025年01月02日 03:04:05", "订单ID": "690", "商品ID": "350", "商品评价得分": "1", "评价内容": "改了"},
        ]),
        [("reviews", "doudian_reviews", 3, 1, 1, 1, 0)],
        [("reviews", 3, "商品评价得分", "above_maximum")],
        "select length(review_id), order_id, order_line_id, product_id, rating, content, is_line_by_product from raw.raw_reviews",
        [(32, "690", None, "350", 1, "改了", True)],
    ),
    "settlement": (
        "结算.csv",
        text("doudian_settlement", [
            dict.fromkeys(columns_of("doudian_settlement"), "该列的说明"),
            {"结算时间": "2026-06-10 00:10:00", "子订单号": "'6910000000000000001", "结算金额": "1,299.00", "佣金": "12.345",
             "平台服务费": "6"},
            {"结算时间": "2026-06-10 00:10:00", "子订单号": "'6910000000000000001", "结算金额": "1.00", "佣金": "-", "平台服务费": "-"},
            {"结算时间": "-", "子订单号": "'692", "结算金额": "1.00"},
        ], encoding="utf-8-sig"),
        [("settlements", "doudian_settlement", 4, 2, 0, 1, 1)],
        [("settlements", 5, "结算时间", "missing_required")],
        "select order_line_id, cast(settled_amount as varchar), cast(commission_amount as varchar), cast(platform_fee as varchar) "
        "from raw.raw_settlements order by settled_amount",
        [("6910000000000000001", "1.00", None, None), ("6910000000000000001", "1299.00", "12.35", "6.00")],
    ),
    "alliance": (
        "联盟.xlsx",
        xlsx("buyin_alliance_orders", [
            {"订单id": "6910000000000000001\t", "商品id": "350\t", "抖音/火山号": "900000001", "付款时间": "2026-06-01 10:01:00",
             "预估佣金支出": "30.00", "实际佣金支出": "28.50", "订单结算时间": "2026-06-20 00:00:00", "佣金率": "30.00%"},
            {"订单id": "6910000000000000002\t", "商品id": "350\t", "抖音/火山号": "", "付款时间": "2026-06-01 10:01:00",
             "预估佣金支出": "3.10", "实际佣金支出": "0.00", "订单结算时间": "-"},
        ]),
        [("order_commissions", "buyin_alliance_orders", 2, 2, 0, 0, 0)],
        [],
        "select order_line_id, author_id, cast(commission_amount as varchar) from raw.raw_order_commissions order by 1",
        [("6910000000000000001", "900000001", "28.50"), ("6910000000000000002", None, "3.10")],
    ),
    "products by account": (
        "商品.xlsx",
        xlsx("compass_product_by_account", [
            {"日期": "全部", "商品ID": "-", "载体类型": "-", "抖音号": "-", "商品曝光人数": "9,999", "商品点击人数": "999"},
            {"日期": "20260601", "商品ID": "350", "载体类型": "直播", "抖音号": "dy_host", "商品曝光人数": "1,200", "商品点击人数": "300",
             "商品加购人数": "20", "成交人数": "9", "成交订单数": "10", "成交件数": "11", "用户支付金额": "1,299.00"},
            {"日期": "20260601", "商品ID": "350", "载体类型": "商品卡", "抖音号": "-", "商品曝光人数": "5", "商品点击人数": "1"},
            {"日期": "20260601", "商品ID": "350", "载体类型": "电视", "抖音号": "x", "商品曝光人数": "5", "商品点击人数": "1"},
        ]),
        [("traffic_daily", "compass_product_by_account", 4, 2, 0, 1, 1)],
        [("traffic_daily", 5, "载体类型", "unknown_value")],
        "select cast(business_date as varchar), scene, author_id, product_id, product_impression_users, product_click_users, "
        "add_to_cart_users, buyers, orders, units, cast(paid_amount as varchar), views, cut from raw.raw_traffic_daily order by scene",
        [("2026-06-01", "live", "dy_host", "350", 1200, 300, 20, 9, 10, 11, "1299.00", None, 1),
         ("2026-06-01", "mall", None, "350", 5, 1, None, None, None, None, None, None, 1)],
    ),
    "live sessions": (
        "直播.xlsx",
        xlsx("compass_live_session", [LIVE, LIVE | {"直播开始时间": "昨晚", "直播间观看人数": "多"}]),
        [("contents", "compass_live_session", 2, 1, 0, 1, 0), ("traffic_daily", "compass_live_session", 2, 1, 0, 1, 0)],
        [("contents", 3, "直播开始时间", "not_a_time"), ("traffic_daily", 3, "直播开始时间", "not_a_time")],
        "select cast(t.business_date as varchar), t.scene, t.author_id, t.impressions, t.views, t.viewers, "
        "cast(t.watch_seconds as varchar), t.product_impression_users, t.product_click_users, t.buyers, t.orders, t.units, "
        "cast(t.paid_amount as varchar), t.new_followers, t.interactions, t.cut, c.content_type, cast(c.ended_at as varchar) "
        "from raw.raw_traffic_daily as t join raw.raw_contents as c using (content_id, author_id)",
        [("2026-06-01", "live", "dy_host", 75000, 12345, 1000, "75000.000", 800, 200, 30, 31, 40, "1299.00", 7, None, 2, "live",
          "2026-06-01 23:30:00")],
    ),
    "short videos": (
        "短视频.xlsx",
        xlsx("compass_short_video", [{"视频ID": "7300", "达人抖音号": "dy", "视频标题": "好物", "发布时间": "2026/06/01 08:00:00",
                                      "平均观看时长": "1分30秒", "完播率": "12.3%"}]),
        [("contents", "compass_short_video", 1, 1, 0, 0, 0)],
        [],
        "select content_id, content_type, author_id, cast(published_at as varchar), topic from raw.raw_contents",
        [("7300", "short_video", "dy", "2026-06-01 08:00:00", "好物")],
    ),
    "authors": (
        "达人分析_2026_06_01~2026_06_14.xlsx",
        xlsx("compass_expert_analysis", [{"达人昵称": "小店", "抖音号": "dy", "粉丝数": "141.5w"}, {"抖音号": "dz", "粉丝数": "很多"}]),
        [("authors", "compass_expert_analysis", 2, 1, 0, 1, 0)],
        [("authors", 3, "粉丝数", "not_a_number")],
        "select author_id, cast(snapshot_on as varchar), name, followers from raw.raw_authors",
        [("dy", "2026-06-14", "小店", 1415000)],
    ),
    "experience score": (
        "体验分.csv",
        text("merchant_experience_score", [
            {"日期": "2026-06-01", "商家体验分": "88.5", "商品差评率": "0.32%", "IM平均响应时长": "1分30秒", "订单配送时长": "2天3.5小时"},
            {"日期": "2026-06-02", "商品差评率": "差", "IM平均响应时长": "30"},
            {"日期": "2026-06-03"},
            {"日期": "2026-06-01", "商家体验分": "89"},
        ]),
        [("official_metrics", "merchant_experience_score", 4, 2, 0, 1, 1)],
        [("official_metrics", 3, "商品差评率", "not_a_number")],
        "select metric, cast(business_date as varchar), cast(value as double), source, source_line from raw.raw_official_metrics order by 1",
        [("IM平均响应时长", "2026-06-01", 90.0, "抖音商家体验分", 2), ("experience_score", "2026-06-01", 89.0, "抖音商家体验分", 5),
         ("商品差评率", "2026-06-01", 0.0032, "抖音商家体验分", 2), ("订单配送时长", "2026-06-01", 185400.0, "抖音商家体验分", 2)],
    ),
    "deals": (
        "成交概览.xlsx",
        xlsx("compass_deal_daily", [
            {"日期": "2026-06-01", "载体类型": "直播", "用户支付金额": "1,299.00", "退款金额(退款时间)": "10", "退款金额(支付时间)": "12"},
            {"日期": "2026-06-01", "载体类型": "商品卡", "用户支付金额": "1.00", "退款率(支付时间)": "120.00%"},
        ]),
        [("official_metrics", "compass_deal_daily", 2, 2, 0, 0, 0)],
        [],
        "select metric, cast(value as double) from raw.raw_official_metrics order by 1",
        [("用户支付金额·商品卡", 1.0), ("用户支付金额·直播", 1299.0), ("退款率(支付时间)·商品卡", 1.2), ("退款金额(支付时间)·直播", 12.0),
         ("退款金额(退款时间)·直播", 10.0)],
    ),
    "spend by product": (
        "全域推广.xlsx",
        xlsx("qianchuan_global_product", [
            {"商品ID": "-", "日期": "全部", "整体消耗": "1,234.56"},
            {"商品ID": "3500000000000000001", "日期": "2026-06-01", "整体消耗": "1,234.56", "整体展示次数": "12,345", "整体点击次数": "67",
             "净成交金额结算率": "108.80%"},
        ]),
        [("ad_spend", "qianchuan_global_product", 2, 1, 0, 0, 1)],
        [],
        "select ad_id, cast(business_date as varchar), cast(cost_amount as varchar), impressions, clicks, cut from raw.raw_ad_spend",
        [("product:3500000000000000001", "2026-06-01", "1234.56", 12345, 67, 1)],
    ),
    "spend by creative": (
        "素材_2026_06_01~2026_06_01.csv",
        ",".join("\t" + name + "\r" for name in columns_of("qianchuan_material")).encode("gb18030").replace(b"\r", b"")
        + b"\r\n" + "7400,某素材,50.10,40,10.10,2.1,3\r\n合计,,50.10,,,,\r\n".encode("gb18030"),
        [("ad_spend", "qianchuan_material", 2, 1, 0, 0, 1)],
        [],
        "select ad_id, cast(business_date as varchar), cast(cost_amount as varchar), cut from raw.raw_ad_spend",
        [("material:7400", "2026-06-01", "50.10", 2)],
    ),
    "product card of a day": (
        "商品卡_2026_06_16~2026_06_16.xlsx",
        xlsx("compass_product_card", [CARD]),
        [("products", "compass_product_card", 1, 1, 0, 0, 0), ("traffic_daily", "compass_product_card", 1, 1, 0, 0, 0)],
        [],
        "select cast(t.business_date as varchar), t.scene, t.product_id, t.product_impressions, t.product_clicks, "
        "t.product_impression_users, t.product_click_users, t.add_to_cart_users, t.buyers, t.paid_amount, t.cut, p.title, "
        "cast(p.listed_at as varchar) from raw.raw_traffic_daily as t join raw.raw_products as p using (product_id)",
        [("2026-06-16", "mall", "350", 900, 70, 500, 50, 4, None, None, 3, "礼盒", "2026-05-01 08:00:00")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_an_export_in_its_true_shape(shop, name):
    file, content, books, held, query, expected = CASES[name]
    shop.drop(file, content)
    shop.load()
    shop.check_books()
    assert shop.rows(BOOKS + " order by feed") == books
    assert held_back(shop) == held
    assert shop.rows(query) == expected


def lines_of(file: str, content: bytes) -> list[list[str]]:
    """The cells of an export, header first."""
    if file.endswith(".xlsx"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            tree = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
        return [["".join(cell.itertext()) for cell in row] for row in tree.iter() if row.tag.endswith("}row")]
    try:
        text_of = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text_of = content.decode("gb18030")
    return [row for row in csv.reader(io.StringIO(text_of)) if row]


def drifted(layout, header: list[str], how: str) -> tuple[list[str], list[int]]:
    """The header as another version of the platform writes it, and the place of each of its columns in the first, -1 for
    one that is new."""
    bare = [name.strip() for name in header]
    if how == "shuffled":
        order = random.Random(layout.layout).sample(range(len(bare)), len(bare))
        return [bare[place] for place in order], order
    if how == "extra":
        return ["新列", *bare, "又一列"], [-1, *range(len(bare)), -1]
    known = {column: alias for alias, column in layout.aliases.items() if column in layout.read}
    swapped = [known.get(name, name) if name == next(iter(known), None) else name for name in bare]
    return [f"\t{name.replace('（', '(').replace('）', ')')}\n" for name in swapped], list(range(len(bare)))


@pytest.mark.slow
@pytest.mark.parametrize("how", ["shuffled", "renamed", "extra"])
@pytest.mark.parametrize("name", CASES)
def test_another_order_name_or_column_changes_nothing(shop, name, how):
    file, content, books, held, query, expected = CASES[name]
    header, *rows = lines_of(file, content)
    titles, places = drifted(load_layouts()[books[0][1]], header, how)
    lines = [titles, *([row[place] if place >= 0 else "x" for place in places] for row in rows)]
    if file.endswith(".xlsx"):
        shop.drop(file, workbook(lines))
    else:
        text_of = io.StringIO()
        csv.writer(text_of).writerows(lines)
        shop.drop(file, text_of.getvalue().encode())
    shop.load()
    shop.check_books()
    assert shop.rows(BOOKS + " order by feed") == books
    # Under the name that the file gives the column; of two bad cells the first in the file's order is named.
    said = slice(0, 1) if how == "shuffled" else slice(0, 4, 3)
    assert [row[said] for row in held_back(shop)] == [row[said] for row in held]
    shown = [row if "source_line" not in query else row[:-1] for row in shop.rows(query)]
    assert shown == [row if "source_line" not in query else row[:-1] for row in expected]


def test_the_sum_of_several_days_never_becomes_a_day(shop):
    shop.drop("商品卡_2026_06_16~2026_07_15.xlsx", xlsx("compass_product_card", [CARD]))
    shop.drop("素材_2026_06_01~2026_06_30.csv", text("qianchuan_material", [{"素材ID": "1", "整体消耗": "9"}]))
    shop.drop("素材.csv", text("qianchuan_material", [{"素材ID": "2", "整体消耗": "9"}]))
    report = shop.load()
    shop.check_books()
    assert not report.refused
    assert (
        shop.one("select count(*) from raw.raw_traffic_daily") == shop.one("select count(*) from raw.raw_ad_spend") == 0
    )
    assert shop.rows("select path, feed, rows_loaded, rows_set_aside from control.load_audit order by path") == [
        ("商品卡_2026_06_16~2026_07_15.xlsx", "products", 1, 0), ("素材.csv", "unknown", 0, 1),
        ("素材_2026_06_01~2026_06_30.csv", "unknown", 0, 1),
    ]  # fmt: skip
    assert any("the sum of 2026-06-01 to 2026-06-30 is no day" in line for line in shop.said)
    assert any("no period stands in its name" in line for line in shop.said)


def test_equal_bytes_of_another_day_are_another_day(shop):
    card = xlsx("compass_product_card", [CARD])
    days = ["2026_06_16~2026_06_16", "2026_06_17~2026_06_17", "2026_06_16~2026_06_17"]
    for day in days:
        shop.drop(f"商品卡_{day}.xlsx", card)
    shop.load()
    shop.drop(f"copy/商品卡_{days[0]}.xlsx", card)
    shop.load()
    shop.check_books()
    assert shop.rows("select business_date::varchar from raw.raw_traffic_daily order by 1") == [
        ("2026-06-16",), ("2026-06-17",),
    ]  # fmt: skip
    assert shop.rows("select path, status from control.load_audit where status <> 'loaded'") == [
        (f"copy/商品卡_{days[0]}.xlsx", "already_loaded")
    ]


def test_rows_in_two_sheets_are_refused_unless_the_second_repeats_the_first(shop):
    shop.drop("概览.xlsx", xlsx(
        "compass_deal_daily", [{"日期": "2026-06-01", "载体类型": "直播", "用户支付金额": "1"}], sheets=("成交概览", "自营成交"),
    ))  # fmt: skip
    shop.drop("订单.xlsx", xlsx("doudian_orders", [order_row(1)], sheets=("一", "二")))
    shop.drop("空.xlsx", sheet([], columns_of("doudian_orders"), sheets=("一", "二")))
    report = shop.load()
    assert [(file.path, file.error) for file in report.refused] == [
        ("订单.xlsx", "has rows in two sheets, 一 and 二; save each as a file of its own")
    ]


def test_a_figure_too_large_to_compute_with_holds_its_row_back(shop):
    # An id that slipped into a neighbouring column; 10^15 - 1 minutes of one viewer are more seconds than a column holds.
    slipped = {"直播开始时间": "2026/06/02 20:00:00", "直播间观看人数": "6900000000000000001"}
    endless = {"直播开始时间": "2026/06/03 20:00:00", "直播间观看人数": "1", "人均观看时长(分钟)": "999999999999999"}
    shop.drop("直播.xlsx", xlsx("compass_live_session", [LIVE, LIVE | slipped, LIVE | endless]))
    shop.load()
    shop.check_books()
    assert shop.rows("select line, reason from control.quarantine where feed = 'traffic_daily' order by line") == [
        (3, "overflow"), (4, "overflow"),
    ]  # fmt: skip
    assert shop.one("select count(*) from raw.raw_traffic_daily") == 1


def test_a_file_restates_only_the_columns_it_carries(shop):
    shop.drop("1780300000_a.xlsx", xlsx("compass_live_session", [LIVE]))
    shop.load()
    less = [name for name in columns_of("compass_live_session") if "时长" not in name and "曝光次数" not in name]
    shop.drop("1780400000_b.xlsx", sheet([LIVE | {"直播间观看人数": "1,100"}], less))
    shop.load()
    shop.check_books()
    assert shop.rows("select viewers, impressions, cast(watch_seconds as varchar) from raw.raw_traffic_daily") == [
        (1100, 75000, "75000.000")
    ]


def test_an_author_report_without_its_period_is_refused(shop):
    shop.drop("达人.xlsx", xlsx("compass_expert_analysis", [{"达人昵称": "x", "抖音号": "dy", "粉丝数": "1"}]))
    (refused,) = shop.load().refused
    assert "keep the name of the download" in refused.error
    assert shop.one("select count(*) from raw.raw_authors") == 0


@pytest.mark.parametrize(
    "layout", [layout for layout in load_layouts().values() if layout.why], ids=lambda it: it.layout
)
def test_an_export_that_feeds_nothing_is_set_aside_and_says_why(shop, layout):
    shop.drop(
        "x.csv",
        plain_csv([dict.fromkeys(layout.columns, "7.5w~10w"), dict.fromkeys(layout.columns, "1")], layout.columns),
    )
    (result,) = shop.load().files
    shop.check_books()
    assert (result.status, result.books.read, result.books.set_aside) == ("loaded", 2, 2)
    assert layout.why in shop.said[-1]
    assert shop.load().files == ()


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("联盟.xlsx", xlsx("buyin_alliance_orders", [{"订单id": "合计", "商品id": "-", "付款时间": "-", "预估佣金支出": "9"}])),
        ("products/p.csv", "product_id,title\nP1,x\n总计,\n".encode()),
        ("orders/o.csv", csv_text(ORDER_HEADER, [order("L1"), "合计" + "," * 10]).encode()),
    ],
)  # fmt: skip
def test_a_row_of_sums_that_nobody_expects_refuses_the_file(shop, path, content):
    shop.drop(path, content)
    (refused,) = shop.load().refused
    assert "row of sums in line" in refused.error and "\n" not in refused.error
    assert shop.rows("select rows_read, rows_loaded from control.load_audit") == [(0, 0)]


@pytest.mark.parametrize("first", ["map", "orders"])
def test_a_mapped_order_names_its_user(shop, first):
    files = {
        "orders": ("a.csv", order_csv([order_row(1), order_row(2)])),
        "map": ("buyer_map/m.csv", b"order_id,user_id\n6900000000000000001,ann\n999,bob\n"),
    }
    for which in (first, *(name for name in files if name != first)):
        shop.drop(*files[which])
        shop.load()
    held = "select feed, rows_held, rows_with_user from control.feed_presence order by feed"
    assert shop.rows(held) == [("buyer_map", 2, 2), ("orders", 2, 1)]
    assert shop.one("select count(*) from raw.raw_orders where user_key is not null") == 0
    assert "ann" not in str(shop.rows("from raw.raw_buyer_map"))
