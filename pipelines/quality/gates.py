"""Running the suites of one edge, and what is kept and said of the results.

A gate only reads. It holds when every blocking expectation of every suite was evaluated and found no failing row; a
suite that evaluated nothing, a missing table and an error inside an expectation are failures.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import Refused
from pipelines.quality import engine
from pipelines.quality.statements import failing_rows_sql, identifier, statement, statements
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

# Table of the gate's own database: the suites that can be evaluated, with the rows each looks at.
EVALUATED = "evaluated_suites"
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
    with (
        _without_collection(),
        engine.reading(build_db, serving_db, memory_limit=memory_limit, threads=threads, spill=spill) as con,
    ):
        literals, broken = _literals(con, load_literals(edge, folder))
        found = _evaluate(con, suites, literals, broken)
        return [
            SuiteResult(
                run_id=run_id,
                edge=edge,
                suite=suite.name,
                table=suite.table,
                checked_at=checked_at or datetime.now().replace(microsecond=0),
                **found[suite.name],
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
    con.execute(
        "delete from control.expectation_results where (run_id, suite) in (select (unnest(?), unnest(?)))",
        [[suite.run_id for suite in results], [suite.suite for suite in results]],
    )
    if rows:
        con.execute(
            "insert into control.expectation_results "
            "(run_id, suite, expectation, table_name, success, observed, failing_rows, checked_at) "
            "select unnest(?), unnest(?), unnest(?), unnest(?), unnest(?), unnest(?), unnest(?), unnest(?)",
            [list(column) for column in zip(*rows, strict=True)],
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


@contextmanager
def _without_collection() -> Iterator[None]:
    """The library makes much that lives and hardly a cycle; looking for cycles takes a fifth of its time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _evaluate(
    con: duckdb.DuckDBPyConnection, suites: list[Suite], literals: dict[str, str], broken: dict[str, str]
) -> dict[str, dict[str, Any]]:
    """Suite → rows looked at and one result an expectation; never raises for what the data or a suite's SQL does."""
    delivered = _delivered(con) if any(suite.feed for suite in suites) else None
    con.execute(f"create or replace table {EVALUATED} (suite varchar, rows bigint)")
    found: dict[str, dict[str, Any]] = {}
    ready: dict[str, tuple[list[Expectation], int]] = {}
    for suite in suites:
        try:
            if suite.feed and delivered is not None and suite.feed not in delivered and _is_empty(con, suite.table):
                found[suite.name] = _nothing_to_check(suite.feed)
            elif why := _unfit(suite, broken):
                found[suite.name] = _not_evaluated(*why)
            else:
                ready[suite.name] = [_filled(e, literals) for e in suite.expectations], _view(con, suite, literals)
        except duckdb.Error as error:
            found[suite.name] = _not_evaluated("suite_can_be_evaluated", _first_line(error))
    try:
        counted = _count(con, ready) if ready else {}
    except Exception as error:
        # Whatever keeps the library from running must refuse the night, not end it with a traceback.
        return found | {name: _not_evaluated("suite_can_be_evaluated", _first_line(error)) for name in ready}
    for suite in suites:
        if suite.name in ready:
            expectations, rows = ready[suite.name]
            results = [_result(con, suite, rows, e, counted.get((suite.name, e.name))) for e in expectations]
            found[suite.name] = {"rows": rows, "results": tuple(results)}
    return found


def _delivered(con: duckdb.DuckDBPyConnection) -> set[str] | None:
    """Feeds of which a row was ever loaded; None where the books cannot say."""
    try:
        rows = con.execute("select distinct feed from build.control.load_audit where rows_loaded > 0").fetchall()
    except duckdb.Error:
        return None
    return {feed for (feed,) in rows}


