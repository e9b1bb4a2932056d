"""What the page is made of, without a browser: words, sentences, escaping, policy, weight."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.config import Settings, load_settings
from pipelines.landing.declarations import load_feeds
from pipelines.report.extract import cell, compact, extract
from pipelines.report.labels import parts, term, words, written
from pipelines.report.page import ECHARTS, Notice, layout, page
from pipelines.report.story import Story
from tests.fixtures.published import LAST, PUBLISHED_AT, Shape, write

ROOT = Path(__file__).parents[3]
LONG_TITLE = "北欧风陶瓷马克杯带盖带勺男女情侣办公室家用大容量早餐杯礼盒"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load_settings(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = write(tmp_path_factory.mktemp("small") / "small.duckdb", Shape(days=10, products=8))
    return taken(path)


def taken(path: Path) -> dict[str, Any]:
    con = duckdb.connect(str(path), read_only=True)
    try:
        return extract(con)
    finally:
        con.close()


def leaves(tree: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict) and set(tree) != {"zh", "en"}:
        for key, branch in tree.items():
            yield from leaves(branch, f"{at}.{key}")
    else:
        yield at, tree


def test_every_label_is_written_in_both_languages_with_the_same_fields() -> None:
    for at, leaf in leaves(written()):
        if at.startswith(".charts.needs"):
            continue
        assert isinstance(leaf, dict), f"{at} has no languages"
        assert leaf["zh"].strip() and leaf["en"].strip(), at
        fields = [set(re.findall(r"{(\w+)}", leaf[language])) for language in ("zh", "en")]
        assert fields[0] == fields[1], at
        assert not re.search(r"[\u4e00-\u9fff]", leaf["en"]), at


def test_every_chart_has_its_words_and_every_feed_its_name() -> None:
    charts = words("en")["charts"]
    drawn = [name for section in layout() for name in section["charts"]]
    assert len(drawn) == len(set(drawn)) == 35
    assert set(drawn) == set(charts["title"]) == set(charts["note"])
    assert [section["id"] for section in layout()] == list(charts["section"])
    terms = words("zh")["terms"]
    assert set(load_feeds()) == set(terms["feed"])


def test_every_reason_to_hold_a_row_back_has_its_words() -> None:
    written_down = "".join(path.read_text("utf-8") for path in (ROOT / "pipelines" / "landing").glob("*.py"))
    codes = set(re.findall(r"(?:then|else) '([a-z0-9]+(?:_[a-z0-9]+)+|formula|overflow)'", written_down))
    codes |= set(re.findall(r"refuse\(\w+, \"([a-z_0-9]+)\"", written_down))
    codes |= set(re.findall(r"\"((?:un|broken)\w*_quote)\"", written_down))
    assert {"formula", "line_too_long", "not_a_time", "missing_required"} <= codes
    assert codes <= set(words("zh")["terms"]["reason"]), codes


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Decimal("12.50"), 12.5), (Decimal("12.00"), 12), (0.123456789, 0.12346), (123456.789, 123456.79), (3.0, 3),
        (date(2025, 1, 2), "2025-01-02"), (datetime(2025, 1, 2, 3, 4, 5), "2025-01-02 03:04"), (float("inf"), None), (True, 1), (None, None), (float("nan"), None),
    ],
)  # fmt: skip
def test_a_cell_is_what_json_holds(value: object, said: object) -> None:
    assert cell(value) == said


def test_data_cannot_end_its_element_nor_a_line() -> None:
    hostile = "</script><!-- & \u2028\u2029 '\""
    text = compact({"name": hostile})
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == {"name": hostile}


def test_a_template_is_cut_into_words_and_values() -> None:
    assert parts("{a}人，{b}。", {"a": "1", "b": "{c}"}) == [("1", True), ("人，", False), ("{c}", True), ("。", False)]


@pytest.mark.parametrize(("rows", "said"), [("1", "1 row"), ("2", "2 rows"), ("11", "11 rows")])
def test_one_is_not_told_as_many(rows: str, said: str) -> None:
    assert "".join(text for text, _ in parts("{n} row(s)", {"n": rows})) == said


def told(found: dict[str, Any], topic: str, language: str = "en") -> tuple[str, str]:
    paragraph = next(p for p in Story(found, "shop-1", language).told() if p.topic == topic)
    return "".join(text for text, _ in paragraph.text).strip(), paragraph.tone


def day_of(found: dict[str, Any], mart: str, key: str = "", **values: list[Any]) -> None:
    found["shops"]["shop-1"]["daily"][mart] = {key: values}


def test_the_factor_that_moved_sales_is_named(small: dict[str, Any]) -> None:
    """Eight days: clicks 100 → 120 (+20 %), conversion 10/100 → 9/120 (−25 %), 100 → 50 yuan a buyer (−50 %).

    Sales 1000 → 450, −55 %; in logs −0.80 = 0.18 − 0.29 − 0.69, so the basket did it.
    """
    found = json.loads(json.dumps(small, default=str))
    found["shops"]["shop-1"]["days"] = 8
    day_of(
        found, "shop_daily", paid_amount=[1000, *[None] * 6, 450], net_amount=[None] * 7 + [400], buyers=[10, *[None] * 6, 9],
        orders=[None] * 7 + [11], product_click_users=[100, *[None] * 6, 120], new_buyers=[None] * 7 + [3],
        refund_by_pay_date=[None] * 7 + [50],
    )  # fmt: skip
    assert told(found, "trade") == (
        "¥450.00 paid on the day, ¥400.00 after refunds; 9 buyers placed 11 orders. Sales are down 55.0% against the same "
        "weekday last week, mostly because the amount per buyer went down 50.0%. 33.3% of the buyers are new.",
        "down",
    )
    assert told(found, "trade", "zh")[0].startswith(
        "当日支付 ¥450.00，退款后 ¥400.00；9 人成交 11 单。比上周同日下降 55.0%，主要因为每位买家的支付额下降 50.0%。"
    )


def test_where_no_refund_was_ever_delivered_the_page_says_so(small: dict[str, Any]) -> None:
    found = json.loads(json.dumps(small, default=str))
    found["shops"]["shop-1"]["days"] = 1
    day_of(found, "shop_daily", paid_amount=[450], net_amount=[450], buyers=[9], orders=[11], refund_by_pay_date=[None])
    assert "placed 11 orders. No refunds were ever delivered, so none are taken off. " in told(found, "trade")[0]
    assert "尚未接入退款数据" in told(found, "trade", "zh")[0]
    day_of(found, "shop_daily", paid_amount=[450], net_amount=[450], buyers=[9], orders=[11], refund_by_pay_date=[0])
    assert "refunds were" not in told(found, "trade")[0]


def test_orders_that_never_say_when_they_were_signed_for_are_not_few(small: dict[str, Any]) -> None:
    found = json.loads(json.dumps(small, default=str))
    days = found["shops"]["shop-1"]["days"]
    day_of(found, "experience_score_daily", experience_10=[None] * days)
    day_of(found, "complaint_rates_daily", signed_orders=[0] * days)
    assert told(found, "experience")[0].startswith("No order says when it was signed for")
    assert told(found, "experience", "zh")[0].startswith("没有一笔订单有签收时间")
    day_of(found, "complaint_rates_daily", signed_orders=[29] + [0] * (days - 1))
    assert told(found, "experience")[0].startswith("Fewer than 30 orders were signed for in 30 days")


def test_a_day_without_sales_names_the_last_one_with_some(small: dict[str, Any]) -> None:
    found = json.loads(json.dumps(small, default=str))
    day_of(found, "shop_daily", paid_amount=[5, 0, 7, *[0] * 7])
    third = (LAST - timedelta(days=7)).isoformat()
    assert told(found, "trade")[0].startswith(
        f"Nothing was paid on the day. The last payment is of {third}: were later orders delivered? "
    )


def test_a_day_without_sales_and_without_a_past_says_so(small: dict[str, Any]) -> None:
    found = json.loads(json.dumps(small, default=str))
    found["shops"]["shop-1"]["days"] = 1
    day_of(found, "shop_daily", paid_amount=[0])
    assert told(found, "trade") == (
        "Nothing was paid on the day. The same weekday last week has nothing to compare with.",
        "warn",
    )


def test_the_bottleneck_and_what_drags_the_experience_are_named(small: dict[str, Any]) -> None:
    """The made file: A3 up-rate 0.055 against 0.09 is 61 %; of ten indicators bad reviews lose 1.5 × 0.6 = 0.90, most."""
    text, tone = told(small, "audience")
    assert "The bottleneck is the A3 up-rate, at 61% of its benchmark." in text and tone == "warn"
    assert "What drags it most is the bad review rate: 0.90 of 1.5 points lost." in told(small, "experience")[0]
    assert "Running: \u2068双11\u2069 (¥812,000.50 paid so far)." in told(small, "campaign")[0]
    assert "Held back: 4 rows, most in orders (in the future). Refused: 1 file." in told(small, "data")[0]


def test_a_score_of_nothing_does_not_list_everything(small: dict[str, Any]) -> None:
    found = json.loads(json.dumps(small, default=str))
    days = found["shops"]["shop-1"]["score"]["day"]
    days["score_100"][-1] = None
    some, *others = days["indicators"].values()
    for series in others:
        series["points"][-1] = None
    text, tone = told(found, "score")
    assert text.count(",") >= len(others) - 1 and "Not scored: " in text and tone == "warn"
    some["points"][-1] = None
    assert "Not scored" not in told(found, "score")[0]


def test_a_fall_is_told_as_one(small: dict[str, Any]) -> None:
    """A campaign 2 % below its baseline did not lift sales; a product that falls out of its class is no good news."""
    found = json.loads(json.dumps(small, default=str))
    shop = found["shops"]["shop-1"]
    row = {"campaign_id": "c1", "ends_on": "2025-10-02", "uplift": -0.02}
    shop["list"]["campaigns"] = {"columns": list(row), "rows": [list(row.values())]}
    text, _ = told(found, "campaign")
    assert "The last one to end, \u2068双11\u2069, had sales down 2.0% against its baseline." in text
    for moved_from, quadrant, tone in (
        ("profit", "potential", "down"), ("potential", "core", "up"), ("traffic", "profit", "flat"),
    ):  # fmt: skip
        row = {"business_date": found["day"], "scope": "all", "product_id": "p1", "moved_from": moved_from}
        row["quadrant"] = quadrant
        shop["list"]["moves"] = {"columns": list(row), "rows": [list(row.values())]}
        shop["goods"]["moved"] = 1
        text, found_tone = told(found, "goods")
        assert text.startswith("1 product changed class: ") and found_tone == tone


def test_what_is_wrong_comes_first_and_a_healthy_shop_has_no_such_paragraph(small: dict[str, Any]) -> None:
    found = json.loads(json.dumps(small, default=str))
    shop = found["shops"]["shop-1"]
    assert "diagnosis" not in [paragraph.topic for paragraph in Story(found, "shop-1", "en").told()]
    shop["names"]["product"]["p-9"] = "杯子"
    shop["list"]["diagnosis"] = {
        "columns": ["finding", "subject_id", "since", "value", "reference"],
        "rows": [
            ["faulty_product", "p-9", "2024-01-02", 0.25, 0.01],
            ["late_pickup", "shop-1", "2024-01-03", 0.6, 0.95],
            ["leaky_audience", "shop-1", "2024-01-04", 7500, 10000],
            *[["faulty_product", f"p-{n}", "2024-01-05", 0.2, 0.01] for n in range(3)],
        ],
    }  # fmt: skip
    first = Story(found, "shop-1", "en").told()[0]
    text = "".join(part for part, _ in first.text)
    assert (first.topic, first.tone, first.chart) == ("diagnosis", "warn", "goods_quadrant")
    assert text.startswith(
        "\u2068杯子\u2069 seems to have a quality problem since 2024-01-02: 25.0% of its lines are bad, 1.0% of the "
        "others'. Parcels are handed over late since 2024-01-03: 60.0% on time, the average anchor is 95.0%. "
        "The audience leaks since 2024-01-04: A1 to A5 fell from 10,000 to 7,500 people. "
    )
    assert text.endswith("And 1 more in the diagnosis mart. ")
    assert "揽收变慢：自 2024-01-03 起按时揽收仅 60.0%" in told(found, "diagnosis", "zh")[0]


def test_without_marts_every_paragraph_says_why(tmp_path: Path) -> None:
    path = write(tmp_path / "bare.duckdb", Shape(days=2, products=2))
    con = duckdb.connect(str(path))
    for (mart,) in con.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall():
        if mart != "shop_daily":
            con.execute(f"drop table marts.{mart}")
    con.close()
    found = taken(path)
    for language, said in (
        (
            "en",
            [
                "There is no operating score yet.",
                "There is no goods quadrant yet.",
                "There is no experience score yet.",
            ],
        ),
        ("zh", ["经营能力分没有数据。", "货品象限没有数据。", "体验分没有数据。"]),
    ):
        assert [told(found, topic, language)[0] for topic in ("score", "goods", "experience")] == said


class Inline(HTMLParser):
    """Texts of the inline scripts and styles, and the policy."""

    def __init__(self) -> None:
        super().__init__()
        self.kind: str | None = None
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self.policy = ""
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        self.tags.append(tag)
        assert not any(name.startswith("on") or name in ("src", "style") for name in held), (tag, held)
        if held.get("http-equiv") == "Content-Security-Policy":
            self.policy = held["content"] or ""
        self.kind = tag if tag in self.texts and held.get("type") != "application/json" else None

    def handle_data(self, data: str) -> None:
        if self.kind:
            self.texts[self.kind].append(data)

    def handle_endtag(self, tag: str) -> None:
        self.kind = None


def test_the_policy_names_exactly_what_is_inside(small: dict[str, Any], settings: Settings) -> None:
    seen = Inline()
    seen.feed(page(small, "zh", settings))
    rules = dict(rule.strip().split(" ", 1) for rule in seen.policy.split(";"))
    assert rules["default-src"] == "'none'" and not {"link", "iframe", "object", "img"} & set(seen.tags)

    def named(texts: list[str]) -> str:
        return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(t.encode()).digest()).decode()}'" for t in texts)

    assert rules["script-src"] == named(seen.texts["script"]) and len(seen.texts["script"]) == 2
    assert rules["style-src-elem"] == named(seen.texts["style"])


def test_a_night_that_did_not_publish_and_late_data_stand_above_everything(
    small: dict[str, Any], settings: Settings
) -> None:
    late = {**small, "day": "2025-11-08"}
    text = page(late, "en", settings, Notice(date(2025, 11, 12), "refused"))
    warnings = re.findall(r'<p class="warning">(.*?)</p>', text)
    assert re.sub("<[^>]+>", "", warnings[0]) == (
        "The last night (2025-11-12) was refused by a check and not published; this page still shows the publication before it."
    )
    assert re.sub("<[^>]+>", "", warnings[1]) == "The data ends on 2025-11-08, 4 days before it was published."
    assert '<p class="warning"><b>' not in page(small, "en", settings)
    assert f"{PUBLISHED_AT:%Y-%m-%d %H:%M}" in text and str(LAST) not in warnings[1]


def test_a_large_shop_stays_light_and_is_written_at_once(tmp_path: Path, settings: Settings) -> None:
    """2,000 products with titles of 30 characters, two years: under 3 MB a language; under 5 s for both."""
    path = write(tmp_path / "large.duckdb", Shape(days=730, products=2000, names=(LONG_TITLE,) * 2000))
    begun = time.process_time()
    found = taken(path)
    pages = [page(found, language, settings) for language in ("zh", "en")]
    spent = time.process_time() - begun
    assert max(len(text.encode()) for text in pages) < 3_000_000
    assert spent < 5
    assert all(LONG_TITLE in text for text in pages)


def test_a_file_published_before_segments_had_labels_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "old.duckdb", Shape(days=2, products=2))
    assert taken(path)["segments"]["zh"]["lapsed_buyers"] == "沉睡老客"
    con = duckdb.connect(str(path))
    con.execute("drop table operations.segments")
    con.close()
    assert taken(path)["segments"] == {"zh": {}, "en": {}}


def test_the_charts_are_the_released_ones() -> None:
    stated = re.search(r"sha256 ([0-9a-f]{64})", (ECHARTS.parent / "README.md").read_text(encoding="utf-8"))
    assert stated and hashlib.sha256(ECHARTS.read_bytes()).hexdigest() == stated[1]
    assert "Apache License" in (ECHARTS.parent / "LICENSE").read_text(encoding="utf-8")


def test_a_code_without_a_word_is_shown_as_it_is() -> None:
    assert term("zh", "reason", "brand_new") == "brand_new"
