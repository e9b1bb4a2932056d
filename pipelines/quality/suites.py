"""Expectation suites as files: reading and refusing them, without the library that runs them.

One JSON file a table. Beside what Great Expectations itself reads (`name`, `expectations` of `type` and `kwargs`) a
suite says in `meta`

* `table`: what it describes, `build.<schema>.<table>` or `serving.<schema>.<table>`;
* `slice`: predicate for the rows that this night answers for, or null for a table that stays small;
* `identify_by`: the columns that name a row to a person;
* `feed`, of a table that a feed fills: as long as no row of it was ever loaded there is nothing to check;

and an expectation says in `meta` its `name`, unique in the suite, and in one sentence what is true when it holds
(`says`). `severity: warning` is recorded and shown but refuses nothing. A query may be a list of lines.

`literals.json` beside the suites names scalar queries; their values replace `{name}` in slices and queries as
constants, so that DuckDB skips the row groups of other days.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any, Literal

from pipelines.config import PROJECT_DIR
from pipelines.errors import QuanyuError

Edge = Literal["raw", "marts"]
EXPECTATIONS_DIR = PROJECT_DIR / "expectations"
LITERALS_FILE = "literals.json"

NOT_NULL = "expect_column_values_to_not_be_null"
BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
ROW_COUNT = "expect_table_row_count_to_be_between"
ROWS_OF_QUERY = "unexpected_rows_expectation"

# Every kind must be able to name its failing rows; see statements.failing_rows_sql.
KWARGS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    NOT_NULL: (frozenset({"column"}), frozenset({"column"})),
    BETWEEN: (frozenset({"column"}), frozenset({"column", "min_value", "max_value"})),
    IN_SET: (frozenset({"column", "value_set"}), frozenset({"column", "value_set"})),
    ROW_COUNT: (frozenset(), frozenset({"min_value", "max_value"})),
    ROWS_OF_QUERY: (frozenset({"unexpected_rows_query"}), frozenset({"unexpected_rows_query"})),
}
CATALOGS: dict[Edge, tuple[str, ...]] = {"raw": ("build",), "marts": ("serving",)}


class SuiteError(QuanyuError):
    """A suite file says something the gates cannot run."""


@dataclass(frozen=True)
class Expectation:
    """One assertion about the rows of one table."""

    name: str
    says: str
    kind: str
    kwargs: dict[str, Any]
    is_blocking: bool


@dataclass(frozen=True)
class Suite:
    """One file of `expectations/<edge>/`."""

    name: str
    edge: Edge
    table: str
    slice: str | None
    identify_by: tuple[str, ...]
    feed: str | None
    expectations: tuple[Expectation, ...]

    @property
    def asset_key(self) -> tuple[str, str]:
        """Schema and table, the key of the asset the suite belongs to."""
        _, schema, table = self.table.split(".")
        return schema, table


def load_suites(edge: Edge, folder: Path = EXPECTATIONS_DIR) -> list[Suite]:
    """All suites of an edge in order of name. Raises `SuiteError` naming file, place and what is wanted."""
    paths = sorted(path for path in (folder / edge).glob("*.json") if path.name != LITERALS_FILE)
    if not paths:
        raise SuiteError(f"{folder / edge}: no expectation suite found; a gate without suites proves nothing")
    return [_suite(edge, path) for path in paths]


def load_literals(edge: Edge, folder: Path = EXPECTATIONS_DIR) -> dict[str, str]:
    """Name → scalar query of the edge, in file order."""
    path = folder / edge / LITERALS_FILE
    return {name: _joined(query) for name, query in _json(path).items()} if path.exists() else {}


def fields_of(text: str) -> set[str]:
    """Names in braces of a slice or query."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def fill(text: str, literals: dict[str, str]) -> str:
    """The text with the literals that it names; `{batch}` and doubled braces stay for the library."""
    for name, value in literals.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _suite(edge: Edge, path: Path) -> Suite:
    data = _json(path)
    meta = data.get("meta", {})
    missing = [key for key in ("table", "slice", "identify_by") if key not in meta]
    if data.get("name") != path.stem or missing:
        raise SuiteError(
            f"{path}: wants the name {path.stem!r} and meta.table, meta.slice, meta.identify_by; "
            f"found name {data.get('name')!r}, without {', '.join(missing) or 'nothing'}"
        )
    parts = str(meta["table"]).split(".")
    if len(parts) != 3 or parts[0] not in CATALOGS[edge]:
        wanted = " or ".join(f"{name}.<schema>.<table>" for name in CATALOGS[edge])
        raise SuiteError(f"{path}: meta.table is {meta['table']!r}, wanted {wanted}")
    expectations = tuple(_expectation(path, item) for item in data.get("expectations", []))
    names = [expectation.name for expectation in expectations]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SuiteError(f"{path}: {', '.join(twice)} stands twice; results are kept by name, give each its own")
    return Suite(
        name=path.stem,
        edge=edge,
        table=str(meta["table"]),
        slice=_joined(meta["slice"]) if meta["slice"] is not None else None,
        identify_by=tuple(meta["identify_by"]),
        feed=meta.get("feed"),
        expectations=expectations,
    )


def _expectation(path: Path, item: dict[str, Any]) -> Expectation:
    meta = item.get("meta", {})
    name, says, kind = meta.get("name"), meta.get("says"), item.get("type")
    if not name or not says:
        raise SuiteError(f"{path}: an expectation of type {kind!r} lacks meta.name or meta.says; say both")
    if kind not in KWARGS:
        raise SuiteError(f"{path}: {name} is of type {kind!r}; known are {', '.join(KWARGS)}")
    kwargs = dict(item.get("kwargs", {}))
    required, allowed = KWARGS[kind]
    if not required <= kwargs.keys() or not kwargs.keys() <= allowed:
        raise SuiteError(f"{path}: {name} has kwargs {sorted(kwargs)}; {kind} takes {sorted(allowed)}")
    if kind == ROWS_OF_QUERY:
        query = _joined(kwargs["unexpected_rows_query"])
        if "batch" not in fields_of(query):
            raise SuiteError(f"{path}: {name} does not read {{batch}}; it would look beyond the rows of this night")
        kwargs["unexpected_rows_query"] = query
    severity = item.get("severity", "critical")
    if severity not in ("critical", "warning"):
        raise SuiteError(f"{path}: {name} has severity {severity!r}; known are critical and warning")
    return Expectation(name=name, says=says, kind=kind, kwargs=kwargs, is_blocking=severity == "critical")


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise SuiteError(f"{path}: line {error.lineno} is not JSON ({error.msg})") from error
    if not isinstance(data, dict):
        raise SuiteError(f"{path}: holds a {type(data).__name__}, wanted an object")
    return data


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "\n".join(text)
