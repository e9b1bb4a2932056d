"""From `state/serving.duckdb` to `published/current.duckdb`: a complete versioned copy, then one rename.

Readers open `current.duckdb`, a symlink. A reader that holds a version keeps it; the next one it opens is the new one.
Killed before the flip nothing has happened; killed after it `reconcile` books the publication at the next start.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from pipelines.config import Settings
from pipelines.errors import Refused
from pipelines.transform.project import MART_SCHEMA, Mart
from pipelines.warehouse import checkpoints
from pipelines.warehouse.checkpoints import sync
from pipelines.warehouse.database import Run, building, connect, presence, sql_text

PARTIAL = ".partial-"

# Columns of `operations` as the contract lists them first, then what helps to find the row.
OPERATIONS = {
    "load_audit": """
        select
            sha256, feed, path, rows_read, rows_loaded, rows_duplicate, rows_quarantined, rows_set_aside, values_nulled,
            values_rounded, encoding, loaded_at, status, error, lines_counted, run_id, load_seq, layout
        from control.load_audit
        order by loaded_at, load_seq nulls last, path
    """,
    # What is still held back; a released row is history.
    "quarantine": """
        select feed, sha256, line, column_name, reason, raw_row, path, load_seq
        from control.quarantine
        where released_at is null
        order by feed, path, line
    """,
    "quarantine_released": """
        select feed, sha256, line, column_name, reason, raw_row, path, load_seq, released_at
        from control.quarantine
        where released_at is not null
        order by feed, path, line
    """,
    # How many rows of each feed are held; of orders, how many of them name their buyer, by themselves or by the map.
    "feed_presence": """
        select feed, shop_id, rows_held, rows_with_user
        from control.feed_presence
        order by feed, shop_id
    """,
    "expectation_results": """
        select run_id, suite, expectation, table_name, success, observed, failing_rows, checked_at
        from control.expectation_results
        order by checked_at, suite, expectation
    """,
    "segments": """
        select segment, label_zh, label_en, description
        from control.segments
        order by segment
    """,
    "publications": """
        select
            run_id, business_date, published_at, version_path, rows_per_mart, rule_version, code_version,
            duration_seconds
        from control.publications
        order by published_at
    """,
}


@dataclass(frozen=True)
class Publication:
    """One version that readers can open. `rows_per_mart` maps each mart to its row count."""

    run_id: str
    business_date: date
    published_at: datetime
    version_path: Path
    rows_per_mart: dict[str, int]
    rule_version: str
    code_version: str
    duration_seconds: float


def publish(settings: Settings, run: Run, marts: Sequence[Mart], built: Collection[str], now: datetime) -> Publication:
    """Publish what this run built. `built` holds the unique ids of the models that ran in it.

    Raises `Refused` where a mart is missing, did not run in this run or lacks a column of its contract.
    """
    name = f"quanyu-{run.business_date:%Y%m%d}-{run.run_id[:8]}.duckdb"
    partial = settings.published / f"{PARTIAL}{name}"
    target = settings.published / name
    discard_partials(settings.published)
    checkpoints.close(connect(settings.serving_db, settings))
    shutil.copyfile(settings.serving_db, partial)
    con = connect(partial, settings)
    try:
        rows = check_complete(con, marts, built)
        publication = Publication(
            run_id=run.run_id,
            business_date=run.business_date,
            published_at=now,
            version_path=target,
            rows_per_mart=rows,
            rule_version=run.rule_version,
            code_version=run.code_version,
            duration_seconds=round((now - run.started_at).total_seconds(), 3),
        )
        con.execute(f"attach '{sql_text(settings.build_db)}' as build (read_only)")
        con.execute("begin")
        con.execute("create schema if not exists operations")
        for table, query in OPERATIONS.items():
            source = query.replace("from control.", "from build.control.")
            con.execute(f"create or replace table operations.{table} as {source}")
        insert_publication(con, "operations.publications", publication)
        comment(con, marts)
        con.execute("commit")
        con.execute("detach build")
        con.execute("checkpoint")
    finally:
        con.close()
    sync(partial)
    partial.replace(target)
    sync(settings.published)
    flip(settings.current, target)
    book(settings, run, publication)
    prune(settings)
    return publication


def check_complete(con: duckdb.DuckDBPyConnection, marts: Sequence[Mart], built: Collection[str]) -> dict[str, int]:
    """Rows per mart. Tables that are no mart any more are dropped from the copy. Raises `Refused`."""
    found: dict[str, set[str]] = {}
    for table, column in con.execute(
        "select table_name, column_name from information_schema.columns where table_schema = ? and table_catalog = "
        "current_database()",
        [MART_SCHEMA],
    ).fetchall():
        found.setdefault(table, set()).add(column)
    problems = []
    for mart in marts:
        if mart.unique_id not in built:
            problems.append(f"{mart.name} was not built in this run")
        elif mart.name not in found:
            problems.append(f"{mart.name} does not exist")
        elif lacking := sorted(set(mart.columns) - found[mart.name]):
            problems.append(f"{mart.name} lacks {', '.join(lacking)}")
    if not marts:
        problems.append("the project declares no mart")
    if problems:
        raise Refused(f"publication: not complete: {'; '.join(problems)}", "\n".join(problems))
    for table in sorted(found.keys() - {mart.name for mart in marts}):
        con.execute(f'drop table {MART_SCHEMA}."{table}"')
    counts = {}
    for mart in sorted(marts, key=lambda mart: mart.name):
        row = con.execute(f'select count(*) from {MART_SCHEMA}."{mart.name}"').fetchone()
        counts[mart.name] = int(row[0]) if row else 0
    return counts


def comment(con: duckdb.DuckDBPyConnection, marts: Sequence[Mart]) -> None:
    """Store label and description where every SQL tool shows them."""
    for mart in marts:
        table = f'{MART_SCHEMA}."{mart.name}"'
        if text := labelled(mart.label_zh, mart.description):
            con.execute(f"comment on table {table} is '{sql_text(text)}'")
        for column, (description, label_zh) in mart.columns.items():
            if text := labelled(label_zh, description):
                con.execute(f"comment on column {table}.\"{column}\" is '{sql_text(text)}'")


def labelled(label_zh: str, description: str) -> str:
    """`<label> — <description>`, either alone where the other is empty."""
    return " — ".join(part for part in (label_zh.strip(), " ".join(description.split())) if part)


def insert_publication(con: duckdb.DuckDBPyConnection, table: str, publication: Publication) -> None:
    """One row of `publications`, in the build database or in the copy."""
    con.execute(
        f"insert into {table} (run_id, business_date, published_at, version_path, rows_per_mart, rule_version, "
        "code_version, duration_seconds) values (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            publication.run_id, publication.business_date, publication.published_at, publication.version_path.name,
            json.dumps(publication.rows_per_mart), publication.rule_version, publication.code_version,
            publication.duration_seconds,
        ],
    )  # fmt: skip


def flip(link: Path, target: Path) -> None:
    """Point `link` at `target` in one step that survives a power cut."""
    fresh = link.with_name(f".{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target.name)
    fresh.replace(link)
    sync(link.parent)


def book(settings: Settings, run: Run, publication: Publication) -> None:
    """Write down in the build database that this run is published: the next one starts from here."""
    with building(settings) as con:
        con.execute("begin")
        insert_publication(con, "control.publications", publication)
        con.execute(
            "insert into control.builds (run_id, business_date, built_seq, rule_version, code_version, built_at, "
            "presence) values (?, ?, ?, ?, ?, ?, ?)",
            [
                run.run_id, run.business_date, run.current_seq, run.rule_version, run.code_version,
                publication.published_at, json.dumps(sorted(presence(con)), ensure_ascii=False),
            ],
        )  # fmt: skip
        con.execute("commit")


def reconcile(settings: Settings, run: Run | None, booked: Collection[str]) -> Publication | None:
    """Book the publication of a run that was killed between the flip and its bookkeeping; None where nothing is due.

    `run` is the last run begun, `booked` the run ids of `control.publications`.
    """
    discard_partials(settings.published)
    if run is None or run.run_id in booked:
        return None
    current = settings.current.resolve()
    publication = read_publication(current, settings, run.run_id) if current.is_file() else None
    if publication is not None:
        book(settings, run, publication)
        prune(settings)
        return publication
    for unreached in settings.published.glob(f"quanyu-*-{run.run_id[:8]}.duckdb"):
        unreached.unlink()
    return None


def read_publication(version: Path, settings: Settings, run_id: str) -> Publication | None:
    """What a published file says about one run."""
    con = connect(version, settings, read_only=True)
    try:
        row = con.execute(
            "select run_id, business_date, published_at, rows_per_mart, rule_version, code_version, duration_seconds "
            "from operations.publications where run_id = ?",
            [run_id],
        ).fetchone()
    finally:
        con.close()
    if row is None:
        return None
    return Publication(row[0], row[1], row[2], version, json.loads(row[3]), row[4], row[5], row[6])


def prune(settings: Settings) -> None:
    """Keep the newest `versions_kept` files, and in any case the one that `current.duckdb` names."""
    current = settings.current.resolve()
    versions = sorted(
        settings.published.glob("quanyu-*.duckdb"), key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True
    )
    for path in versions[settings.versions_kept :]:
        if path != current:
            path.unlink()


def discard_partials(published: Path) -> None:
    """Remove what a killed run left half copied."""
    for path in published.glob(f"{PARTIAL}*"):
        path.unlink()
