"""A real browser on pages written from files of known content."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Browser, Page

from pipelines.config import load_settings
from pipelines.report.extract import extract
from pipelines.report.labels import LANGUAGES
from pipelines.report.page import page
from tests.fixtures.browser import chromium_of_the_system
from tests.fixtures.published import Shape, write

HOSTILE = (
    "</script><script>document.title='taken'</script>",
    '=HYPERLINK("http://example.invalid","x")',
    "\u202egnp.tset\u202c",
    "𠮷野家 👩‍👩‍👧 & <b>粗</b>",
)
VIEWPORTS = {"desktop": (1360, 900), "phone": (390, 844)}
EVERY_MART_EMPTY = Shape(
    days=1,
    empty=frozenset(
        mart
        for mart in ["audience_health_daily", "audience_forecast", "audience_segments", "product_quadrant", "quadrant_summary_daily", "operating_score", "operating_score_indicators", "experience_score_daily", "experience_score_indicators", "complaint_rates_daily", "purchase_path_daily", "traffic_source_daily", "synergy_daily", "synergy_matrix_daily", "field_matrix_daily", "repurchase_daily", "audience_5a_daily", "audience_5a_flow", "content_performance", "content_mix_daily", "cohort_value"]
    ),
    absent=frozenset(("campaign_performance", "author_performance_daily", "fan_member_daily", "lucky_bag_daily", "entity_names")),
)  # fmt: skip
# Ids that break what takes them for a word, a path or a property of its own.
ODD_SHOPS = ("__proto__", "constructor", "</script><b>\"' 店铺/..\\" + "长" * 60 + "x" * 120)
SHAPES = {
    "odd shops": Shape(days=3, products=3, shops=ODD_SHOPS, absent=frozenset(("entity_names",))),
    "full": Shape(days=130, shops=("shop-1", "shop-2"), names=HOSTILE),
    "one day": Shape(days=1, products=3),
    "nothing": EVERY_MART_EMPTY,
}


@dataclass
class Seen:
    """A page as it was opened: what it asked for, what it complained of."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def ready(self) -> None:
        self.page.wait_for_selector("html[data-ready=true]", state="attached", timeout=60_000)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with chromium_of_the_system() as browser:
        yield browser


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """Pages on disk by (shape, language), and the published file of each shape by (shape, "duckdb")."""
    folder = tmp_path_factory.mktemp("pages")
    settings = load_settings(folder / "home")
    made = {}
    for name, shape in SHAPES.items():
        database = write(folder / f"{name}.duckdb", shape)
        made[name, "duckdb"] = database
        con = duckdb.connect(str(database), read_only=True)
        found = extract(con)
        con.close()
        for language in LANGUAGES:
            path = folder / f"{name}.{language}.html"
            path.write_text(page(found, language, settings), encoding="utf-8")
            made[name, language] = path
    nobody = folder / "no shop.html"
    nobody.write_text(page({**found, "shops": {}}, "en", settings), encoding="utf-8")
    made["no shop", "en"] = nobody
    return made


@contextmanager
def opened(browser: Browser, path: Path, viewport: str = "desktop", scheme: str = "light") -> Iterator[Seen]:
    """The page from disk, drawn to the end."""
    width, height = VIEWPORTS[viewport]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        accept_downloads=True,  # type: ignore[arg-type]
    )
    seen = Seen(context.new_page())
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    seen.page.on("console", lambda message: seen.complaints.append(f"{message.type}: {message.text}"))
    seen.page.on("pageerror", lambda error: seen.complaints.append(f"error: {error}"))
    seen.page.goto(path.as_uri())
    seen.ready()
    yield seen
    context.close()
