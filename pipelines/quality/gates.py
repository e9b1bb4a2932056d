"""Running the suites of one edge, and what is kept and said of the results.

A gate only reads. It holds when every blocking expectation of every suite was evaluated and found no failing row; a
suite that evaluated nothing, a missing table and an error inside an expectation are failures.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from pipelines.errors import Refused
from pipelines.quality import engine
from pipelines.quality.suites import (
    EXPECTATIONS_DIR,
    Edge,
    Expectation,
    Suite,
    fields_of,
    fill,
    load_literals,
    load_suites,
)

if TYPE_CHECKING:
    from great_expectations.datasource.fluent import SQLDatasource

ROWS_KEPT = 20
ROWS_SHOWN = 3
# Free text of people; it stays in the build database and is neither recorded nor shown.
PRIVATE_COLUMNS = frozenset({"content", "search_query", "raw_row"})


@dataclass(frozen=True)
class GateCheck:
    """A suite as an orchestrator needs it before anything ran: its name and its asset (schema, table)."""

    suite: str
    asset_key: tuple[str, str]
    expectations: tuple[str, ...]
    description: str


@dataclass(frozen=True)
class ExpectationResult:
    """One row of `control.expectation_results`, without the run.

    `failing_rows` are at most `ROWS_KEPT` rows as column → value, raw ones with `file` and `line`.
    """

    expectation: str
    says: str
    success: bool
    is_blocking: bool
    observed: str
    failing_rows: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class SuiteResult:
    """What one suite found. `rows` is the number of rows it looked at."""

    run_id: str
    edge: Edge
    suite: str
    table: str
    rows: int
    checked_at: datetime
    results: tuple[ExpectationResult, ...] = field(default=())

    @property
    def asset_key(self) -> tuple[str, str]:
        """Schema and table, the key of the asset the suite belongs to."""
        _, schema, table = self.table.split(".")
        return schema, table

    @property
    def failures(self) -> tuple[ExpectationResult, ...]:
        """Results that did not hold, warnings included."""
        return tuple(result for result in self.results if not result.success)

    @property
    def expectations(self) -> int:
        """Number of expectations evaluated or found impossible to evaluate."""
        return len(self.results)

    @property
    def failing_rows(self) -> str:
        """The failures as lines to print, one an expectation, each with a few of its rows."""
        return "\n".join(failure_messages([self]))

    @property
    def success(self) -> bool:
        """Whether something was evaluated and nothing that blocks failed."""
        return bool(self.results) and not any(result.is_blocking for result in self.failures)


def gate_check_specs(edge: Edge, folder: Path = EXPECTATIONS_DIR) -> list[GateCheck]:
    """The suites of an edge for the asset graph, read from the files alone (no database, no Great Expectations)."""
    return [
        GateCheck(
            suite=suite.name,
            asset_key=suite.asset_key,
            expectations=tuple(expectation.name for expectation in suite.expectations),
            description="\n".join(f"{expectation.name}: {expectation.says}" for expectation in suite.expectations),
        )
        for suite in load_suites(edge, folder)
    ]


def run_gate(
    edge: Edge,
    *,
    build_db: Path,
    serving_db: Path,
    run_id: str,
    memory_limit: str,
    threads: int,
    spill: Path | None = None,
    checked_at: datetime | None = None,
    folder: Path = EXPECTATIONS_DIR,
) -> list[SuiteResult]:
    """Evaluate every suite of the edge, in order of name. Opens both files read-only and writes to neither.

    `spill` is the folder DuckDB may use beyond its memory, `checked_at` the time to record (default: now).

    Raises `SuiteError` for a suite file that cannot be run and `QuanyuError` for a database that cannot be read.
    """
    suites = load_suites(edge, folder)
    with engine.reading(build_db, serving_db, memory_limit=memory_limit, threads=threads, spill=spill) as con:
        literals, broken = _literals(con, load_literals(edge, folder))
        with engine.datasource(con) as source:
            return [
                SuiteResult(
                    run_id=run_id,
                    edge=edge,
                    suite=suite.name,
                    table=suite.table,
                    checked_at=checked_at or datetime.now().replace(microsecond=0),
                    **_evaluate(con, source, suite, literals, broken),
                )
                for suite in suites
            ]


def record_results(con: duckdb.DuckDBPyConnection, results: Iterable[SuiteResult]) -> int:
    """Replace what the open build database holds of these suites of this run. Returns the rows written."""
    results = list(results)
    rows = [
        (
            suite.run_id,
            suite.suite,
            result.expectation,
            ".".join(suite.asset_key),
            result.success,
            result.observed,
            json.dumps(result.failing_rows, ensure_ascii=False, default=str) if result.failing_rows else None,
            suite.checked_at,
        )
        for suite in results
        for result in suite.results
    ]
    con.execute("begin")
    con.executemany(
        "delete from control.expectation_results where run_id = ? and suite = ?",
        [(suite.run_id, suite.suite) for suite in results],
    )
    con.executemany(
        "insert into control.expectation_results "
        "(run_id, suite, expectation, table_name, success, observed, failing_rows, checked_at) "
        "values (?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    con.execute("commit")
    return len(rows)


def failure_messages(results: Iterable[SuiteResult]) -> list[str]:
    """One line a failed expectation: which table, what is wrong, where, what to do."""
    return [_message(suite, result) for suite in results for result in suite.failures]


def refusal(edge: Edge, results: list[SuiteResult]) -> Refused | None:
    """The error to raise where the gate does not hold, with the failing rows as evidence; None where it does."""
    failed = [suite for suite in results if not suite.success]
    if not failed:
        return None
    count = sum(1 for suite in failed for result in suite.failures if result.is_blocking)
    return Refused(
        f"{edge} gate: {count} of {sum(len(suite.results) for suite in results)} expectations failed "
        f"({', '.join(suite.suite for suite in failed)}); the last good publication stands, "
        f"{'correct the rows in landing and run the night again' if edge == 'raw' else 'see the rows below'}",
        evidence="\n".join(failure_messages(failed)),
    )


def _literals(con: duckdb.DuckDBPyConnection, queries: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Values and, by name, why one could not be computed. A query may use the literals before it."""
    values: dict[str, str] = {}
    broken: dict[str, str] = {}
    for name, query in queries.items():
        try:
            row = con.execute(fill(query, values)).fetchone()
        except duckdb.Error as error:
            broken[name] = _first_line(error)
            continue
        if row is None or row[0] is None:
            broken[name] = "the query found no value"
        else:
            values[name] = str(row[0])
    return values, broken


