"""Tables of the build database that Python writes: `raw` (from the feed declarations) and `control`.

Idempotent. A column that a newer declaration adds is added to the existing table, empty.
"""

from __future__ import annotations

from collections.abc import Collection

import duckdb

from pipelines.landing.declarations import FeedSpec, load_feeds

CONTROL_TABLES: dict[str, str] = {
    "run": "run_id VARCHAR, business_date DATE, previous_date DATE, built_seq BIGINT, current_seq BIGINT, "
    "started_at TIMESTAMP, rule_version VARCHAR, code_version VARCHAR, is_full_refresh BOOLEAN",
    "load_audit": "load_seq BIGINT, run_id VARCHAR, sha256 VARCHAR, feed VARCHAR, path VARCHAR, rows_read BIGINT, "
    "rows_loaded BIGINT, rows_duplicate BIGINT, rows_quarantined BIGINT, rows_set_aside BIGINT, values_nulled BIGINT, "
    "values_rounded BIGINT, encoding VARCHAR, loaded_at TIMESTAMP, status VARCHAR, error VARCHAR, "
    "lines_counted BIGINT, layout VARCHAR",
    "quarantine": "feed VARCHAR, sha256 VARCHAR, path VARCHAR, line BIGINT, column_name VARCHAR, reason VARCHAR, "
    "raw_row VARCHAR, row_key VARCHAR, load_seq BIGINT, released_at TIMESTAMP",
    "feed_presence": "feed VARCHAR, shop_id VARCHAR, rows_held BIGINT, rows_with_user BIGINT",
    # ctime_ns beside the modification time: a file rewritten under its old time is read again.
    "landing_files": "path VARCHAR, size BIGINT, mtime_ns BIGINT, sha256 VARCHAR, declaration VARCHAR, ctime_ns BIGINT",
    "user_keys": "user_id VARCHAR, user_key BIGINT",
    "expectation_results": "run_id VARCHAR, suite VARCHAR, expectation VARCHAR, table_name VARCHAR, success BOOLEAN, "
    "observed VARCHAR, failing_rows VARCHAR, checked_at TIMESTAMP",
    "publications": "run_id VARCHAR, business_date DATE, published_at TIMESTAMP, version_path VARCHAR, "
    "rows_per_mart VARCHAR, rule_version VARCHAR, code_version VARCHAR, duration_seconds DOUBLE",
    "segments": "segment VARCHAR, label_zh VARCHAR, label_en VARCHAR, description VARCHAR",
    "segment_feeds": "segment VARCHAR, feed VARCHAR",
    "segment_clauses": "segment VARCHAR, clause_number INTEGER, condition_id INTEGER, is_negated BOOLEAN",
    "segment_conditions": "condition_id INTEGER, subject VARCHAR, attribute VARCHAR, accepted_value VARCHAR, "
    "days INTEGER, days_rule VARCHAR, min_times INTEGER, max_times INTEGER, "
    "min_amount DECIMAL(18,2), max_amount DECIMAL(18,2), min_days_ago INTEGER, max_days_ago INTEGER",
    "builds": "run_id VARCHAR, business_date DATE, built_seq BIGINT, rule_version VARCHAR, code_version VARCHAR, "
    "built_at TIMESTAMP, presence VARCHAR",
}


def raw_columns(spec: FeedSpec) -> tuple[tuple[str, str], ...]:
    """(name, SQL type) of `raw_<feed>`, in order."""
    return (*spec.data_columns, ("load_seq", "BIGINT"), ("source_line", "BIGINT"))


def _as_it_is(spec: FeedSpec) -> set[str]:
    """Columns no value of which comes twice: looking for what repeats in them costs a tenth of a load."""
    return set(spec.key) if spec.immutable else set()


def superseded_columns(spec: FeedSpec) -> tuple[tuple[str, str], ...]:
    """(name, SQL type) of `raw_<feed>_superseded`: the raw row and the load that replaced it."""
    return (*raw_columns(spec), ("superseded_seq", "BIGINT"))


def _ensure_table(
    con: duckdb.DuckDBPyConnection, table: str, columns: list[tuple[str, str]], as_it_is: Collection[str] = ()
) -> None:
    body = ", ".join(
        f'"{name}" {kind}{" using compression uncompressed" if name in as_it_is else ""}' for name, kind in columns
    )
    con.execute(f"create table if not exists {table} ({body})")
    present = {row[0]: row[1] for row in con.execute(f"describe {table}").fetchall()}
    for name, kind in columns:
        if name not in present:
            con.execute(f'alter table {table} add column "{name}" {kind}')
        elif kind.startswith(("DECIMAL", "ENUM")) and present[name] != kind:
            # An earlier version kept fewer places, or did not know all words.
            con.execute(f'alter table {table} alter column "{name}" type {kind}')


def ensure_schema(con: duckdb.DuckDBPyConnection) -> None:
    """Create what is missing of the schemas `raw` and `control` in the current database of `con`."""
    con.execute("begin")
    try:
        con.execute("create schema if not exists raw")
        con.execute("create schema if not exists control")
        for name, body in CONTROL_TABLES.items():
            columns = [tuple(column.split(" ", 1)) for column in body.split(", ")]
            _ensure_table(con, f"control.{name}", [(column[0], column[1]) for column in columns])
        for spec in load_feeds().values():
            _ensure_table(con, spec.raw_table, list(raw_columns(spec)), _as_it_is(spec))
            _ensure_table(con, spec.superseded_table, list(superseded_columns(spec)))
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise
