"""From the cells of an export to the cells of a feed: rows set aside, words translated, periods read from the name.

The outcome are texts under the feed's column names, so that typing, quarantine and books are those of a canonical file;
what a cell means is the grammar's to say. What must be computed from typed values is handed on as SQL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

import duckdb

from pipelines.landing.declarations import SHOP_COLUMN, ColumnSpec, FeedSpec
from pipelines.landing.decoding import Unreadable
from pipelines.landing.grammar import BLANKS, NULL_WORDS, WHOLE_DIGITS, identifier, listed, quoted
from pipelines.landing.header import Header
from pipelines.landing.layouts import METRIC, VALUE, Layout, Part, Source
from pipelines.landing.reading import BROKEN, CELLS

TRANSLATED = "landing_translated"
ASIDE = "landing_aside"
TITLE = "landing_title"
# What a sum is called where a day, an id or a time should stand.
TOTAL_WORDS = ("合计", "总计", "汇总", "小计", "总和", "全部", "合计:", "总计:", "合计：", "总计：")
# Each of these words has one of these.
_TOTAL_MARKS = ("计", "汇总", "总和", "全部")

_DAY = r"(20\d{2})[-_./年]?(\d{1,2})[-_./月]?(\d{1,2})日?"
_PERIOD = re.compile(rf"{_DAY}\s*[~～至到]\s*{_DAY}|{_DAY}\s*[-_—]+\s*{_DAY}")


@dataclass(frozen=True)
class Translation:
    """How one part of a layout reads one file. `columns` are the feed's columns it fills, in the order in which their
    cells stand in the file; `typed` those of them, and helpers, that are typed from text; `computed` the others as SQL.
    """

    columns: tuple[str, ...]
    typed: tuple[ColumnSpec, ...]
    computed: dict[str, str] = field(default_factory=dict)
    # Computed column → whether what it is computed from is there, but gives more than the column holds, as SQL.
    overflows: dict[str, str] = field(default_factory=dict)
    # Column or helper → the delivered header that a person has to look at.
    titles: dict[str, str] = field(default_factory=dict)
    # Delivered column → its header, for the row as it was delivered.
    shown: dict[str, str] = field(default_factory=dict)
    # Those of them that hold what people wrote.
    withheld: frozenset[str] = frozenset()
    # Columns of which several rows come from one delivered row.
    is_spread: bool = False


def period_in_name(name: str) -> tuple[date, date] | None:
    """First and last day of `…2026_06_16~2026_07_15…`, None where a name has no period. A single day is none: it may
    be that of the export.
    """
    for match in _PERIOD.finditer(name):
        numbers = [int(group) for group in match.groups() if group]
        try:
            first, last = date(*numbers[:3]), date(*numbers[3:])
        except ValueError:
            continue
        if first <= last:
            return first, last
    return None


def applies(part: Part, period: tuple[date, date] | None) -> bool:
    """Whether this file gives rows to the part's feed."""
    return not part.needs_one_day or (period is not None and period[0] == period[1])


def same_days(layout: Layout | None, name: str, other: str) -> bool:
    """Whether equal bytes say the same under these two names: their days are not in the name alone, or are equal."""
    dated = layout is not None and any(part.needs_one_day or part.needs_period for part in layout.feeds)
    return not dated or period_in_name(name) == period_in_name(other)


def why_not(layout: Layout, part: Part, period: tuple[date, date] | None) -> str:
    """One line on a part that does not apply."""
    if period is None:
        return f"gives no {part.feed}: it has no day, and no period stands in its name (…2026_06_16~2026_06_16)"
    return f"gives no {part.feed}: the sum of {period[0]} to {period[1]} is no day; export single days"


def forget(con: duckdb.DuckDBPyConnection) -> None:
    """Remove what an earlier file left in the connection."""
    con.execute(f"drop view if exists {TRANSLATED}")
    con.execute(f"drop table if exists {ASIDE}")


def set_aside(con: duckdb.DuckDBPyConnection, header: Header) -> int:
    """`landing_aside (line)`: the total and description rows that the layout knows. Returns their number."""
    layout = header.layout
    con.execute(f"create or replace temp table {ASIDE} (line bigint)")
    if layout is None:
        return 0
    for column, words in layout.totals.items():
        if column in header.positions:
            con.execute(f"insert into {ASIDE} select line from {CELLS} where {_bare(column)} in ({listed(words)})")
    if layout.description_row and layout.description_row in header.positions:
        cell = _bare(layout.description_row)
        con.execute(
            f"insert into {ASIDE} select line from {CELLS} where {cell} is not null and line = ("
            f"select min(line) from (select line from {CELLS} union all select line from {BROKEN})) "
            f"and not regexp_matches({cell}, '\\d')"
        )
    (rows,) = con.execute(f"select count(distinct line) from {ASIDE}").fetchone() or (0,)
    return int(rows)


