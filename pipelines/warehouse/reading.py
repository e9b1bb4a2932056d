"""Reading the published file, and quarantine, for the command line. Never opens what a night is writing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import duckdb

from pipelines.config import Settings
from pipelines.errors import QuanyuError
from pipelines.warehouse.database import connect, first_sentence

# The statements that ask; `describe`, `summarize`, `show` and `from` are selects to the engine.
ASKING = ("SELECT", "EXPLAIN")


@dataclass(frozen=True)
class Table:
    """Column names and rows of an answer."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


@dataclass(frozen=True)
class Published:
    """What `current.duckdb` holds, and the state of the books when it was written."""

    file: str
    business_date: date
    published_at: datetime
    rows: int
    marts: int
    versions: int
    files: dict[str, int] = field(default_factory=dict)
    last_paid_on: date | None = None
    unbalanced_files: int = 0
    quarantined: list[tuple[str, str, int]] = field(default_factory=list)
    # Refused and not loaded since: why, of those that still lie in the landing folder; how many do not any more.
    refused_files: dict[str, str] = field(default_factory=dict)
    refused_files_gone: int = 0
    # Order lines held, and those of them whose buyer is known; None in a file published before this was written.
    order_lines: int | None = None
    order_lines_with_buyer: int | None = None


@contextmanager
def current(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file, read-only. Raises `QuanyuError` where nothing is published yet."""
    if not settings.current.exists():
        raise QuanyuError(f"{settings.current}: nothing is published yet; run `quanyu nightly` first")
    try:
        con = connect(settings.current.resolve(), settings, read_only=True)
    except duckdb.Error as error:
        raise QuanyuError(f"{settings.current}: cannot be opened ({first_sentence(error)})") from error
    try:
        yield con
    finally:
        con.close()


def ask(settings: Settings, sql: str) -> Table:
    """The answer to one query on the published file, with no way out of that file. Raises `QuanyuError` with what the
    engine says, and for anything but exactly one question.
    """
    with current(settings) as con:
        con.execute("set enable_external_access = false")
        con.execute("set lock_configuration = true")
        try:
            statements = con.extract_statements(sql)
            if not statements:
                raise QuanyuError('query: say what to ask, as in "select * from marts.shop_daily"')
            # One `pivot` comes as several statements without a text of their own.
            if len(statements) > 1 and any(statement.query for statement in statements):
                raise QuanyuError(f"query: {len(statements)} statements; ask one at a time")
            if statements[-1].type.name not in ASKING:
                raise QuanyuError(
                    f"query: {statements[-1].type.name.lower().replace('_', ' ')} is no question; "
                    "begin with select, from, with, describe, summarize or explain"
                )
            answer = con.execute(sql)
            return Table([column[0] for column in answer.description or []], answer.fetchall())
        except duckdb.Error as error:
            raise QuanyuError(f"query: {' '.join(str(error).split('LINE 1:')[0].split())}") from error


def published(settings: Settings) -> Published | None:
    """What is published; None before the first publication."""
    if not settings.current.exists():
        return None
    with current(settings) as con:
        latest = con.execute(
            "select business_date, published_at, rows_per_mart from operations.publications "
            "order by published_at desc limit 1"
        ).fetchone()
        if latest is None:
            raise QuanyuError(f"{settings.current}: holds no publication; run `quanyu nightly` to replace it")
        # Read in Python: a bound parameter would make DuckDB import pandas, a second of CPU.
        rows = json.loads(latest[2])
        # An export that feeds two has two rows, and is one file.
        files = con.execute(
            "select status, count(distinct path || chr(10) || sha256) from operations.load_audit "
            "where status <> 'refused' group by 1 order by 1"
        ).fetchall()
        unbalanced = con.execute(
            "select count(*) from operations.load_audit "
            "where rows_read <> rows_loaded + rows_duplicate + rows_quarantined + rows_set_aside"
        ).fetchone()
        quarantined = con.execute(
            "select feed, reason, count(*) from operations.quarantine group by 1, 2 order by 3 desc, 1, 2"
        ).fetchall()
        last_paid = con.execute("select max(business_date) from marts.shop_daily where paid_amount > 0").fetchone()
        # A reason starts with the path.
        refused = {
            path: why.removeprefix(f"{path}: ")
            for path, why in con.execute(
                "select path, arg_max(coalesce(error, ''), loaded_at) filter (where status = 'refused') "
                "from operations.load_audit group by path having max(loaded_at) filter "
                "(where status = 'refused') > coalesce(max(loaded_at) filter (where status <> 'refused'), "
                "timestamp '1970-01-01') order by path"
            ).fetchall()
        }
        # Files published by an earlier version of the program have no such table.
        has_buyers = con.execute("select 1 from duckdb_tables() where table_name = 'feed_presence'").fetchone()
        lines = with_buyer = None
        if has_buyers:
            lines, with_buyer = con.execute(
                "select coalesce(sum(rows_held), 0), coalesce(sum(rows_with_user), 0) from operations.feed_presence "
                "where feed = 'orders'"
            ).fetchone() or (0, 0)
    standing = {path: why for path, why in refused.items() if _lies_there(settings, path)}
    return Published(
        file=settings.current.resolve().name,
        business_date=latest[0],
        published_at=latest[1],
        rows=sum(rows.values()),
        marts=len(rows),
        versions=len(list(settings.published.glob("quanyu-*.duckdb"))),
        files=dict(files) | ({"refused": len(refused)} if refused else {}),
        last_paid_on=last_paid[0] if last_paid else None,
        unbalanced_files=int(unbalanced[0]) if unbalanced else 0,
        quarantined=quarantined,
        refused_files=standing,
        refused_files_gone=len(refused) - len(standing),
        order_lines=None if lines is None else int(lines),
        order_lines_with_buyer=None if with_buyer is None else int(with_buyer),
    )


def _lies_there(settings: Settings, path: str) -> bool:
    """Whether a booked path is still in the landing folder; one that is booked escaped counts as there."""
    return "\\" in path or os.path.lexists(settings.landing / path)
