"""`quanyu docs`: dbt's documentation as one file that opens from disk, asks for nothing and knows no machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from pipelines import cli
from pipelines.config import PROJECT_DIR
from pipelines.transform import docs_page
from pipelines.transform.dictionary import tables
from pipelines.transform.project import TransformError


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a home that never had a night."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["quanyu", "--home", str(home), "docs"])
        cli.command()
    return home / "reports" / "models.html"


def test_it_names_no_folder_of_this_machine(written: Path) -> None:
    text = written.read_text(encoding="utf-8")
    assert str(PROJECT_DIR) not in text and str(written.parents[1]) not in text
    assert [path.name for path in written.parent.iterdir()] == ["models.html"]


def test_it_opens_from_disk_and_asks_for_nothing(chromium: Browser, written: Path) -> None:
    page = chromium.new_page()
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(written.as_uri())
    page.get_by_text("The models behind the published file").wait_for()
    page.goto(f"{written.as_uri()}#!/model/model.quanyu.shop_daily")
    page.get_by_role("heading", name="shop_daily").wait_for()
    shown = page.inner_text("body")
    mart = next(table for table in tables() if table.name == "shop_daily")
    for column in mart.columns:
        assert f"{column.label_zh} — {column.description}" in shown
    assert "business_date\n\tdate" in shown
    assert complaints == []
    page.evaluate("fetch('https://example.invalid/').catch(() => 0)")
    page.close()
    assert asked == [written.as_uri()]
    assert complaints and all("Content Security Policy" in complaint for complaint in complaints)


def test_a_page_of_another_dbt_is_refused_and_data_cannot_end_its_script() -> None:
    with pytest.raises(TransformError, match="has no place for"):
        docs_page.static_page("<html></html>", {}, {})
    page = f"<head>{docs_page.HEAD}</head><script>[{docs_page.MANIFEST}, {docs_page.CATALOG}]</script>"
    made = docs_page.static_page(page, {"description": "</script><script>alert(1)</script><!--"}, {})
    assert made.count("</script>") == 1 and "<!--" not in made
