"""The dictionary and the exposures are what `make docs` writes from the models."""

import pytest

from pipelines.errors import QuanyuError
from pipelines.report.carried import DAILY, LISTINGS
from pipelines.transform import dictionary


def test_pages_are_what_make_docs_writes() -> None:
    stale = [
        path.name for path, text in dictionary.pages().items() if not path.exists() or path.read_text("utf-8") != text
    ]
    assert not stale, f"run `make docs`: {stale}"


def test_what_the_page_reads_of_a_mart_is_in_its_declaration() -> None:
    declared = {table.name: {column.name for column in table.columns} for table in dictionary.tables()}
    optional = {"starts_on", "ends_on"} | {
        f"{who}_{what}" for who in ("participant", "non_participant") for what in ("pairs", "buyers")
    }
    for spec in (*DAILY, *LISTINGS):
        if spec.mart in declared:
            by = set(getattr(spec, "by", ()))
            assert set(spec.columns) - optional | by <= declared[spec.mart], spec.mart


def test_keys_and_doc_blocks_are_resolved() -> None:
    table = next(table for table in dictionary.tables() if table.name == "quadrant_summary_daily")
    keys = {"shop_id", "business_date", "scope", "quadrant"}
    assert {column.name for column in table.columns if column.is_key} == keys
    assert not any("{{" in column.description for column in table.columns)


def test_a_column_without_a_label_is_an_error(tmp_path, monkeypatch) -> None:
    (tmp_path / "m.yml").write_text("models: [{name: m, description: d, columns: [{name: c, description: d}]}]")
    monkeypatch.setattr(dictionary, "MARTS", tmp_path)
    with pytest.raises(QuanyuError, match=r"m.yml: m.c: needs a description and meta.label_zh"):
        dictionary.tables()
