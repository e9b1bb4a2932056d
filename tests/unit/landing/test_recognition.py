"""Layouts are known by their columns alone, in any order and spelling that was seen, and never by half."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from pipelines.landing.declarations import DeclarationError, load_feeds
from pipelines.landing.layouts import Layout, folded, load_layouts, parse_layout
from pipelines.landing.recognition import recognise
from pipelines.landing.translating import period_in_name

LAYOUTS = load_layouts()
FEEDS = {
    "doudian_orders": "orders", "doudian_aftersale": "refunds", "doudian_reviews": "reviews",
    "doudian_settlement": "settlements", "buyin_alliance_orders": "order_commissions",
    "compass_product_by_account": "traffic_daily", "compass_live_session": "contents traffic_daily",
    "compass_product_card": "products traffic_daily", "compass_short_video": "contents",
    "compass_expert_analysis": "authors", "merchant_experience_score": "official_metrics",
    "compass_deal_daily": "official_metrics", "qianchuan_global_product": "ad_spend", "qianchuan_material": "ad_spend",
    "doudian_fund_flow": "", "compass_product_overview": "", "compass_live_day_csv": "", "compass_live_product": "",
    "im_reception": "", "chanmama_products": "",
}  # fmt: skip


def known(cells):
    return recognise(cells, LAYOUTS.values())


def test_every_export_is_declared_with_the_feeds_it_fills():
    assert {name: " ".join(part.feed for part in layout.feeds) for name, layout in LAYOUTS.items()} == FEEDS


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=lambda layout: layout.layout)
def test_a_header_is_recognised_in_any_order_with_more_columns_and_drift(layout: Layout):
    cells = list(layout.columns)
    random.Random(layout.layout).shuffle(cells)
    drifted = [
        "\ufeff" + cell.replace("(", "（").replace(")", "）").replace("账", "帐").replace("券", "劵") + "\t\r\n"
        for cell in cells
    ]
    found = known(["新加的一列", *drifted])
    assert (found.layout, found.known, found.unknown) == (layout, len(cells), ("新加的一列",))
    assert list(found.positions) == [name for name in cells if name in layout.read]


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=lambda layout: layout.layout)
def test_the_required_columns_alone_are_enough(layout: Layout):
    few = [*layout.required, *(name for name in layout.columns if name not in layout.required)]
    assert known(few[: max(3, layout.at_least, len(layout.required))]).layout == layout


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=lambda layout: layout.layout)
def test_a_missing_required_column_is_named_with_the_closest_layout(layout: Layout):
    for name in layout.required:
        found = known([column for column in layout.columns if column != name])
        assert found.layout is None
        assert layout.label_zh in found.refusal and name in found.refusal and "\n" not in found.refusal


def test_known_renames_stand_in_and_a_name_cut_short_is_completed():
    cells = list(LAYOUTS["compass_product_by_account"].columns)
    cells[cells.index("用户支付金额")] = "成交金额"
    found = known(cells)
    assert found.titles["用户支付金额"] == "成交金额" and not found.unknown
    # Where both are there, the column itself is read.
    assert known([*cells, "用户支付金额"]).titles["用户支付金额"] == "用户支付金额"
    card = [
        name.replace("商品卡点击-成交转化率(次数)", "点击-成交转化率(次数")
        for name in LAYOUTS["compass_product_card"].columns
    ]
    assert (known(card).known, known(card).unknown) == (len(card), ())


def test_a_rename_nobody_knows_is_guessed_at_not_taken():
    cells = [name.replace("订单应付金额", "应付金额") for name in LAYOUTS["doudian_orders"].columns]
    assert "订单应付金额 (is '应付金额' meant?)" in known(cells).refusal


def test_a_column_that_stands_twice_is_refused_if_it_is_read():
    cells = list(LAYOUTS["doudian_orders"].columns)
    assert "two columns named 商品数量" in known([*cells, "商品数量"]).refusal
    assert known([*cells, "车型"]).layout == LAYOUTS["doudian_orders"]


def test_two_layouts_that_fit_equally_well_are_a_refusal_and_a_newer_version_of_one_is_not():
    layout = LAYOUTS["doudian_reviews"]
    twin = layout.model_copy(update={"layout": "other_reviews", "label_zh": "别的 评价导出"})
    refusal = recognise(layout.columns, [layout, twin]).refusal
    assert "fits" in refusal and "doudian_reviews" in refusal and "other_reviews" in refusal
    newer = layout.model_copy(update={"layout": "reviews_2027", "valid_from": layout.valid_from.replace(year=2027)})
    assert recognise(layout.columns, [layout, newer]).layout == newer


@pytest.mark.parametrize(
    "cells", [[], [""], ["日期", "数量"], ["a", "b", "c"], ["order_line_id", "order_id", "商品ID"]]
)
def test_what_is_no_export_is_not_taken_for_one(cells):
    assert known(cells).layout is None and known(cells).refusal == ""


def test_no_layout_reads_what_people_are_called_or_where_they_live():
    private = ["收件人", "手机", "电话", "地址", "姓名", "昵称", "街道", "操作人", "留言", "备注"]
    for layout in LAYOUTS.values():
        read = [name for name in layout.read if any(word in name for word in private)]
        # The trade name of an author is public.
        assert read == (["达人昵称"] if layout.layout == "compass_expert_analysis" else []), layout.layout


def test_every_word_of_a_layout_is_a_value_of_its_feed():
    for layout in LAYOUTS.values():
        for part in layout.feeds:
            for name, source in part.columns.items():
                spec = load_feeds()[part.feed].by_name[name]
                words = {word for word in (*source.words.values(), source.otherwise) if word}
                assert words <= ({"true", "false"} if spec.type == "bool" else set(spec.values)), (layout.layout, name)
                if spec.type == "enum" and source.constant:
                    assert source.constant in spec.values


def test_headers_are_compared_folded():
    assert folded("\ufeff 商品点击率（人数）\n") == folded("商品点击率(人数)")
    assert folded("退商品金额（元）") == folded("退商品金额") == "退商品金额"
    assert folded("店铺劵") == "店铺券" and folded("动帐流水号") == "动账流水号"


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("商品卡_2026_06_16~2026_07_15.xlsx", "2026-06-16 2026-07-15"),
        ("a/达人-20260601-20260614 (1).csv", "2026-06-01 2026-06-14"),
        ("2026-06-01至2026-06-01.csv", "2026-06-01 2026-06-01"),
        ("2026年06月01日～2026年06月02日.csv", "2026-06-01 2026-06-02"),
        ("2026_06_16.csv", ""),
        ("1780818387_ab.csv", ""),
        ("2026_02_30~2026_03_01.csv", ""),
        ("2026_07_15~2026_06_16.csv", ""),
    ],
)
def test_periods_in_names(name, days):
    assert " ".join(map(str, period_in_name(name) or ())) == days


HEAD = "layout: x\nlabel_zh: x\nsystem: x\npage: x\nvalid_from: 2026-01-01\nrequired: [a]\n"
FILLS = "advice: {every: x, en: x}\nfeeds: [{feed: products, columns: {product_id: a}}]\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("layout: [", "not a valid layout declaration"),
        (HEAD + "columns: [a]", "fills feeds or says why"),
        (HEAD + FILLS + "columns: [b]", "names columns it does not list: a"),
        (HEAD + FILLS + "columns: [a, 'a ']", "the same once folded"),
        (HEAD + FILLS + "personal: [a]\ncolumns: [a]", "reads what people are called"),
        (HEAD + FILLS.replace("products", "nothing") + "columns: [a]", "nothing is no feed"),
        (HEAD + FILLS.replace("product_id", "title") + "columns: [a]", "products needs product_id"),
        (HEAD + FILLS.replace("product_id: a", "product_id: a, colour: a") + "columns: [a]", "products has no colour"),
        (HEAD + FILLS.replace("product_id: a", "product_id: {from: a, constant: b}") + "columns: [a]", "has one of from"),
        (HEAD + FILLS.replace("product_id: a", "product_id: {hash_of: [b]}") + "columns: [a]", "computes from b"),
        (
            HEAD + FILLS.replace("products", "members").replace("product_id: a", "user_id: a, joined_at: a") + "columns: [a]",
            "no export names its users",
        ),
    ],
)  # fmt: skip
def test_a_declaration_that_contradicts_itself_is_refused_in_one_line(text, complaint):
    with pytest.raises(DeclarationError) as caught:
        parse_layout(text, "x.yml")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_runbook_says_where_to_find_every_export_that_feeds_something():
    page = (Path(__file__).resolve().parents[3] / "docs" / "runbook.md").read_text(encoding="utf-8")
    chinese, english = page.split("## English")
    for layout in LAYOUTS.values():
        if layout.feeds:
            row = next(line for line in chinese.splitlines() if line.startswith(f"| {layout.label_zh}"))
            assert layout.page in row and layout.advice["every"] in row, layout.layout
            assert layout.label_zh in english, layout.layout
