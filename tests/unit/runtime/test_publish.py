"""The flip: complete or not at all, never in a reader's way, and booked even after a crash in between."""

import subprocess
import sys
import time
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.config import Settings, load_settings
from pipelines.errors import Refused
from pipelines.transform.project import Mart
from pipelines.warehouse import publish as publishing
from pipelines.warehouse.database import Run, building, last_build, write_run
from pipelines.warehouse.schema import ensure_schema

MART = Mart(
    unique_id="model.shop_daily",
    name="shop_daily",
    description="One shop's day.",
    label_zh="店铺日",
    columns={"shop_id": ("The shop.", "店铺"), "marker": ("Which run's.", "")},
)
NOW = datetime(2025, 3, 12, 2, 31)

READER = """
import sys, duckdb
path, stop = sys.argv[1:]
import os
held = duckdb.connect(path, read_only=True)
before = held.execute("select marker from marts.shop_daily").fetchall()
print("ready", flush=True)
seen, torn = set(), 0
while not os.path.exists(stop):
    con = duckdb.connect(os.path.realpath(path), read_only=True)
    marker = con.execute("select min(marker), max(marker), count(*) from marts.shop_daily").fetchone()
    booked = con.execute("select max_by(run_id, published_at) from operations.publications").fetchone()[0]
    con.close()
    torn += marker != (booked, booked, 1000)
    seen.add(booked)
same = held.execute("select marker from marts.shop_daily").fetchall() == before
print(len(seen), torn, same, flush=True)
"""


def run_named(run_id: str, day: date = date(2025, 3, 11)) -> Run:
    return Run(run_id, day, None, 0, 5, datetime(2025, 3, 12, 2, 30), "r1", "c1", True)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load_settings(tmp_path)
    made.make_home()
    with building(made) as con:
        ensure_schema(con)
    return made


def serve(settings: Settings, run_id: str) -> None:
    """What a build leaves behind: the mart, 1000 rows that all name the run."""
    with building(settings) as con:
        con.execute("create schema if not exists serving.marts")
        con.execute(
            "create or replace table serving.marts.shop_daily as "
            f"select 's' as shop_id, '{run_id}' as marker from range(1000)"
        )
        write_run(con, run_named(run_id))


def published(settings: Settings, run_id: str, now: datetime = NOW) -> publishing.Publication:
    serve(settings, run_id)
    return publishing.publish(settings, run_named(run_id), [MART], {MART.unique_id}, now)


def asked(path: Path, sql: str) -> list[tuple[object, ...]]:
    con = duckdb.connect(str(path), read_only=True)
    try:
        return con.execute(sql).fetchall()
    finally:
        con.close()


def test_what_is_published_says_what_it_is(settings: Settings) -> None:
    published(settings, "run-one-of-it")
    assert settings.current.is_symlink()
    assert not settings.current.readlink().is_absolute()
    assert asked(settings.current, "select * exclude (code_version) from operations.publications") == [
        (
            "run-one-of-it",
            date(2025, 3, 11),
            NOW,
            settings.current.resolve().name,
            '{"shop_daily": 1000}',
            "r1",
            60.0,
        )
    ]
    assert asked(
        settings.current,
        "select column_name, comment from duckdb_columns() where table_name = 'shop_daily' order by column_index",
    ) == [("shop_id", "店铺 — The shop."), ("marker", "Which run's.")]
    assert asked(settings.current, "select comment from duckdb_tables() where table_name = 'shop_daily'") == [
        ("店铺日 — One shop's day.",)
    ]
    tables = asked(
        settings.current, "select table_name from duckdb_tables() where schema_name = 'operations' order by 1"
    )
    assert {"load_audit", "quarantine", "expectation_results", "publications"} <= {name for (name,) in tables}
    assert sorted(path.name for path in settings.published.iterdir()) == sorted(
        ["current.duckdb", settings.current.resolve().name]
    )


def test_the_next_run_starts_from_what_was_published(settings: Settings) -> None:
    published(settings, "run-one-of-it")
    with building(settings) as con:
        build = last_build(con)
    assert build is not None
    assert (build.run_id, build.business_date, build.built_seq) == ("run-one-of-it", date(2025, 3, 11), 5)


def test_the_history_of_publications_goes_along(settings: Settings) -> None:
    published(settings, "first---")
    published(settings, "second--", NOW.replace(minute=32))
    assert asked(settings.current, "select run_id from operations.publications order by published_at") == [
        ("first---",),
        ("second--",),
    ]


