"""The copy of a publication in PostgreSQL, for tools that have no DuckDB driver.

One transaction: a reader sees the publication before or this one, never a part. What is copied is the published file,
so the copy can say nothing that the file does not say; a failure leaves the copy of the night before.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from pipelines.config import Postgres, Settings
from pipelines.errors import QuanyuError
from pipelines.warehouse.database import sql_text
from pipelines.warehouse.reading import current

if TYPE_CHECKING:
    import psycopg

# What the file calls a type and what PostgreSQL calls it; DECIMAL(p,s) is NUMERIC(p,s).
TYPES = {
    "VARCHAR": "text",
    "BOOLEAN": "boolean",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "DOUBLE": "double precision",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
}
MARK = "Written by quanyu; the next publication replaces its tables."
# Someone who reads for longer than this keeps the new publication out; the night says so instead of waiting for ever.
LOCK_SECONDS = 60
CHUNK = 1 << 20


def copy_marts(settings: Settings) -> dict[str, int]:
    """Copy every mart and `publications` of the published file. Returns the rows of each table.

    Raises `QuanyuError` where the driver or the server is missing or something of another owner stands in the way.
    """
    target = settings.postgres
    if target is None:
        return {}
    try:
        import psycopg
    except ImportError as error:
        raise QuanyuError("postgres: the driver is not installed; run `pip install 'psycopg[binary]'`") from error
    with current(settings) as con, tempfile.TemporaryDirectory(dir=settings.state) as folder:
        try:
            with psycopg.connect(target.address, connect_timeout=10) as server:
                return replace(con, server, target, Path(folder))
        except psycopg.Error as error:
            said = " ".join(str(error).split())
            raise QuanyuError(f"postgres: {said}; the copy of the publication before stands") from error


def replace(
    con: duckdb.DuckDBPyConnection, server: psycopg.Connection[Any], target: Postgres, folder: Path
) -> dict[str, int]:
    """Put every table into the schema inside the transaction that `server` has open; the caller commits."""
    server.execute(f"set local lock_timeout = '{LOCK_SECONDS}s'")
    prepare(server, target)
    tables = con.execute(
        "select schema_name, table_name, coalesce(comment, '') from duckdb_tables() where database_name = "
        "current_database() and (schema_name = 'marts' or (schema_name, table_name) = ('operations', 'publications')) "
        "order by table_name"
    ).fetchall()
    known = {row[0] for row in server.execute("select tablename from pg_tables where schemaname = %s", [target.into])}
    for gone in sorted(known - {table for _, table, _ in tables}):
        server.execute(f'drop table {target.into}."{gone}"')
    rows = {}
    for schema, table, comment in tables:
        columns = con.execute(
            "select column_name, data_type, coalesce(comment, '') from duckdb_columns() where schema_name = ? and "
            "table_name = ? and database_name = current_database() order by column_index",
            [schema, table],
        ).fetchall()
        shape(server, f'{target.into}."{table}"', table, columns)
        rows[table] = fill(con, server, f"{schema}.{table}", f'{target.into}."{table}"', folder / "rows.csv")
        remark(server, f'{target.into}."{table}"', comment, columns)
    server.execute(f"grant select on all tables in schema {target.into} to {target.reader}")
    return rows


def prepare(server: psycopg.Connection[Any], target: Postgres) -> None:
    """Schema and reader. Raises `QuanyuError` where the schema holds tables that quanyu did not write."""
    held = server.execute(
        "select obj_description(n.oid, 'pg_namespace'), "
        "exists (select from pg_tables as t where t.schemaname = n.nspname) "
        "from pg_namespace as n where n.nspname = %s",
        [target.into],
    ).fetchone()
    if held and held[0] != MARK and held[1]:
        raise QuanyuError(
            f"postgres: schema {target.into} holds tables that quanyu did not write; name another one with `into`"
        )
    server.execute(f"create schema if not exists {target.into}")
    server.execute(f"comment on schema {target.into} is '{sql_text(MARK)}'")
    if server.execute("select from pg_roles where rolname = %s", [target.reader]).fetchone() is None:
        server.execute(f"create role {target.reader} nologin")
    server.execute(f"grant usage on schema {target.into} to {target.reader}")


def shape(server: psycopg.Connection[Any], name: str, table: str, columns: list[tuple[str, str, str]]) -> None:
    """An empty table of these columns. One of the same columns is emptied, so that views on it stay."""
    wanted = [(column, typed(table, column, kind)) for column, kind, _ in columns]
    found = server.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = to_regclass(%s) and "
        "attnum > 0 and not attisdropped order by attnum",
        [name],
    ).fetchall()
    same = [(column, kind.replace(" without time zone", "")) for column, kind in found] == wanted
    if same:
        server.execute(f"truncate {name}")
        return
    server.execute(f"drop table if exists {name}")
    described = ", ".join(f'"{column}" {kind}' for column, kind in wanted)
    server.execute(f"create table {name} ({described})")


def typed(table: str, column: str, kind: str) -> str:
    """Type of a column on the server."""
    if kind.startswith("DECIMAL("):
        return kind.replace("DECIMAL", "numeric")
    if kind not in TYPES:
        raise QuanyuError(f"postgres: {table}.{column} is {kind}, which has no counterpart there")
    return TYPES[kind]


def fill(con: duckdb.DuckDBPyConnection, server: psycopg.Connection[Any], source: str, name: str, file: Path) -> int:
    """Copy the rows through a file: the engine writes it and the server reads it faster than Python handles rows."""
    con.execute(f"copy {source} to '{sql_text(file)}' (format csv, header false, force_quote *, nullstr '')")
    with server.cursor() as cursor:
        with file.open("rb") as rows, cursor.copy(f"copy {name} from stdin (format csv)") as copy:
            while part := rows.read(CHUNK):
                copy.write(part)
        copied = cursor.rowcount
    file.unlink()
    counted = con.execute(f"select count(*) from {source}").fetchone()
    if counted is None or counted[0] != copied:
        raise QuanyuError(f"postgres: {name} took {copied} rows of {counted[0] if counted else 0}")
    return copied


def remark(server: psycopg.Connection[Any], name: str, comment: str, columns: list[tuple[str, str, str]]) -> None:
    """Carry labels and descriptions."""
    server.execute(f"comment on table {name} is '{sql_text(comment)}'")
    for column, _, text in columns:
        server.execute(f"comment on column {name}.\"{column}\" is '{sql_text(text)}'")
