"""Great Expectations on DuckDB by push-down: the connection it reads through, and nothing that writes.

The library is imported inside functions: it costs seconds of CPU that no other command should pay.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import duckdb

from pipelines.errors import QuanyuError
from pipelines.quality.statements import Statement, quoted

if TYPE_CHECKING:
    from great_expectations.datasource.fluent.interfaces import Batch

_open: dict[str, duckdb.DuckDBPyConnection] = {}


@contextmanager
def reading(
    build_db: Path, serving_db: Path, *, memory_limit: str, threads: int, spill: Path | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory database with both files of a run attached read-only as `build` and `serving`.

    A `serving_db` that does not exist yet (the raw gate of a first night) is left out. Raises `QuanyuError` where a
    file cannot be opened, usually because a writer of the same process is still open.
    """
    config: dict[str, Any] = {"memory_limit": memory_limit, "threads": threads, "preserve_insertion_order": False}
    if spill is not None:
        config["temp_directory"] = str(spill)
    con = duckdb.connect(":memory:", config=config)
    con.execute("set enable_progress_bar = false")
    try:
        for catalog, path in (("build", build_db), ("serving", serving_db)):
            if catalog == "build" or path.exists():
                try:
                    con.execute(f"attach {quoted(str(path))} as {catalog} (read_only)")
                except (duckdb.IOException, duckdb.BinderException, duckdb.ConnectionException) as error:
                    raise QuanyuError(
                        f"{path}: the gate cannot read it ({error}); close the connection that writes it"
                    ) from error
        yield con
    finally:
        con.close()


@contextmanager
def batch(con: duckdb.DuckDBPyConnection, table: str) -> Iterator[Batch]:
    """A Great Expectations batch over a table of `con`'s own in-memory catalog.

    Ephemeral: no project folder, no stores, no data docs, no analytics. One a gate, so that its set-up is paid once.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read while the package is imported
    with deferred("scipy.stats", "altair"):  # 1.5 CPU seconds for one expectation that no suite uses
        import great_expectations as gx
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    from pipelines.quality import dialect

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    dialect.register()
    token = f"gate{id(con)}"
    _open[token] = con
    try:
        in_memory = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
        context = gx.get_context(
            mode="ephemeral",
            project_config=DataContextConfig(store_backend_defaults=in_memory, analytics_enabled=False),
        )
        context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
        source = context.data_sources.add_sql(name="gate", connection_string=f"{dialect.URL_SCHEME}:///{token}")
        yield source.add_table_asset(name=table, table_name=table).add_batch_definition_whole_table("night").get_batch()
    finally:
        del _open[token]


class _Deferred(ModuleType):
    """Stands for a module until something of it is used."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def deferred(*names: str) -> Iterator[None]:
    """What is imported inside the block gets modules that load when something of them is first used."""
    standing_in = []
    for name in names:
        if name in sys.modules:
            continue
        module = _Deferred(name)
        module.__spec__ = None
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(importlib.import_module(parent), child, module)
        sys.modules[name] = module
        standing_in.append(module)
    try:
        yield
    finally:
        # Whoever looks through all modules (`inspect.stack` does) would use them, and load them.
        for module in standing_in:
            if sys.modules.get(module.__name__) is module:
                del sys.modules[module.__name__]


def connection_of(token: str) -> duckdb.DuckDBPyConnection:
    """A connection of its own to the database that `batch` opened under the token."""
    return _open[token].cursor()


def evaluate(over: Batch, statements: Sequence[Statement]) -> list[dict[str, int] | str]:
    """For each statement, in order, the rows that break each of its expectations, or why it could not be run.

    One suite of the library and one validation, each of which costs as much as ten expectations.
    """
    from great_expectations.core.expectation_suite import ExpectationSuite

    from pipelines.quality.counted import CountedExpectation

    expectations = [
        CountedExpectation(unexpected_rows_query=statement.sql, meta={"number": number})
        for number, statement in enumerate(statements)
    ]
    suite = ExpectationSuite(name="gate", expectations=expectations)
    found: list[dict[str, int] | str] = ["the library returned no result for it"] * len(statements)
    for result in over.validate(suite, result_format="BASIC").results:
        if result.expectation_config is not None:
            error = _error_of(result.exception_info)
            found[result.expectation_config.meta["number"]] = error or result.result["observed_value"]
    return found


def _error_of(exception_info: Any) -> str | None:
    """The message of an exception inside an expectation; the library keeps one, or one a metric."""
    if not exception_info:
        return None
    infos: Iterator[Any] = iter([exception_info] if "raised_exception" in exception_info else exception_info.values())
    for info in infos:
        if info.get("raised_exception"):
            message = str(info.get("exception_message") or "unknown error")
            return f"could not be evaluated: {message.strip().splitlines()[0]}"
    return None
