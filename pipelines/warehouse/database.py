"""Opening the two files of `state/`, and the rows of `control` that say what a run knows and has done.

Only whoever holds the night lock may call anything here.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from pipelines.config import Settings
from pipelines.errors import QuanyuError
from pipelines.warehouse import checkpoints

# No room on the disk, in the quota of a user, or in what one file may take.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

# (shop, feed, whether any of its rows names a user)
Presence = frozenset[tuple[str, str, bool]]


@dataclass(frozen=True)
class Build:
    """The last build that was published: what the next one starts from."""

    run_id: str
    business_date: date
    built_seq: int
    rule_version: str
    code_version: str
    presence: Presence = frozenset()


@dataclass(frozen=True)
class Run:
    """The row of `control.run`. `previous_date` None and `built_seq` 0 where nothing was built before."""

    run_id: str
    business_date: date
    previous_date: date | None
    built_seq: int
    current_seq: int
    started_at: datetime
    rule_version: str
    code_version: str
    is_full_refresh: bool


def connect(path: Path, settings: Settings, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection within the memory and threads of the deployment, that never checkpoints by itself.

    The caller closes it: with `checkpoints.close` where what it wrote shall be in the file and not beside it.
    """
    con = duckdb.connect(
        str(path),
        read_only=read_only,
        config={
            "memory_limit": settings.memory_limit,
            "threads": settings.threads,
            "temp_directory": str(settings.spill),
            "preserve_insertion_order": False,
            **checkpoints.AUTOMATIC,
        },
    )
    checkpoints.leave_log(con)
    con.execute("set enable_progress_bar = false")
    return con


def discard_spills(settings: Settings) -> None:
    """Remove what a killed run spilled or unpacked: it may hold raw user ids, and nobody reads it again."""
    from pipelines.landing.loading import SCRATCH

    for folder in (settings.spill, settings.state / SCRATCH):
        shutil.rmtree(folder, ignore_errors=True)
    settings.spill.mkdir(parents=True, exist_ok=True)


