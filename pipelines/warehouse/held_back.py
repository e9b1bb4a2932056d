"""The rows in quarantine, for a person: list them, look at one, let go of what was dealt with.

Works on the build database, so the caller must hold the night lock: what a refused night held back is not published.
"""

from __future__ import annotations

import difflib

import duckdb

from pipelines.config import Settings
from pipelines.errors import QuanyuError
from pipelines.landing.declarations import load_feeds
from pipelines.landing.discovery import UNPLACED
from pipelines.landing.grammar import REASONS
from pipelines.warehouse.database import building
from pipelines.warehouse.reading import Table

FILTERS = ("feed", "path", "reason", "line")


def listed(settings: Settings, wanted: dict[str, object], limit: int) -> Table:
    """The newest rows held back that match `wanted` (feed, path, reason, line), without their content."""
    return _select(settings, "feed, path, line, column_name, reason", wanted, limit)


def grouped(settings: Settings, wanted: dict[str, object], limit: int) -> Table:
    """How many rows of each file are held back for which reason, and where the first of them stands."""
    return _select(
        settings, "feed, path, column_name, reason, count(*) as rows, min(line) as first_line", wanted, limit,
        "group by feed, path, column_name, reason order by rows desc, path, first_line",
    )  # fmt: skip


def shown(settings: Settings, wanted: dict[str, object], limit: int) -> Table:
    """The same rows with their content; user ids in it are hashed."""
    return _select(settings, "feed, path, line, column_name, reason, raw_row", wanted, limit)


def release(settings: Settings, wanted: dict[str, object], now: object) -> int:
    """Let go of the rows that match; returns how many. The rows are not loaded: drop a corrected file for that."""
    where, values = _where(wanted)
    _must_exist(settings)
    with building(settings) as con:
        _must_be_known(con, wanted)
        done = con.execute(
            f"update control.quarantine set released_at = ? where released_at is null{where} returning 1",
            [now, *values],
        ).fetchall()
    return len(done)


def _select(
    settings: Settings,
    columns: str,
    wanted: dict[str, object],
    limit: int,
    order: str = "order by load_seq desc nulls last, path, line",
) -> Table:
    where, values = _where(wanted)
    _must_exist(settings)
    with building(settings, read_only=True) as con:
        _must_be_known(con, wanted)
        answer = con.execute(
            f"select {columns} from control.quarantine where released_at is null{where} {order} limit ?",
            [*values, limit],
        )
        return Table([column[0] for column in answer.description], answer.fetchall())


def _where(wanted: dict[str, object]) -> tuple[str, list[object]]:
    given = {name: value for name, value in wanted.items() if value is not None}
    if unknown := given.keys() - set(FILTERS):
        raise QuanyuError(f"quarantine: cannot choose by {', '.join(sorted(unknown))}; known are {', '.join(FILTERS)}")
    return "".join(f" and {name} = ?" for name in given), list(given.values())


def _must_be_known(con: duckdb.DuckDBPyConnection, wanted: dict[str, object]) -> None:
    """Raise `QuanyuError` for a feed, reason or file that there is not: no rows of it would look like good news."""
    known = {
        "feed": [*load_feeds(), UNPLACED],
        "reason": sorted({*REASONS, *_column(con, "select distinct reason from control.quarantine")}),
        "path": _column(con, "select distinct path from control.load_audit order by path"),
    }
    for name, values in known.items():
        given = wanted.get(name)
        if given is None or given in values:
            continue
        near = difflib.get_close_matches(str(given), values, n=1)
        if name == "path":
            hint = f"did you mean {near[0]}?" if near else "name it as `quanyu quarantine list` prints it"
            raise QuanyuError(f"quarantine: --path {given}: no file was delivered under this name; {hint}")
        hint = f"did you mean {near[0]}? " if near else ""
        raise QuanyuError(f"quarantine: --{name} {given}: there is no such {name}; {hint}known are {', '.join(values)}")


def _column(con: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return [text for (text,) in con.execute(query).fetchall()]


def _must_exist(settings: Settings) -> None:
    if not settings.build_db.exists():
        raise QuanyuError(f"{settings.build_db}: nothing was loaded yet; run `quanyu nightly` first")
