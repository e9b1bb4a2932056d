"""The questions of docs/questions.md and the example notebook run on a published file and answer something."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
import pytest

from tests.fixtures.published import ROOT, Shape, write

QUESTIONS = dict(
    re.findall(
        r"^## (\d+\. [^\n]+)\n\n```sql\n(.*?)```", (ROOT / "docs" / "questions.md").read_text("utf-8"), re.M | re.S
    )
)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("published") / "file.duckdb", Shape(days=70, products=20))


def test_there_are_twenty_in_order() -> None:
    assert [int(title.split(".")[0]) for title in QUESTIONS] == list(range(1, 21))


@pytest.mark.parametrize("title", QUESTIONS)
def test_a_question_is_answered(published: Path, title: str) -> None:
    con = duckdb.connect(str(published), read_only=True)
    try:
        rows = con.execute(QUESTIONS[title]).fetchall()
    finally:
        con.close()
    assert rows and any(value is not None for row in rows for value in row)


def test_every_mart_is_asked_about_but_those_of_single_people() -> None:
    asked = {mart for sql in QUESTIONS.values() for mart in re.findall(r"(?:marts|operations)\.(\w+)", sql)}
    assert {
        "shop_daily",
        "operating_score",
        "audience_5a_flow",
        "product_quadrant",
        "experience_score_indicators",
    } <= asked
    assert not {"audience_layer_history", "audience_segment_members"} & asked


def test_the_notebook_runs_from_top_to_bottom(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells are plain Python: run in order in one namespace, as a kernel would."""
    monkeypatch.setenv("QUANYU_PUBLISHED", str(published))
    cells = json.loads((ROOT / "docs" / "example.ipynb").read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    space: dict[str, object] = {}
    for source in code:
        exec(compile(source, "docs/example.ipynb", "exec"), space)
    space["con"].close()  # type: ignore[attr-defined]
    assert len(code) >= 4
    assert list(space["funnel"].columns) == ["week", "click_rate", "purchase_rate"]  # type: ignore[attr-defined]
    assert len(space["layers"]) == 6 and space["story"]  # type: ignore[arg-type]
    assert all(cell.get("outputs", []) == [] for cell in cells)