@contextmanager
def building(settings: Settings, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """The build database with `serving` attached; what was written is checkpointed at the end, unless the body failed.

    Raises `QuanyuError` where another process holds the file, or it is damaged.
    """
    for path in (settings.build_db, settings.serving_db):
        checkpoints.mend(path)
        if not read_only:
            checkpoints.create(path)
    try:
        con = connect(settings.build_db, settings, read_only=read_only)
    except duckdb.IOException as error:
        if "Corrupt" in str(error):
            hint = "empty state/ and bring it back from your backup, or run in a new home with all files in landing/"
        else:
            hint = "close whatever else has it open, readers belong on published/current.duckdb"
        raise QuanyuError(f"{settings.build_db}: cannot be opened ({first_sentence(error)}); {hint}") from error
    try:
        if not read_only or settings.serving_db.exists():
            mode = " (read_only)" if read_only else ""
            con.execute(f"attach '{sql_text(settings.serving_db)}' as serving{mode}")
        yield con
        checkpoints.close(con)
    finally:
        con.close()


def last_build(con: duckdb.DuckDBPyConnection) -> Build | None:
    """The last row of `control.builds`, None before the first publication."""
    row = con.execute(
        "select run_id, business_date, built_seq, rule_version, code_version, presence from control.builds "
        "order by built_at desc, rowid desc limit 1"
    ).fetchone()
    if row is None:
        return None
    run_id, business_date, built_seq, rules, code, delivered = row
    had = frozenset((shop, feed, users) for shop, feed, users in json.loads(delivered or "[]"))
    return Build(run_id, business_date, built_seq, rules, code, had)


def presence(con: duckdb.DuckDBPyConnection) -> Presence:
    """Which feeds each shop has ever delivered."""
    rows = con.execute(
        "select shop_id, feed, rows_with_user > 0 from control.feed_presence where rows_held > 0"
    ).fetchall()
    return frozenset((shop, feed, users) for shop, feed, users in rows)


def gained(before: Presence, now: Presence) -> bool:
    """Whether a shop that was there before has a feed, or named users in one, that it had not. Such a shop's past
    rows change although no fact of theirs did: presence is not dated (R3, R13b).
    """
    shops = {shop for shop, _, _ in before}
    return any(shop in shops and (shop, feed, users) not in before for shop, feed, users in now)


def last_run(con: duckdb.DuckDBPyConnection) -> Run | None:
    """The run that was last begun, published or not."""
    row = con.execute(
        "select run_id, business_date, previous_date, built_seq, current_seq, started_at, rule_version, code_version, "
        "is_full_refresh from control.run"
    ).fetchone()
    return Run(*row) if row else None


def highest_seq(con: duckdb.DuckDBPyConnection) -> int:
    """Number of the last file loaded, 0 for none."""
    row = con.execute("select coalesce(max(load_seq), 0) from control.load_audit").fetchone()
    return int(row[0]) if row else 0


def plan_run(
    *,
    run_id: str,
    wanted: date,
    started_at: datetime,
    current_seq: int,
    built: Build | None,
    tried: Run | None,
    rule_version: str,
    code_version: str,
    present: Presence = frozenset(),
    rules_start: Collection[date] = (),
    rebuild: bool = False,
    since: date | None = None,
) -> Run:
    """What this run has to do. Pure.

    A run for a day before the newest one built republishes up to that day (R111). Everything is computed again when
    asked for, at the first build, when rules or code changed or a dated rule starts to hold (`rules_start`: every
    `valid_from`), when a shop gained a feed, when days long built come again together with new deliveries (what a fact
    said before would be asked of another day than the last build's), and when the last run was never published and left
    tables that this one could not tell from its own: of other rules or code, of a full refresh, of a later day, of
    deliveries that newer ones have replaced since.
    """
    business_date = max(wanted, built.business_date) if built else wanted
    versions = (rule_version, code_version)
    full = (
        rebuild
        or built is None
        or (built.rule_version, built.code_version) != versions
        or any(built.business_date < start <= business_date for start in rules_start)
        or gained(built.presence, present)
        or (since is not None and since <= built.business_date and current_seq != built.built_seq)
        or (
            tried is not None
            and tried.run_id != built.run_id
            and (
                tried.is_full_refresh
                or (tried.rule_version, tried.code_version) != versions
                or tried.business_date > business_date
                or tried.current_seq != current_seq
            )
        )
    )
    previous = built.business_date if built and not full else None
    if previous and since:
        previous = min(previous, date.fromordinal(since.toordinal() - 1))
    return Run(
        run_id=run_id,
        business_date=business_date,
        previous_date=previous,
        built_seq=built.built_seq if built and not full else 0,
        current_seq=current_seq,
        started_at=started_at,
        rule_version=rule_version,
        code_version=code_version,
        is_full_refresh=full,
    )


def write_run(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Replace the one row of `control.run`."""
    con.execute("begin")
    con.execute("delete from control.run")
    con.execute(
        "insert into control.run (run_id, business_date, previous_date, built_seq, current_seq, started_at, "
        "rule_version, code_version, is_full_refresh) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            run.run_id, run.business_date, run.previous_date, run.built_seq, run.current_seq, run.started_at,
            run.rule_version, run.code_version, run.is_full_refresh,
        ],
    )  # fmt: skip
    con.execute("commit")


def sql_text(value: object) -> str:
    """The inside of a single-quoted SQL string."""
    return str(value).replace("'", "''")


def first_sentence(error: BaseException) -> str:
    """The first line of an engine's message; of an engine that gave up, what it gave up for."""
    said = str(error).strip()
    _, _, original = said.partition("Original error:")
    return (original.strip(' "\n') or said or type(error).__name__).splitlines()[0]


def is_out_of_space(error: BaseException) -> bool:
    """Whether a disk, or what a user may write to it, is full."""
    if isinstance(error, OSError):
        return error.errno in _FULL
    return isinstance(error, duckdb.Error) and any(os.strerror(code) in str(error) for code in _FULL)