@pytest.mark.parametrize(
    ("built", "sql", "says"),
    [
        (set(), "", "was not built in this run"),
        ({MART.unique_id}, "drop table serving.marts.shop_daily", "does not exist"),
        ({MART.unique_id}, "alter table serving.marts.shop_daily drop column marker", "lacks marker"),
    ],
)
def test_an_incomplete_build_is_not_published(settings: Settings, built: set[str], sql: str, says: str) -> None:
    published(settings, "good----")
    serve(settings, "bad-----")
    with building(settings) as con:
        con.execute(sql or "select 1")
    with pytest.raises(Refused, match=says):
        publishing.publish(settings, run_named("bad-----"), [MART], built, NOW)
    assert asked(settings.current, "select distinct marker from marts.shop_daily") == [("good----",)]
    with building(settings) as con:
        build = last_build(con)
    assert build is not None and build.run_id == "good----"


def test_a_table_that_is_no_mart_any_more_is_not_published(settings: Settings) -> None:
    serve(settings, "run-----")
    with building(settings) as con:
        con.execute("create table serving.marts.forgotten as select 1 as x")
    publishing.publish(settings, run_named("run-----"), [MART], {MART.unique_id}, NOW)
    assert asked(settings.current, "select table_name from duckdb_tables() where schema_name = 'marts'") == [
        ("shop_daily",)
    ]


def test_the_last_versions_are_kept_and_the_current_one_in_any_case(settings: Settings) -> None:
    few = settings.model_copy(update={"versions_kept": 2})
    for number in range(4):
        published(few, f"run-{number}---", NOW.replace(second=number))
    assert sorted(path.name for path in few.published.glob("quanyu-*")) == [
        "quanyu-20250311-run-2---.duckdb",
        "quanyu-20250311-run-3---.duckdb",
    ]
    publishing.flip(few.current, few.published / "quanyu-20250311-run-2---.duckdb")
    publishing.prune(few.model_copy(update={"versions_kept": 1}))
    assert few.current.exists()


class Killed(Exception):
    """Stands for the end of the process."""


def die(*_: object) -> None:
    raise Killed


def test_killed_before_the_flip_nothing_has_happened(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    published(settings, "good----")
    with monkeypatch.context() as patched:
        patched.setattr(publishing, "flip", die)
        with pytest.raises(Killed):
            published(settings, "killed--", NOW.replace(minute=40))
    assert publishing.reconcile(settings, run_named("killed--"), {"good----"}) is None
    assert asked(settings.current, "select distinct marker from marts.shop_daily") == [("good----",)]
    assert [path.name for path in settings.published.glob("quanyu-*")] == [settings.current.resolve().name]


def test_killed_half_way_through_the_copy_leaves_nothing_behind(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(publishing, "comment", die)
        with pytest.raises(Killed):
            published(settings, "killed--")
    assert publishing.reconcile(settings, run_named("killed--"), set()) is None
    assert list(settings.published.iterdir()) == []


def test_killed_after_the_flip_the_publication_is_booked_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(publishing, "book", die)
        with pytest.raises(Killed):
            published(settings, "killed--")
    found = publishing.reconcile(settings, run_named("killed--"), set())
    assert found is not None and found.rows_per_mart == {"shop_daily": 1000}
    assert publishing.reconcile(settings, run_named("killed--"), {"killed--"}) is None
    with building(settings) as con:
        assert con.execute("select run_id, built_seq from control.builds").fetchall() == [("killed--", 5)]
        assert con.execute("select run_id, published_at from control.publications").fetchall() == [("killed--", NOW)]


def test_a_reader_never_waits_and_never_sees_half_a_publication(settings: Settings, tmp_path: Path) -> None:
    published(settings, "run-0---")
    stop = tmp_path / "stop"
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(settings.current), str(stop)], stdout=subprocess.PIPE, text=True
    )
    assert reader.stdout is not None and reader.stdout.readline() == "ready\n"
    for number in range(1, 9):
        published(settings, f"run-{number}---", NOW.replace(second=number))
        time.sleep(0.05)
    stop.touch()
    said, _ = reader.communicate(timeout=60)
    versions, torn, held_is_unchanged = said.split()
    assert (torn, held_is_unchanged, reader.returncode) == ("0", "True", 0)
    assert int(versions) > 1
