"""The SQL of a suite: which rows break an expectation, and many expectations counted by one statement.

Nothing here runs; the gate's library does, and one statement costs it as much as one expectation.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.quality.suites import BETWEEN, IN_SET, NOT_NULL, ROW_COUNT, ROWS_OF_QUERY, Expectation

# Queries of one statement hold their hash tables until its end: above this they run one by one, so that a first night
# of millions of events needs no more memory than its largest query.
ROWS_TOGETHER = 200_000


@dataclass(frozen=True)
class Statement:
    """A query with a row for each of its expectations: its name and how many rows break it.

    `sql` reads `{batch}`, a table of the suites that can be evaluated; braces of the suite's own are doubled.
    """

    suite: str
    expectations: tuple[Expectation, ...]
    sql: str


def statements(suite: str, expectations: list[Expectation], rows: int) -> list[Statement]:
    """What evaluates the expectations of a suite that looks at so many rows of the view of its name."""
    queries = [e for e in expectations if e.kind == ROWS_OF_QUERY]
    of_rows = [e for e in expectations if e.kind != ROWS_OF_QUERY]
    if rows <= ROWS_TOGETHER:
        return [statement(suite, [*of_rows, *queries])]
    return [statement(suite, group) for group in ([of_rows] if of_rows else []) + [[query] for query in queries]]


def statement(suite: str, expectations: list[Expectation]) -> Statement:
    """One statement over the view of the suite's name: one scan for all rules of rows, one branch for each query."""
    view = identifier(suite)
    of_rows = [e for e in expectations if e.kind != ROWS_OF_QUERY]
    branches = [
        f"select {quoted(e.name)} as expectation, count(*) as broken from ({_query(e, view)}) as q"
        for e in expectations
        if e.kind == ROWS_OF_QUERY
    ]
    if of_rows:
        names = ", ".join(quoted(e.name) for e in of_rows)
        counts = ", ".join(_count(e) for e in of_rows)
        branches.insert(
            0,
            "select unnest(names) as expectation, unnest(counts) as broken "
            f"from (select [{names}] as names, [{counts}] as counts from {view}) as r",
        )
    counted = "\nunion all\n".join(branches).replace("{", "{{").replace("}", "}}")
    return Statement(
        suite,
        tuple(expectations),
        f"select c.expectation, c.broken from ({counted}) as c inner join {{batch}} as s on s.suite = {quoted(suite)}",
    )


def failing_rows_sql(expectation: Expectation, view: str, identify_by: tuple[str, ...]) -> str | None:
    """A query for the rows that break the expectation, in the view's own columns; None where no row is at fault."""
    if expectation.kind == ROWS_OF_QUERY:
        return _query(expectation, view)
    if expectation.kind == ROW_COUNT:
        return None
    column = identifier(expectation.kwargs["column"])
    shown = [identifier(name) for name in identify_by]
    columns = ", ".join([*shown, column] if column not in shown else shown)
    return f"select {columns} from {view} where {_broken(expectation)}"


def _query(expectation: Expectation, view: str) -> str:
    return str(expectation.kwargs["unexpected_rows_query"]).format(batch=view)


def _count(expectation: Expectation) -> str:
    if expectation.kind == ROW_COUNT:
        return f"case when {_outside('count(*)', expectation)} then 1 else 0 end"
    return f"count(*) filter (where {_broken(expectation)})"


def _broken(expectation: Expectation) -> str:
    """What is true of a row that breaks a rule of its column; like the library's own, an empty value breaks only
    the rule that it must be there.
    """
    column = identifier(expectation.kwargs["column"])
    if expectation.kind == NOT_NULL:
        return f"{column} is null"
    if expectation.kind == IN_SET:
        return f"{column} not in ({', '.join(quoted(value) for value in expectation.kwargs['value_set'])})"
    if expectation.kind == BETWEEN:
        return _outside(column, expectation)
    raise NotImplementedError(expectation.kind)


def _outside(measured: str, expectation: Expectation) -> str:
    bounds = {"<": expectation.kwargs.get("min_value"), ">": expectation.kwargs.get("max_value")}
    return " or ".join(f"{measured} {sign} {quoted(bound)}" for sign, bound in bounds.items() if bound is not None)


def quoted(value: object) -> str:
    """A SQL literal: numbers as they are, everything else as text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "'" + str(value).replace("'", "''") + "'"
    return str(value)


def identifier(name: str) -> str:
    """A quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
