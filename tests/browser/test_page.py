"""The page in a real browser, from disk: nothing leaves, nothing breaks, every chart is drawn or says why in words."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.conftest import HOSTILE, ODD_SHOPS, opened
from tests.fixtures.published import LAST, PUBLISHED_AT

Files = dict[tuple[str, str], Path]
CJK = re.compile(r"[\u3400-\u9fff\uff00-\uffef\u3000-\u303f]+")
# Abbreviations a Chinese reader knows by these letters, and the command to type.
LATIN_IN_CHINESE = {"ROI", "GPM", "CSV", "NPS", "quanyu", "status"}
# A segment that was published without its label goes by its name.
NAMES_OF_THINGS = ("shop-1", "shop-2", "author-", "content-", "tiny")


def asked(path: Path, sql: str) -> list[tuple[object, ...]]:
    con = duckdb.connect(str(path), read_only=True)
    try:
        return con.execute(sql).fetchall()
    finally:
        con.close()


def all_text(page: Page) -> str:
    """Everything a reader can see or hear: text, drawings, labels, without what stands in an element for names."""
    return str(
        page.evaluate(
            """() => {
              const copy = document.body.cloneNode(true);
              for (const gone of copy.querySelectorAll('script, style, .name, noscript, [hidden]')) gone.remove();
              const labels = [...copy.querySelectorAll('[aria-label]')].map((node) => node.getAttribute('aria-label'));
              return [copy.textContent, ...labels].join(' ');
            }"""
        )
    )


@pytest.mark.parametrize(
    ("shape", "language", "viewport"),
    [("full", "zh", "desktop"), ("full", "en", "phone"), ("one day", "zh", "phone"), ("nothing", "en", "desktop")],
)
def test_nothing_leaves_and_every_chart_is_drawn_or_says_why_in_one_language(
    chromium: Browser, files: Files, shape: str, language: str, viewport: str
) -> None:
    with opened(chromium, files[shape, language], viewport) as seen:
        assert seen.requests == [files[shape, language].as_uri()]
        assert seen.complaints == []
        figures = seen.page.evaluate(
            """() => [...document.querySelectorAll('figure')].map((f) => ({
              id: f.id, ready: f.dataset.ready, marks: f.querySelectorAll('.plot svg path, .plot svg text').length,
              rows: f.querySelectorAll('tbody tr').length, why: f.querySelector('.why').textContent.trim(),
            }))"""
        )
        assert len(figures) == 35
        assert [f["id"] for f in figures if f["ready"] != "true"] == []
        shown = [f["id"] for f in figures if f["marks"] > 2 or f["rows"]]
        told = [f["id"] for f in figures if len(f["why"]) > 3]
        assert sorted(shown + told) == sorted(f["id"] for f in figures)
        if shape == "full":
            assert told == []
        if shape == "nothing":
            assert "c-campaigns" in told and "c-score_radar" in told and "c-trade_trend" in shown
        assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert foreign(all_text(seen.page), language) == []


@pytest.mark.parametrize(("language", "viewport"), [("zh", "desktop"), ("en", "phone")])
def test_no_word_of_a_chart_is_cut_at_its_edge_or_hidden(
    chromium: Browser, files: Files, language: str, viewport: str
) -> None:
    with opened(chromium, files["full", language], viewport) as seen:
        cut = seen.page.evaluate(
            """() => [...document.querySelectorAll('.plot svg')].flatMap((svg) => {
              const frame = svg.getBoundingClientRect();
              return [...svg.querySelectorAll('text')].filter((text) => {
                const box = text.getBoundingClientRect();
                return box.width && (box.left < frame.left - 1 || box.right > frame.right + 1);
              }).map((text) => `${svg.closest('figure').id}: ${text.textContent}`);
            })"""
        )
        assert not cut, " ".join(cut)
        # A legend with arrows hides its end.
        assert not re.search(r"\b1/[2-9]\b", " ".join(seen.page.locator(".plot svg text").all_text_contents()))


@pytest.mark.parametrize(("language", "viewport"), [("zh", "desktop"), ("en", "phone")])
def test_a_shop_or_a_product_may_have_any_id(chromium: Browser, files: Files, language: str, viewport: str) -> None:
    with opened(chromium, files["odd shops", language], viewport) as seen:
        page = seen.page
        for shop in ODD_SHOPS:
            page.select_option("#shop", shop)
            seen.ready()
            assert page.inner_text(".morning:not([hidden]) .shop-name").strip() == shop
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert page.locator(".plot[hidden][aria-label]").count() == 0
            name = page.evaluate("fileName('campaigns')")
            assert re.fullmatch(r"[\w-]+\.csv", name) and len(name.encode()) <= 200
            assert page.evaluate("[named('product', 'constructor'), named('product', '__proto__')]") == [
                "constructor",
                "__proto__",
            ]
        assert seen.requests == [files["odd shops", language].as_uri()]
        assert seen.complaints == []


def test_a_segment_goes_by_its_label(chromium: Browser, files: Files) -> None:
    with opened(chromium, files["full", "zh"]) as seen:
        told = seen.page.locator("#c-audience_segments td.name").all_inner_texts()
    assert told == ["高潜新客", "沉睡老客", "tiny"]


def test_before_any_shop_has_data_the_page_says_so(chromium: Browser, files: Files) -> None:
    with opened(chromium, files["no shop", "en"]) as seen:
        said = seen.page.locator("figure .why").all_inner_texts()
        assert set(said) == {"There is no data of any shop yet."} and len(said) == 35
        assert seen.complaints == []


def foreign(text: str, language: str) -> list[str]:
    """Words of the other language, names apart."""
    for name in (*HOSTILE, "双11", "自营直播间", "商品" if language == "en" else "shop-1"):
        text = text.replace(name, " ")
    if language == "en":
        return CJK.findall(text)
    for name in NAMES_OF_THINGS:
        text = text.replace(name, " ")
    # A mart's name, with its underscores, stands where the page says that it is not there.
    return [word for word in re.findall(r"[A-Za-z_]{3,}", text) if word not in LATIN_IN_CHINESE and "_" not in word]


def test_the_numbers_are_the_marts(chromium: Browser, files: Files) -> None:
    database = files["full", "duckdb"]
    [(paid, buyers)] = asked(
        database,
        f"select paid_amount, buyers from marts.shop_daily where shop_id = 'shop-1' and business_date = '{LAST}'",
    )
    [(asset,)] = asked(
        database,
        f"select sum(users) from marts.audience_5a_daily where shop_id = 'shop-1' and business_date = '{LAST}' and layer > 0",
    )
    weeks = asked(
        database,
        "select cast(date_trunc('week', business_date) as date) as week, sum(paid_amount) from marts.shop_daily "
        f"where shop_id = 'shop-2' and business_date >= '{LAST - timedelta(days=35)}' group by 1 having count(*) = 7 order by 1",
    )
    with opened(chromium, files["full", "en"]) as seen:
        page = seen.page
        strip = page.locator(".morning:not([hidden]) .figure .number").all_inner_texts()
        assert strip[0] == f"{paid:,.2f}" and strip[1] == f"{buyers:,}" and strip[3] == f"{asset:,}"

        page.select_option("#shop", "shop-2")
        page.click("[data-grain=week]")
        seen.ready()
        page.click("#c-trade_trend .show-rows")
        rows = page.locator("#c-trade_trend tbody tr").all_inner_texts()
        told = {row.split("\t")[0]: row.split("\t")[1] for row in rows}
        assert {str(week): f"¥{amount:,.2f}" for week, amount in weeks[-3:]}.items() <= told.items()


def test_hostile_names_are_text_everywhere(chromium: Browser, files: Files) -> None:
    with opened(chromium, files["full", "zh"]) as seen:
        page = seen.page
        assert page.title() == f"经营日报 {LAST}"
        assert HOSTILE[0] in page.inner_text(".morning:not([hidden]) .story")
        page.click("#c-goods_quadrant .show-rows")
        cells = page.locator("#c-goods_quadrant td.name").all_inner_texts()
        assert set(HOSTILE) <= {cell.strip() for cell in cells} | set(cells)
        with page.expect_download() as waiting:
            page.click("#c-goods_quadrant .csv")
        assert seen.complaints == [] and len(seen.requests) <= 2
        content = Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.reader(io.StringIO(content)))
    names = {row[0] for row in rows[1:]}
    assert {HOSTILE[0], "'" + HOSTILE[1], HOSTILE[3]} <= names
    assert not any(
        re.match(r"^[=+\-@]", cell) for row in rows for cell in row if not re.fullmatch(r"-?[\d.e+-]+", cell)
    )
    assert len({len(row) for row in rows}) == 1


@pytest.mark.parametrize(("language", "viewport", "scheme"), [("zh", "desktop", "light"), ("en", "phone", "dark")])
def test_axe_finds_no_serious_fault(chromium: Browser, files: Files, language: str, viewport: str, scheme: str) -> None:
    with opened(chromium, files["full", language], viewport, scheme) as seen:
        seen.page.click("#c-trade_funnel .show-rows")
        found = Axe().run(seen.page).response["violations"]
    grave = [
        (v["id"], n["html"][:120], n["failureSummary"])
        for v in found
        if v["impact"] in ("serious", "critical")
        for n in v["nodes"][:2]
    ]
    assert grave == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_number_in_a_shaded_cell_stands_out(chromium: Browser, files: Files, scheme: str) -> None:
    """axe does not look into a canvas: of every cell the drawn colour against that of its number, by WCAG's formula."""
    with opened(chromium, files["full", "en"], "desktop", scheme) as seen:
        cells = seen.page.evaluate("""() => [...document.querySelectorAll(".plot")].flatMap((plot) => {
            const chart = echarts.getInstanceByDom(plot);
            const series = chart ? chart.getModel().getSeries().filter((one) => one.subType === "heatmap") : [];
            return series.flatMap((one) => one.getData().mapArray((at) => {
                const data = one.getData();
                return [data.getItemVisual(at, "style").fill, data.getItemModel(at).get(["label", "color"])];
            }));
        })""")
    assert len(cells) >= 9
    low = [(fill, text) for fill, text in cells if contrast(channels(fill), channels(text)) < 4.5]
    assert low == []