def _evaluate(
    con: duckdb.DuckDBPyConnection,
    source: SQLDatasource,
    suite: Suite,
    literals: dict[str, str],
    broken: dict[str, str],
) -> dict[str, Any]:
    """Rows looked at and one result an expectation; never raises for what the data or a suite's SQL does."""
    texts = [suite.slice or ""]
    texts += [str(e.kwargs["unexpected_rows_query"]) for e in suite.expectations if "unexpected_rows_query" in e.kwargs]
    lacking = sorted({name for text in texts for name in fields_of(text)} & broken.keys())
    if lacking:
        return _not_evaluated("suite_can_be_evaluated", "; ".join(f"{name}: {broken[name]}" for name in lacking))
    if not suite.expectations:
        return _not_evaluated("suite_evaluates_something", "the suite holds no expectation")
    expectations = [_filled(expectation, literals) for expectation in suite.expectations]
    view = engine.identifier(suite.name)
    where = f" where {fill(suite.slice, literals)}" if suite.slice else ""
    try:
        con.execute(f"create or replace view {view} as select * from {suite.table}{where}")
        row = con.execute(f"select count(*) from {view}").fetchone()
        rows = int(row[0]) if row else 0
        found = _run(source, suite.name, expectations)
    except Exception as error:
        # Whatever keeps a suite from running must refuse the night, not end it with a traceback.
        return _not_evaluated("suite_can_be_evaluated", _first_line(error))
    return {"rows": rows, "results": tuple(_result(con, suite, view, rows, e, found.get(e.name)) for e in expectations)}


def _not_evaluated(expectation: str, why: str) -> dict[str, Any]:
    says = "The suite and the table it describes are there, and its expectations run."
    return {
        "rows": 0,
        "results": (ExpectationResult(expectation, says, success=False, is_blocking=True, observed=why),),
    }


