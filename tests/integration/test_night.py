"""Real nights over a small simulated shop: repeated, refused, broken, at once, behind and ahead of what is built."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.config import PROJECT_DIR, load_settings
from pipelines.orchestration import journal
from pipelines.orchestration.night import Request
from pipelines.orchestration.runner import Runner, backfill_requests
from pipelines.simulate import deliveries, simulate
from tests.oracle.compare import except_both_ways
from tests.oracle.nights import published, shared_home

FIRST, DAYS = date(2025, 3, 1), 40
LAST = FIRST + timedelta(days=DAYS - 1)
PROJECT_PARTS = ("models", "macros", "seeds", "expectations", "tests/dbt")


def asked(path: Path, sql: str) -> list[tuple[object, ...]]:
    con = duckdb.connect(str(path), read_only=True)
    try:
        return con.execute(sql).fetchall()
    finally:
        con.close()


def nights(home: Path, *requests: Request) -> list[journal.Entry]:
    return list(Runner(load_settings(home)).run(requests))


def quanyu(home: Path, *arguments: str, project: Path = PROJECT_DIR) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *arguments, "--home", str(home)],
        env=os.environ | {"QUANYU_PROJECT": str(project)},
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
    )


def make(home: Path) -> None:
    """A home whose last night was three days before the last delivery, which lies ready beside its landing folder."""
    simulate(home / "shop", days=DAYS, users=120, seed=5, start=FIRST, daily_tail=3)
    (home / "landing").mkdir()
    for day, files in deliveries(home / "shop"):
        for file in files:
            folder = home / ("later" if day > LAST - timedelta(days=3) else "landing") / file.parent.name
            folder.mkdir(parents=True, exist_ok=True)
            shutil.move(file, folder / file.name)
    [entry] = nights(home, Request(on=LAST - timedelta(days=3)))
    assert entry.outcome == "published", entry


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    return shared_home(tmp_path_factory, worker_id, "night-home", make)


@pytest.fixture
def home(built: Path, tmp_path: Path) -> Path:
    """A copy to spoil, with the last three days delivered."""
    copy = tmp_path / "home"
    shutil.copytree(built, copy, symlinks=True)
    for folder in (copy / "later").iterdir():
        shutil.copytree(folder, copy / "landing" / folder.name, dirs_exist_ok=True)
    return copy


@pytest.fixture(scope="module")
def expected(built: Path, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The same shop after one undisturbed night over everything."""

    def at_once(home: Path) -> None:
        for part in ("landing", "later"):
            shutil.copytree(built / part, home / "landing", dirs_exist_ok=True)
        shutil.copytree(built / "state", home / "state", ignore=lambda _, names: set(names) - {"hash.key"})
        [entry] = nights(home, Request(on=LAST))
        assert entry.outcome == "published", entry

    return published(shared_home(tmp_path_factory, worker_id, "night-expected", at_once))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A copy of the dbt project to break."""
    copy = tmp_path / "project"
    for part in PROJECT_PARTS:
        shutil.copytree(PROJECT_DIR / part, copy / part)
    for file in ("dbt_project.yml", "profiles.yml", "dagster.yaml"):
        shutil.copy(PROJECT_DIR / file, copy / file)
    yield copy


def test_a_night_repeated_publishes_the_same_rows(home: Path, expected: Path) -> None:
    assert [entry.outcome for entry in nights(home, Request(on=LAST), Request(on=LAST))] == ["published"] * 2
    assert except_both_ways(expected, published(home)) == []
    assert nights(home, Request(on=LAST))[0].files == {}


def test_days_missed_and_an_older_day_lose_nothing(home: Path, expected: Path) -> None:
    nights(home, Request(on=LAST))
    [entry] = nights(home, Request(on=FIRST))
    assert (entry.outcome, entry.business_date) == ("published", LAST.isoformat())
    assert except_both_ways(expected, published(home)) == []


def test_backfill_and_rebuild_equal_the_one_night(home: Path, expected: Path) -> None:
    entries = nights(home, *backfill_requests(LAST - timedelta(days=4), LAST, LAST - timedelta(days=3)))
    assert [entry.business_date for entry in entries] == [(LAST - timedelta(days=n)).isoformat() for n in (3, 2, 1, 0)]
    assert except_both_ways(expected, published(home)) == []
    for request in (
        Request(on=LAST, load=False, since=LAST - timedelta(days=9)),
        Request(on=LAST, load=False, rebuild=True),
    ):
        assert nights(home, request)[0].outcome == "published"
        assert except_both_ways(expected, published(home)) == []


def test_a_failing_dbt_test_refuses_the_night_and_shows_the_rows(home: Path, project: Path) -> None:
    before = published(home)
    told = home / "told"
    (home / "quanyu.toml").write_text(f"notify_command = 'echo \"$QUANYU_OUTCOME\" >> {told}'\n", encoding="utf-8")
    (project / "tests" / "dbt" / "never_holds.sql").write_text(
        "select shop_id, paid_amount from {{ ref('shop_daily') }} where business_date = date '2025-03-02'"
    )
    done = quanyu(home, "nightly", "--on", LAST.isoformat(), project=project)
    assert done.returncode == 2, done.stderr
    assert "never_holds: 1 rows\n  shop_id=" in done.stderr
    assert "quanyu: refused: build: refused by never_holds\n" in done.stderr
    assert f"the last good publication stands: {before.name}" in done.stderr
    assert published(home) == before

    status = quanyu(home, "status")
    assert status.returncode == 2 and "the last night was refused: build: refused by never_holds" in status.stderr
    page = home / "reports" / "latest.en.html"
    warning = f"The last night (<b><bdi>{LAST}</bdi></b>) was refused by a check"
    assert warning in page.read_text(encoding="utf-8")

    # The rows of the killed run's own rules are gone once the project is whole again.
    done = quanyu(home, "nightly", "--on", LAST.isoformat())
    assert done.returncode == 0, done.stderr
    assert published(home) != before
    assert told.read_text(encoding="utf-8").split() == ["refused", "published"]
    assert warning not in page.read_text(encoding="utf-8")


def test_a_failing_gate_refuses_the_night_and_nothing_after_it_runs(home: Path, project: Path) -> None:
    before = published(home)
    suite = project / "expectations" / "raw" / "raw_orders.json"
    written = json.loads(suite.read_text(encoding="utf-8"))
    written["expectations"].append(
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": "quantity", "max_value": 0},
            "meta": {"name": "nobody_buys", "says": "Nobody buys anything."},
        }
    )
    suite.write_text(json.dumps(written), encoding="utf-8")
    done = quanyu(home, "nightly", "--on", LAST.isoformat(), project=project)
    assert done.returncode == 2, done.stderr
    assert "raw.raw_orders: nobody_buys" in done.stderr and " line " in done.stderr
    assert published(home) == before
    night = list(journal.read(load_settings(home)))[-1]
    assert [phase.name for phase in night.phases] == ["start", "prepare", "load", "raw gate"]
    assert "nobody_buys" in night.evidence


def test_broken_sql_breaks_the_night_in_one_line(home: Path, project: Path) -> None:
    before = published(home)
    model = next(project.rglob("stg_orders.sql"))
    model.write_text(model.read_text(encoding="utf-8").replace("from ", "from nowhere_", 1), encoding="utf-8")
    done = quanyu(home, "nightly", "--on", LAST.isoformat(), project=project)
    assert (done.returncode, done.stderr.count("\n"), "Traceback" in done.stderr) == (1, 1, False), done.stderr
    assert done.stderr.startswith("quanyu: ")
    assert published(home) == before


def test_a_first_night_that_is_refused_publishes_nothing(tmp_path: Path, built: Path, project: Path) -> None:
    shutil.copytree(built / "landing", tmp_path / "new" / "landing")
    (project / "tests" / "dbt" / "never_holds.sql").write_text("select shop_id from {{ ref('shop_daily') }}")
    done = quanyu(tmp_path / "new", "nightly", "--on", LAST.isoformat(), project=project)
    assert done.returncode == 2, done.stderr
    assert not (tmp_path / "new" / "published" / "current.duckdb").exists()


def test_two_nights_started_at_once_take_turns(home: Path, expected: Path) -> None:
    command = [sys.executable, "-m", "pipelines.cli", "nightly", "--on", LAST.isoformat(), "--home", str(home)]
    both = [
        subprocess.Popen(command, cwd=PROJECT_DIR, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("waiting for it to finish" in errors for _, errors in said) == 1
    assert except_both_ways(expected, published(home)) == []
    runs = asked(published(home), "select count(*), count(distinct run_id) from operations.publications")
    assert runs == [(3, 3)]


def test_no_raw_user_id_leaves_the_landing_folder(home: Path) -> None:
    nights(home, Request(on=LAST))
    con = duckdb.connect()
    rows = con.execute(
        f"select user_id from read_csv('{home}/landing/orders/*.csv', all_varchar = true) where user_id is not null "
        f"union select user_id from read_parquet('{home}/landing/traffic_events/*.parquet') where user_id is not null"
    ).fetchall()
    con.close()
    known = {user for (user,) in rows}
    assert len(known) > 10
    for path in (home / "state" / "build.duckdb", home / "state" / "serving.duckdb", published(home)):
        texts = asked(
            path,
            "select schema_name, table_name, column_name from duckdb_columns() "
            "where not internal and data_type = 'VARCHAR'",
        )
        for schema, table, column in texts:
            found = asked(path, f'select distinct "{column}" from {schema}.{table} where "{column}" is not null')
            assert not known & {value for (value,) in found}, (path.name, table, column)
    for folder in ("logs", "reports", "state"):
        for file in (home / folder).rglob("*"):
            if file.is_file() and file.suffix not in (".duckdb", ".msgpack"):
                content = file.read_bytes()
                assert not [user for user in known if user.encode() in content], file


def test_a_day_that_has_not_come_is_refused(tmp_path: Path) -> None:
    """A night for a future day would pin every later one to it (R111)."""
    ahead = date.today() + timedelta(days=3)
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "--home", str(tmp_path), "nightly", "--on", ahead.isoformat()],
        cwd=PROJECT_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"--on {ahead}: lies in the future" in done.stderr
    assert not (tmp_path / "published" / "current.duckdb").exists()
