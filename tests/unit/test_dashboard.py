"""The files of the Superset dashboard fit together, and `quanyu superset` hands them over with what is a home's own."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pytest
import yaml

from pipelines.config import Settings, load_settings
from pipelines.dashboard import datasets
from pipelines.dashboard.datasets import FOLDER
from pipelines.dashboard.importing import filled_in, import_dashboard
from pipelines.errors import QuanyuError
from pipelines.transform import dictionary
from tests.fixtures.published import LAST, PUBLISHED_AT, Shape, write


def held(kind: str) -> dict[str, dict[str, Any]]:
    return {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in sorted((FOLDER / kind).glob("*.yaml"))}


@pytest.fixture(scope="module")
def marts() -> list[dictionary.Table]:
    return dictionary.tables()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load_settings(tmp_path / "one's shop")
    made.make_home()
    made.current.touch()
    return made


def asked(params: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What a chart asks of its dataset: ("metric" or "column", name)."""
    for key in ("metric", "metrics", "x", "y", "size"):
        named = params.get(key, [])
        yield from (("metric", name) for name in (named if isinstance(named, list) else [named]))
    for key in ("x_axis", "groupby", "all_columns", "entity", "series", "source", "target"):
        named = params.get(key, [])
        yield from (("column", name) for name in (named if isinstance(named, list) else [named]))
    yield from (("column", rule["subject"]) for rule in params["adhoc_filters"] if rule["expressionType"] == "SIMPLE")


def test_no_dataset_is_left_over(marts: list[dictionary.Table]) -> None:
    """That they are what `make docs` writes is tested with the dictionary."""
    assert {path.name for path in (FOLDER / "datasets").iterdir()} == {path.name for path in datasets.files(marts)}


def test_every_column_of_a_mart_has_its_label_and_description(marts: list[dictionary.Table]) -> None:
    found = held("datasets")
    for table in marts:
        for name in (table.name, f"{table.name}_newest"):
            if name not in found:
                continue
            columns = {column["column_name"]: column for column in found[name]["columns"]}
            for column in table.columns:
                written = columns[column.name]
                assert (written["verbose_name"], written["description"]) == (column.label_zh, column.description)
                assert written["is_dttm"] == (column.data_type == "date")


def test_charts_ask_for_what_their_datasets_have() -> None:
    by_id = {dataset["uuid"]: dataset for dataset in held("datasets").values()}
    used = set()
    for name, chart in held("charts").items():
        dataset = by_id[chart["dataset_uuid"]]
        has = {("metric", metric["metric_name"]) for metric in dataset["metrics"]}
        has |= {("column", column["column_name"]) for column in dataset["columns"]}
        assert set(asked(chart["params"])) <= has, name
        assert chart["params"]["viz_type"] == chart["viz_type"]
        used.add(chart["dataset_uuid"])
    assert used == set(by_id), "a dataset that no chart reads"


def test_the_dashboard_holds_every_chart_and_filters_what_has_the_column() -> None:
    [dashboard] = held("dashboards").values()
    cells = [cell for cell in dashboard["position"].values() if isinstance(cell, dict)]
    drawn = {cell["meta"]["uuid"]: cell["meta"] for cell in cells if cell["type"] == "CHART"}
    charts = {chart["uuid"]: chart for chart in held("charts").values()}
    assert {uuid: meta["sliceName"] for uuid, meta in drawn.items()} == {
        uuid: chart["slice_name"] for uuid, chart in charts.items()
    }
    for row in cells:
        if row["type"] == "ROW":
            assert sum(dashboard["position"][child]["meta"]["width"] for child in row["children"]) == 12
    by_id = {dataset["uuid"]: dataset for dataset in held("datasets").values()}
    shop = next(f for f in dashboard["metadata"]["native_filter_configuration"] if f["id"] == "NATIVE_FILTER-shop")
    for uuid, meta in drawn.items():
        columns = {column["column_name"] for column in by_id[charts[uuid]["dataset_uuid"]]["columns"]}
        assert ("shop_id" in columns) == (meta["chartId"] not in shop["scope"]["excluded"]), meta["sliceName"]