def _filled(expectation: Expectation, literals: dict[str, str]) -> Expectation:
    query = expectation.kwargs.get("unexpected_rows_query")
    if query is None:
        return expectation
    kwargs = {**expectation.kwargs, "unexpected_rows_query": fill(query, literals)}
    return Expectation(expectation.name, expectation.says, expectation.kind, kwargs, expectation.is_blocking)


def _run(source: SQLDatasource, view: str, expectations: list[Expectation]) -> dict[str, Any]:
    """Expectation name → the library's result."""
    batch = source.add_table_asset(name=view, table_name=view).add_batch_definition_whole_table("night").get_batch()
    outcome = batch.validate(engine.library_suite(view, expectations), result_format="BOOLEAN_ONLY")
    return {result.expectation_config.meta["name"]: result for result in outcome.results if result.expectation_config}


def _result(
    con: duckdb.DuckDBPyConnection, suite: Suite, view: str, rows: int, expectation: Expectation, found: Any
) -> ExpectationResult:
    if found is None:
        observed, success = "the library returned no result for it", False
    elif error := _error_of(found.exception_info):
        observed, success = f"could not be evaluated: {error}", False
    elif found.success:
        observed, success = f"holds for {rows} rows", True
    else:
        observed, failing = _failing(con, suite, view, rows, expectation)
        return ExpectationResult(
            expectation.name, expectation.says, False, expectation.is_blocking, observed, failing_rows=failing
        )
    return ExpectationResult(
        expectation.name, expectation.says, success, expectation.is_blocking or found is None or not success, observed
    )


def _failing(
    con: duckdb.DuckDBPyConnection, suite: Suite, view: str, rows: int, expectation: Expectation
) -> tuple[str, tuple[dict[str, Any], ...]]:
    """How many rows fail, and some of them with file and line where they came from a file."""
    query = engine.failing_rows_sql(expectation, view, suite.identify_by)
    if query is None:
        return f"{rows} rows", ()
    columns = [name for name, *_ in con.execute(f"describe {query}").fetchall()]
    total = con.execute(f"select count(*) from ({query})").fetchone()
    kept = [engine.identifier(c) for c in columns if c not in PRIVATE_COLUMNS and c not in ("load_seq", "source_line")]
    shown, joined = [f"q.{name}" for name in kept], ""
    if "load_seq" in columns:
        line = ["q.source_line as line"] if "source_line" in columns else []
        shown = ["a.path as file", *line, *shown]
        joined = " left join build.control.load_audit as a on q.load_seq = a.load_seq"
    picked = f"select {', '.join(shown)} from ({query}) as q{joined}"
    cursor = con.execute(f"{picked} order by all nulls last limit {ROWS_KEPT}")
    names = [name for name, *_ in cursor.description or []]
    failing = tuple(dict(zip(names, row, strict=True)) for row in cursor.fetchall())
    return f"{total[0] if total else 0} failing rows, {rows} rows looked at", failing


def _error_of(exception_info: Any) -> str | None:
    """The message of an exception inside an expectation; the library keeps one, or one a metric."""
    if not exception_info:
        return None
    infos: Iterator[Any] = iter([exception_info] if "raised_exception" in exception_info else exception_info.values())
    for info in infos:
        if info.get("raised_exception"):
            return str(info.get("exception_message") or "unknown error").strip().splitlines()[0]
    return None


def _message(suite: SuiteResult, result: ExpectationResult) -> str:
    kind = "" if result.is_blocking else "warning: "
    places = "; ".join(_place(row) for row in result.failing_rows[:ROWS_SHOWN])
    where = f"; e.g. {places}" if places else ""
    return f"{kind}{'.'.join(suite.asset_key)}: {result.expectation}: {result.says} {result.observed}{where}"


def _place(row: dict[str, Any]) -> str:
    values = dict(row)
    file, line = values.pop("file", None), values.pop("line", None)
    said = ", ".join(f"{name}={'NULL' if value is None else value}" for name, value in values.items())
    if file is None:
        return said
    return f"{file} line {line}: {said}" if line is not None else f"{file}: {said}"


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