def _is_empty(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    return con.execute(f"select 1 from {table} limit 1").fetchone() is None


def _unfit(suite: Suite, broken: dict[str, str]) -> tuple[str, str] | None:
    """The name and cause of what keeps a suite from being evaluated."""
    texts = [suite.slice or ""]
    texts += [str(e.kwargs["unexpected_rows_query"]) for e in suite.expectations if "unexpected_rows_query" in e.kwargs]
    lacking = sorted({name for text in texts for name in fields_of(text)} & broken.keys())
    if lacking:
        return "suite_can_be_evaluated", "; ".join(f"{name}: {broken[name]}" for name in lacking)
    if not suite.expectations:
        return "suite_evaluates_something", "the suite holds no expectation"
    return None


def _view(con: duckdb.DuckDBPyConnection, suite: Suite, literals: dict[str, str]) -> int:
    """Make the view of the rows that this night answers for, and return their number."""
    where = f" where {fill(suite.slice, literals)}" if suite.slice else ""
    con.execute(f"create or replace view {identifier(suite.name)} as select * from {suite.table}{where}")
    row = con.execute(
        f"insert into {EVALUATED} select ?, count(*) from {identifier(suite.name)} returning rows", [suite.name]
    ).fetchone()
    return int(row[0]) if row else 0


def _nothing_to_check(feed: str) -> dict[str, Any]:
    says = "A feed of which no row was ever loaded has an empty table."
    observed = f"{feed} was never delivered: there is nothing to check"
    result = ExpectationResult("nothing_is_held", says, success=True, is_blocking=True, observed=observed)
    return {"rows": 0, "results": (result,)}


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
    return replace(expectation, kwargs={"unexpected_rows_query": fill(query, literals)})


def _count(
    con: duckdb.DuckDBPyConnection, ready: dict[str, tuple[list[Expectation], int]]
) -> dict[tuple[str, str], int | str]:
    """(suite, expectation) → rows that break it, or why it could not be evaluated.

    An expectation that cannot be evaluated takes the others of its statement with it; they are asked again, each alone.
    """
    together = [s for name, (expectations, rows) in ready.items() for s in statements(name, expectations, rows)]
    counted: dict[tuple[str, str], int | str] = {}
    with engine.batch(con, EVALUATED) as batch:
        outcomes = engine.evaluate(batch, together)
        broken = [s for s, outcome in zip(together, outcomes, strict=True) if isinstance(outcome, str)]
        alone = [statement(s.suite, [e]) for s in broken for e in s.expectations]
        if alone:
            outcomes += engine.evaluate(batch, alone)
    for asked, outcome in zip(together + alone, outcomes, strict=True):
        for expectation in asked.expectations:
            found = outcome if isinstance(outcome, str) else outcome.get(expectation.name)
            if found is not None:
                counted[asked.suite, expectation.name] = found
    return counted


def _result(
    con: duckdb.DuckDBPyConnection, suite: Suite, rows: int, expectation: Expectation, found: int | str | None
) -> ExpectationResult:
    if not isinstance(found, int):
        # What was not evaluated proves nothing, so that it refuses the night even where it would only warn.
        observed = found or "the library returned no result for it"
        return ExpectationResult(expectation.name, expectation.says, False, is_blocking=True, observed=observed)
    observed, failing = _failing(con, suite, rows, expectation) if found else (f"holds for {rows} rows", ())
    return ExpectationResult(
        expectation.name, expectation.says, not found, expectation.is_blocking, observed, failing_rows=failing
    )


def _failing(
    con: duckdb.DuckDBPyConnection, suite: Suite, rows: int, expectation: Expectation
) -> tuple[str, tuple[dict[str, Any], ...]]:
    """How many rows fail, and some of them with file and line where they came from a file."""
    query = failing_rows_sql(expectation, identifier(suite.name), suite.identify_by)
    if query is None:
        return f"{rows} rows", ()
    columns = [name for name, *_ in con.execute(f"describe {query}").fetchall()]
    total = con.execute(f"select count(*) from ({query})").fetchone()
    kept = [identifier(c) for c in columns if c not in PRIVATE_COLUMNS and c not in ("load_seq", "source_line")]
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