def test_every_file_has_an_id_of_its_own_and_names_the_one_database() -> None:
    kinds = ("databases", "datasets", "charts", "dashboards")
    everything = [content for kind in kinds for content in held(kind).values()]
    ids = [content["uuid"] for content in everything]
    assert len(set(ids)) == len(ids) and all(str(UUID(found)) == found for found in ids)
    [database] = held("databases").values()
    assert {dataset["database_uuid"] for dataset in held("datasets").values()} == {database["uuid"]}


def test_the_home_is_filled_in(settings: Settings) -> None:
    made = settings.model_copy(update={"stale_after_hours": 48, "time_zone": "Asia/Urumqi", "threads": 3})
    files = {name: yaml.safe_load(text) for name, text in filled_in(made).items()}
    database = files["databases/quanyu.yaml"]
    assert database["sqlalchemy_uri"] == f"duckdb:///{settings.current}"
    connection = database["extra"]["engine_params"]["connect_args"]
    assert connection["read_only"] is True
    assert connection["config"] == {
        "memory_limit": "400MB", "threads": 3, "enable_external_access": False, "lock_configuration": True,
    }  # fmt: skip
    sql = files["datasets/publication_newest.yaml"]["sql"]
    assert "'Asia/Urumqi'" in sql and "interval '48 hours'" in sql
    assert not any("${" in text for text in filled_in(made).values())


def test_an_old_publication_is_called_stale(settings: Settings, tmp_path: Path) -> None:
    sql = yaml.safe_load(filled_in(settings)["datasets/publication_newest.yaml"])["sql"]
    with duckdb.connect(str(write(tmp_path / "published.duckdb", Shape(days=1, products=1)))) as con:
        assert con.execute(sql).fetchone() == (LAST, PUBLISHED_AT, "已过期，昨夜没有发布")
        now = datetime.now(settings.zone).replace(tzinfo=None)
        for hours, said in ((29, "正常"), (31, "已过期，昨夜没有发布")):
            con.execute("update operations.publications set published_at = ?", [now - timedelta(hours=hours)])
            assert con.execute(sql).fetchall()[0][2] == said


def program(folder: Path, script: str) -> str:
    path = folder / "superset"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_superset_is_given_the_whole_folder(settings: Settings, tmp_path: Path) -> None:
    import_dashboard(settings, program(tmp_path, f'echo "$1 $2" > {tmp_path}/said; cp -r "$3" {tmp_path}/given'))
    assert (tmp_path / "said").read_text() == "import-directory --overwrite\n"
    given = tmp_path / "given"
    assert {str(path.relative_to(given)) for path in given.rglob("*.yaml")} == set(filled_in(settings))
    assert (given / "metadata.yaml").exists()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo first >&2; echo 'no such table: dbs' >&2; exit 1", "no such table: dbs; docs/connect.md says"),
        ("echo 'An error occurred: bad file' >&2; echo bye >&2", "An error occurred: bad file; docs/connect.md says"),
        ("exit 3", "ended without a word; docs/connect.md says"),
    ],
)
def test_a_superset_that_does_not_take_it_is_one_line(
    settings: Settings, tmp_path: Path, script: str, said: str
) -> None:
    with pytest.raises(QuanyuError) as error:
        import_dashboard(settings, program(tmp_path, script))
    assert said in str(error.value) and "\n" not in str(error.value)


def test_what_is_missing_is_named(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(QuanyuError, match=r"/nowhere/superset: no such program; docs/connect\.md says"):
        import_dashboard(settings, "/nowhere/superset")
    with pytest.raises(QuanyuError, match="nothing is published yet"):
        import_dashboard(load_settings(tmp_path / "empty"), "superset")
    with pytest.raises(QuanyuError, match=r"no address with a \? in it"):
        filled_in(load_settings(tmp_path / "what?"))
