"""Great Expectations on DuckDB by push-down: the connection it reads through, and nothing that writes.

The library is imported inside functions: it costs seconds of CPU that no other command should pay.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from pipelines.errors import QuanyuError
from pipelines.quality.suites import BETWEEN, IN_SET, NOT_NULL, ROWS_OF_QUERY, Expectation

if TYPE_CHECKING:
    from great_expectations.core.expectation_suite import ExpectationSuite
    from great_expectations.datasource.fluent import SQLDatasource

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
def datasource(con: duckdb.DuckDBPyConnection) -> Iterator[SQLDatasource]:
    """A Great Expectations data source over the tables and views of `con`'s own in-memory catalog.

    Ephemeral: no project folder, no stores, no data docs, no analytics. One a gate, so that its set-up is paid once.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read while the package is imported
    with deferred("scipy.stats"):  # 1.4 CPU seconds for one expectation that no suite uses
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
        yield context.data_sources.add_sql(name="gate", connection_string=f"{dialect.URL_SCHEME}:///{token}")
    finally:
        del _open[token]


@contextmanager
def deferred(name: str) -> Iterator[None]:
    """What is imported inside the block gets a module that loads when something of it is first used."""
    if name in sys.modules or (spec := importlib.util.find_spec(name)) is None or spec.loader is None:
        yield
        return
    loader = importlib.util.LazyLoader(spec.loader)
    spec.loader = loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    parent, _, child = name.rpartition(".")
    setattr(sys.modules[parent], child, module)
    try:
        yield
    finally:
        # Whoever looks through all modules (`inspect.stack` does) would use it, and load it.
        sys.modules.pop(name, None)


def connection_of(token: str) -> duckdb.DuckDBPyConnection:
    """A connection of its own to the database that `datasource` opened under the token."""
    return _open[token].cursor()


def library_suite(name: str, expectations: list[Expectation]) -> ExpectationSuite:
    """The same expectations as the library's objects, told apart by `meta.name`."""
    from great_expectations.core.expectation_suite import ExpectationSuite

    from pipelines.quality.counted_rows import CountedRowsExpectation

    suite = ExpectationSuite(name=name)
    for expectation in expectations:
        meta = {"name": expectation.name}
        if expectation.kind == ROWS_OF_QUERY:
            suite.add_expectation(CountedRowsExpectation(**expectation.kwargs, meta=meta))
        else:
            suite.add_expectation_configurations(
                [_configuration(type=expectation.kind, kwargs=expectation.kwargs, meta=meta)]
            )
    return suite


def _configuration(**fields: Any) -> Any:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    return ExpectationConfiguration(**fields)


def failing_rows_sql(expectation: Expectation, view: str, identify_by: tuple[str, ...]) -> str | None:
    """A query for the rows that break the expectation, in the view's own columns; None where no row is at fault."""
    if expectation.kind == ROWS_OF_QUERY:
        return str(expectation.kwargs["unexpected_rows_query"]).format(batch=view)
    if "column" not in expectation.kwargs:
        return None
    column = identifier(expectation.kwargs["column"])
    shown = [identifier(name) for name in identify_by]
    columns = ", ".join([*shown, column] if column not in shown else shown)
    if expectation.kind == NOT_NULL:
        fails = f"{column} is null"
    elif expectation.kind == IN_SET:
        fails = f"{column} not in ({', '.join(quoted(value) for value in expectation.kwargs['value_set'])})"
    elif expectation.kind == BETWEEN:
        bounds = {"<": expectation.kwargs.get("min_value"), ">": expectation.kwargs.get("max_value")}
        fails = " or ".join(f"{column} {sign} {quoted(bound)}" for sign, bound in bounds.items() if bound is not None)
    else:
        raise NotImplementedError(expectation.kind)
    return f"select {columns} from {view} where {fails}"


def quoted(value: object) -> str:
    """A SQL literal: numbers as they are, everything else as text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "'" + str(value).replace("'", "''") + "'"
    return str(value)


def identifier(name: str) -> str:
    """A quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