def channels(colour: str) -> list[float]:
    if colour.startswith("#"):
        digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
        return [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    return [float(part) / 255 for part in re.findall(r"[\d.]+", colour)[:3]]


def contrast(one: list[float], other: list[float]) -> float:
    low, high = sorted(
        sum(
            weight * (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
            for weight, part in zip((0.2126, 0.7152, 0.0722), colour, strict=True)
        )
        for colour in (one, other)
    )
    return (high + 0.05) / (low + 0.05)


def test_it_can_be_used_with_the_keyboard_alone(chromium: Browser, files: Files) -> None:
    with opened(chromium, files["full", "zh"]) as seen:
        page = seen.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.focus(".morning:not([hidden]) .figure")
        page.keyboard.press("Enter")
        assert page.locator("#behind").is_visible()
        rows = page.locator("#behind tbody tr").count()
        assert 0 < rows <= 200
        page.keyboard.press("Escape")
        assert not page.locator("#behind").is_visible()
        page.focus("[data-preset=last_7]")
        page.keyboard.press("Space")
        seen.ready()
        assert page.input_value("#from") == str(LAST - timedelta(days=6))


def test_age_is_judged_when_the_page_is_read(chromium: Browser, files: Files) -> None:
    for hours, stale in ((29, False), (31, True)):
        context = chromium.new_context(timezone_id="Asia/Shanghai")
        page = context.new_page()
        page.clock.set_fixed_time(PUBLISHED_AT.replace(tzinfo=ZoneInfo("Asia/Shanghai")) + timedelta(hours=hours))
        page.goto(files["one day", "en"].as_uri())
        assert page.locator("#stale").count() == int(stale), hours
        context.close()
