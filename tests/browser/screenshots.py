"""`make screenshots`: the pictures of the README, from the report that the demo published last."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser

from pipelines.config import PROJECT_DIR, load_settings
from pipelines.demo import MARK
from tests.fixtures.browser import chromium_of_the_system

IMAGES = PROJECT_DIR / "docs" / "images"
MARGIN = 24


@dataclass(frozen=True)
class Picture:
    """One picture: of which page, on which screen; of all that fits, or of a section down to one of its charts."""

    name: str
    language: str
    section: str = ""
    chart: str = ""
    width: int = 1280
    height: int = 900
    scale: float = 1
    scheme: str = "light"


PICTURES = (
    Picture("report.zh", "zh", scale=1.5),
    Picture("goods.zh", "zh", section="goods", chart="goods_quadrant"),
    Picture("audience.en", "en", section="audience", chart="audience_stock", scheme="dark"),
    Picture("phone.en", "en", width=390, height=844, scale=1.5),
)


def take(browser: Browser, picture: Picture, page_uri: str) -> None:
    """Write one PNG."""
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        device_scale_factor=picture.scale,
        color_scheme=picture.scheme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.goto(page_uri)
    page.wait_for_selector("html[data-ready=true]", state="attached", timeout=60_000)
    target = IMAGES / f"{picture.name}.png"
    if picture.section:
        head = page.locator(f"#{picture.section} > h2").bounding_box()
        foot = page.locator(f"#c-{picture.chart}").bounding_box()
        assert head and foot
        page.screenshot(
            path=target,
            full_page=True,
            clip={
                "x": head["x"] - MARGIN,
                "y": head["y"] - MARGIN,
                "width": head["width"] + 2 * MARGIN,
                "height": foot["y"] + foot["height"] - head["y"] + MARGIN,
            },
        )
    else:
        page.screenshot(path=target)
    context.close()


def main() -> None:
    """Take every picture; one line to standard error and status 1 without a demo or a browser."""
    settings = load_settings()
    report = settings.reports / "latest.zh.html"
    if not (settings.home / MARK).exists() or not report.exists():
        sys.exit(f"screenshots: {settings.home}: holds no demo; run `make demo` first")
    try:
        with chromium_of_the_system() as browser:
            for picture in PICTURES:
                take(browser, picture, (settings.reports / f"latest.{picture.language}.html").as_uri())
    except pytest.skip.Exception as missing:
        sys.exit(f"screenshots: {missing}")


if __name__ == "__main__":
    main()