def refuse_totals(con: duckdb.DuckDBPyConnection, titles: dict[str, str]) -> None:
    """Raise `Unreadable` where one of these columns of `landing_cells`, which hold ids and days, holds a sum's name:
    loaded as a row it would count everything twice.
    """
    if not titles:
        return
    found = [f"when {_bare(name)} in ({listed(TOTAL_WORDS)}) then {quoted(title)}" for name, title in titles.items()]
    # Looking for one character is cheap, and most files have it nowhere.
    marked = " or ".join(f"contains({identifier(name)}, {quoted(mark)})" for name in titles for mark in _TOTAL_MARKS)
    if con.execute(f"select 1 from {CELLS} where {marked} limit 1").fetchone() is None:
        return
    row = con.execute(
        f"select line, title from (select line, case {' '.join(found)} end as title from {CELLS}) "
        f"where title is not null and line not in (select line from {ASIDE}) order by line limit 1"
    ).fetchone()
    if row:
        raise Unreadable(
            f"has a row of sums in line {row[0]} (see {row[1]}), which would count everything twice; remove the row"
        )


def where_sums_stand(spec: FeedSpec, header: Header) -> dict[str, str]:
    """Columns of a canonical file in which the name of a sum would be no value."""
    return {
        name: name
        for name in header.names
        if spec.by_name[name].type in ("id", "ts", "date") and (spec.by_name[name].required or name in spec.key)
    }


def translate(
    con: duckdb.DuckDBPyConnection, header: Header, layout: Layout, part: Part, period: tuple[date, date] | None
) -> Translation:
    """`landing_translated`: `line` and the part's text columns over the rows of `landing_cells` not set aside.

    Raises `Unreadable` where the file must name its period and does not.
    """
    if part.needs_period and period is None:
        raise Unreadable(
            f"is {layout.label_zh}, whose period stands only in the file name, and this name has none; "
            "keep the name of the download (…2026_06_01~2026_06_14)"
        )
    # A file restates only what it carries: a figure computed from a column that it lacks is not carried.
    there = {
        name: source
        for name, source in part.columns.items()
        if source.hash_of or all(delivered in header.positions for delivered in _needed(source, part))
    }
    place = {name: _place(source, part, header) for name, source in there.items()}
    names = sorted(there, key=lambda name: place[name])
    texts = {name: _text(there[name], header, period) for name in names if not there[name].is_computed}
    texts |= {name: identifier(h.header) for name, h in part.helpers.items() if h.header in header.positions}
    titles = {name: _title(there[name], part, header) or name for name in names}
    titles |= {name: header.titles[h.header] for name, h in part.helpers.items() if h.header in header.positions}
    computed = {name: _computed(name, there[name], part, texts) for name in names if there[name].is_computed}
    kept = f"from {CELLS} where line not in (select line from {ASIDE})"
    columns = ", ".join(f"{sql} as {identifier(name)}" for name, sql in texts.items())
    if part.metrics:
        query = _spread(part, header, columns, kept)
        names = [*names, METRIC, VALUE]
        texts |= {METRIC: "", VALUE: ""}
    else:
        query = f"select line, {columns} {kept}"
    con.execute(f"create or replace temp view {TRANSLATED} as {query}")
    place |= {name: header.positions.get(helper.header, header.width) for name, helper in part.helpers.items()}
    in_order = sorted(texts, key=lambda name: place.get(name, header.width))
    return Translation(
        columns=tuple(names),
        typed=tuple(part.spec_of(name) for name in in_order),
        computed=computed,
        overflows={
            name: f"{' and '.join(f'{other}_value is not null' for other in there[name].product_of)} and {sql} is null"
            for name, sql in computed.items()
            if there[name].product_of
        },
        titles=titles,
        shown={name: header.titles[name] for name in header.positions if name in part.headers},
        withheld=frozenset(
            delivered for name in there if part.spec_of(name).withheld for delivered in there[name].headers
        ),
        is_spread=bool(part.metrics),
    )


