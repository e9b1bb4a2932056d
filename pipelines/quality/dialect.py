"""SQLAlchemy dialect `duckdb+gx`: what Great Expectations needs of DuckDB, and none of its writes.

Why not `duckdb://`: there all cursors of a connection are one, so a result is gone once the connection went back to its
pool, and Great Expectations reads results after that. Here every cursor is a DuckDB connection of its own to the
database that the gate opened, and nothing is pooled. Columns come from DuckDB's own catalog instead of PostgreSQL's,
whose emulation answers 20 times slower.

Importing this module imports SQLAlchemy; only `engine.batch` does.
"""

from __future__ import annotations

from typing import Any

from duckdb_engine import Dialect as DuckDBDialect
from duckdb_engine.datatypes import ISCHEMA_NAMES
from sqlalchemy import pool
from sqlalchemy import types as sqltypes
from sqlalchemy.dialects import registry
from sqlalchemy.engine.url import URL

from pipelines.quality import engine

URL_SCHEME = "duckdb+gx"


class Cursor:
    """A DB-API cursor that keeps its result after its connection was given back."""

    arraysize = 1
    rowcount = -1

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._duckdb = engine.connection_of(connection.token)

    @property
    def description(self) -> Any:
        return self._duckdb.description

    def execute(self, statement: str, parameters: Any = None, context: Any = None) -> None:
        self._duckdb.execute(statement, parameters or None)

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._duckdb.fetchone()

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        return self._duckdb.fetchmany(size or self.arraysize)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._duckdb.fetchall()

    def close(self) -> None:
        """Nothing: the result is still to be read; DuckDB frees it with the object."""


class Connection:
    """A DB-API connection that owns nothing: the gate opens and closes the database."""

    notices: tuple[str, ...] = ()

    def __init__(self, token: str) -> None:
        self.token = token

    def cursor(self) -> Cursor:
        return Cursor(self)

    def begin(self) -> None:
        """Nothing: there is nothing to commit or take back."""

    commit = rollback = close = begin


class GateDialect(DuckDBDialect):
    """DuckDB for reading."""

    driver = "gx"
    supports_statement_cache = False

    def connect(self, *args: Any, **params: Any) -> Connection:  # type: ignore[override]
        return Connection(params["database"])

    def do_begin(self, connection: Any) -> None:
        connection.begin()

    def do_rollback(self, connection: Any) -> None:
        connection.rollback()

    def do_commit(self, connection: Any) -> None:
        connection.commit()

    @classmethod
    def get_pool_class(cls, url: URL) -> type[pool.Pool]:
        return pool.NullPool

    def get_columns(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> Any:
        rows = connection.exec_driver_sql(
            "select column_name, data_type, is_nullable from duckdb_columns() "
            "where database_name = 'memory' and schema_name = 'main' and table_name = $1 order by column_index",
            (str(table_name),),
        ).fetchall()
        return [{"name": name, "type": _type(data_type), "nullable": nullable} for name, data_type, nullable in rows]

    def get_pk_constraint(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> Any:
        return {"constrained_columns": [], "name": None}


def _type(data_type: str) -> sqltypes.TypeEngine[Any]:
    found = ISCHEMA_NAMES.get(data_type.split("(")[0].lower(), sqltypes.NullType)
    return found() if isinstance(found, type) else found


def register() -> None:
    """Make the dialect known to SQLAlchemy. Repeating it changes nothing."""
    registry.register("duckdb.gx", __name__, GateDialect.__name__)
