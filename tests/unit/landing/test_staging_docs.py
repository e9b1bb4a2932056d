"""The twins of the staging models follow the feed declarations."""

import pytest

from pipelines.errors import QuanyuError
from pipelines.landing import staging_docs


def test_twins_are_what_make_docs_writes() -> None:
    stale = [
        path.name for path, text in staging_docs.staging_twins().items() if path.read_text(encoding="utf-8") != text
    ]
    assert not stale, f"run `make docs`: {stale}"


def test_a_column_nobody_describes_is_an_error(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "reviews"
    folder.mkdir()
    (folder / "stg_reviews.sql").write_text("select shop_id, 1 as surprise from {{ source('raw', 'raw_reviews') }}")
    monkeypatch.setattr(staging_docs, "STAGING", tmp_path)
    with pytest.raises(
        QuanyuError, match=r"column surprise is undescribed; add it under `staged` in feeds/reviews.yml"
    ):
        staging_docs.staging_twins()