def _spread(part: Part, header: Header, columns: str, kept: str) -> str:
    """One row a metric that has a value; `landing_title` is the header it stands under."""
    there = [name for name in header.positions if name in part.metrics]
    by = ""
    if part.metrics_by and part.metrics_by in header.positions:
        by = f"case when {_bare(part.metrics_by)} is not null then '·' || {_bare(part.metrics_by)} else '' end"
    metrics = ", ".join(quoted(part.metric_names.get(name, name)) + (f" || {by}" if by else "") for name in there)
    cells = ", ".join(identifier(name) for name in there)
    titles = ", ".join(quoted(header.titles[name]) for name in there)
    filled = f"trim({VALUE}, {BLANKS}) not in ({listed(NULL_WORDS)})"
    return (
        f"select * from (select line, {columns}, unnest([{metrics}]) as {METRIC}, unnest([{cells}]) as {VALUE}, "
        f"unnest([{titles}]) as {TITLE}, unnest(range({len(there)})) as landing_place {kept}) where {filled}"
    )


def _bare(header: str) -> str:
    """SQL of a delivered cell without blanks and mark, NULL where it says nothing."""
    cell = f"trim({identifier(header)}, {BLANKS})"
    bare = f"trim(case when starts_with({cell}, '''') then substr({cell}, 2) else {cell} end, {BLANKS})"
    return f"(case when {bare} in ({listed(NULL_WORDS)}) then null else {bare} end)"


def _text(source: Source, header: Header, period: tuple[date, date] | None) -> str:
    if source.constant is not None:
        return quoted(source.constant)
    if source.period:
        return quoted(period[1].isoformat()) if period else "null::varchar"
    name = source.header or ""
    sql = identifier(name)
    if source.instead and source.instead in header.positions and source.once in header.positions:
        sql = f"case when {_bare(source.once)} is not null then {identifier(source.instead)} else {sql} end"
    if source.words:
        # Commas of both widths are seen in one and the same word.
        word = f"replace({_bare(name)}, '，', ',')"
        cases = " ".join(
            f"when {quoted(given.replace('，', ','))} then {'null' if meant is None else quoted(meant)}"
            for given, meant in source.words.items()
        )
        other = (
            sql
            if source.otherwise is None
            else f"case when {_bare(name)} is not null then {quoted(source.otherwise)} end"
        )
        sql = f"case {word} {cases} else {other} end"
    if source.prefix:
        sql = f"case when {_bare(name)} is not null then {quoted(source.prefix)} || {_bare(name)} end"
    return sql


def _computed(name: str, source: Source, part: Part, texts: dict[str, str]) -> str:
    """SQL over the typed values of the row; NULL where one of them is not there."""
    values = [f"{other}_value" if other in texts else "null" for other in (*source.hash_of, *source.product_of)]
    if source.product_of:
        spec = part.spec_of(name)
        # Two factors of so many digits fit the widest type.
        factor = f"decimal({WHOLE_DIGITS + 3},3)"
        terms = " * ".join(f"cast(try_cast({value} as {factor}) as decimal(38,3))" for value in values)
        scale = {"int": 0, "money": 2, "number": 3}[spec.type]
        return f"cast(try_cast({terms} * {source.times} as decimal({WHOLE_DIGITS + scale},{scale})) as {spec.sql_type})"
    joined = " || '|' || ".join(f"cast({value} as varchar)" for value in values)
    return f"substr(sha256({SHOP_COLUMN}_of_row || '|' || {joined}), 1, 32)"


def _ingredients(source: Source, part: Part) -> list[str]:
    """Delivered columns behind a column, through what it is computed from."""
    names = list(source.headers)
    for other in (*source.hash_of, *source.product_of):
        names += [part.helpers[other].header] if other in part.helpers else part.columns[other].headers
    return names


def _needed(source: Source, part: Part) -> list[str]:
    return _ingredients(source, part) if source.product_of else list(source.headers[:1])


def _title(source: Source, part: Part, header: Header) -> str | None:
    return next((header.titles[name] for name in _ingredients(source, part) if name in header.titles), None)


def _place(source: Source, part: Part, header: Header) -> int:
    """Where the first cell behind a column stands; what comes from no cell goes last."""
    places = [header.positions[name] for name in _ingredients(source, part) if name in header.positions]
    return places[0] if places else header.width
