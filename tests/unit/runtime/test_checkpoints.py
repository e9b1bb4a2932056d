"""A checkpoint killed at any write leaves a file that the next start can open, with all that was committed."""

import json
import shutil
from pathlib import Path

import duckdb
import pytest
import yaml

from pipelines.config import PROJECT_DIR, Settings, load_settings
from pipelines.errors import QuanyuError
from pipelines.warehouse import checkpoints
from pipelines.warehouse.database import building, connect

TABLES = 40


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = load_settings(tmp_path)
    settings.make_home()
    return settings


def fill(settings: Settings, rows: int) -> None:
    """Tables enough that a later checkpoint rewrites metadata blocks which the header of this one points at."""
    with building(settings) as con:
        for table in range(TABLES):
            con.execute(
                f"create or replace table t{table} as select range as n, range::varchar as s from range({rows})"
            )


def counted(settings: Settings) -> set[int]:
    with building(settings) as con:
        return {con.execute(f"select count(*) from t{table}").fetchall()[0][0] for table in range(TABLES)}


def killed_in_a_checkpoint(settings: Settings, monkeypatch: pytest.MonkeyPatch, *, at: float, header: bool) -> None:
    """The files as a kill leaves them: every rewritten block new up to `at` of it, the header moved or not."""
    file, log, journal = settings.build_db, checkpoints.log_of(settings.build_db), settings.state / "kept"
    fill(settings, 10)
    before: dict[str, bytes] = {}
    write_journal = checkpoints._journal

    def watched(con: duckdb.DuckDBPyConnection, catalog: str, handle: object) -> Path:
        written = write_journal(con, catalog, handle)  # type: ignore[arg-type]
        if catalog == "build":
            before["file"], before["log"] = file.read_bytes(), log.read_bytes()
            shutil.copy(written, journal)
        return written

    with monkeypatch.context() as patched:
        patched.setattr(checkpoints, "_journal", watched)
        fill(settings, 20)
    after = file.read_bytes()
    torn = bytearray(after if header else before["file"].ljust(len(after), b"\0"))
    about = json.loads(journal.read_bytes().split(b"\n", 1)[0])
    size, rewritten = about["block_size"], 0
    for block in about["blocks"]:
        start = checkpoints.BLOCKS + block * size
        if not header and before["file"][start : start + size] != after[start : start + size]:
            rewritten += 1
            torn[start : start + int(size * at)] = after[start : start + int(size * at)]
    assert header or rewritten
    file.write_bytes(torn)
    if not header:
        log.write_bytes(before["log"])
    journal.rename(checkpoints.journal_of(file))


@pytest.mark.parametrize("at", [0.02, 0.5, 0.98])
def test_a_checkpoint_killed_before_its_header_is_undone_and_the_log_still_holds_everything(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, at: float
) -> None:
    killed_in_a_checkpoint(settings, monkeypatch, at=at, header=False)
    assert counted(settings) == {20}
    assert not checkpoints.journal_of(settings.build_db).exists()


def test_without_the_journal_such_a_file_cannot_be_opened(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_in_a_checkpoint(settings, monkeypatch, at=0.5, header=False)
    checkpoints.journal_of(settings.build_db).unlink()
    with pytest.raises(QuanyuError, match=r"Corrupt database file.*empty state/ and bring it back from your backup"):
        counted(settings)


def test_a_checkpoint_killed_after_its_header_stands(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_in_a_checkpoint(settings, monkeypatch, at=1, header=True)
    assert counted(settings) == {20}
    assert not checkpoints.journal_of(settings.build_db).exists()


def test_a_journal_that_was_never_finished_is_no_journal(settings: Settings) -> None:
    fill(settings, 10)
    half = checkpoints.journal_of(settings.build_db)
    half.with_name(f"{half.name}.new").write_bytes(b'{"block_size"')
    fill(settings, 20)
    assert counted(settings) == {20}


def test_no_connection_checkpoints_by_itself(settings: Settings) -> None:
    fill(settings, 10)
    file = settings.build_db.read_bytes()
    con = connect(settings.build_db, settings)
    for _ in range(40):  # more than the 16 MiB at which DuckDB would
        con.execute("insert into t0 select range, repeat('x', 50) from range(10_000)")
    con.close()
    assert checkpoints.log_of(settings.build_db).stat().st_size > 16 << 20
    assert settings.build_db.read_bytes()[: checkpoints.BLOCKS] == file[: checkpoints.BLOCKS]
    [output] = yaml.safe_load((PROJECT_DIR / "profiles.yml").read_text())["quanyu"]["outputs"].values()
    assert output["settings"].items() >= checkpoints.AUTOMATIC.items()


def test_a_body_that_fails_leaves_what_it_committed_in_the_log(settings: Settings) -> None:
    fill(settings, 10)
    with pytest.raises(ZeroDivisionError), building(settings) as con:
        con.execute("create or replace table t0 as select 1 as n from range(20)")
        con.execute("begin")
        con.execute("drop table t1")
        raise ZeroDivisionError
    assert counted(settings) == {10, 20}
    assert not checkpoints.log_of(settings.build_db).exists()


def test_a_file_killed_while_it_was_made_is_made_again(settings: Settings) -> None:
    checkpoints.create(settings.state / "whole.duckdb")
    header = (settings.state / "whole.duckdb").read_bytes()[: checkpoints.PAGE]
    settings.build_db.with_name(f"{settings.build_db.name}.new").write_bytes(header)
    fill(settings, 10)
    assert counted(settings) == {10}


def test_what_is_left_of_a_file_that_somebody_removed_goes_with_it(settings: Settings) -> None:
    fill(settings, 20)
    con = connect(settings.build_db, settings)
    con.execute("create table kept_in_the_log as select 1 as n")
    con.close()
    checkpoints.journal_of(settings.build_db).write_bytes(b"{}")
    settings.build_db.unlink()
    fill(settings, 10)
    assert counted(settings) == {10}
    with building(settings) as con:
        assert ("kept_in_the_log",) not in con.execute("select table_name from duckdb_tables()").fetchall()
    assert not checkpoints.journal_of(settings.build_db).exists()
