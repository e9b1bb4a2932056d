"""From a delivered file to cells: `landing_cells` (line and the declared columns as text) and `landing_broken`.

Delimited text is read in bulk by DuckDB where every physical line is one record and both agree on their number, else
record by record in Python. Values are no concern of this module.
"""

from __future__ import annotations

import csv
import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.landing.decoding import (
    LONGEST_LINE,
    Shape,
    Text,
    Unreadable,
    decode,
    gunzip,
    is_mostly_blank,
)
from pipelines.landing.grammar import identifier, quoted
from pipelines.landing.header import Header, Matcher
from pipelines.landing.sheets import Row, Sheet, Workbook

CELLS = "landing_cells"
BROKEN = "landing_broken"
_ROWS = "landing_rows"
_BATCH = 50_000
# Lines of a header whose cells have line ends in them.
_LONGEST_HEADER = 200
# From so many lines on it matters whether there is something in them.
_MANY_LINES = 1_000_000
# A quoted cell that runs on longer than this was never closed.
_LONGEST_RECORD = 10_000
# A float holds whole numbers exactly up to this.
_EXACT = 2**53


@dataclass(frozen=True)
class Content:
    """What was read. `rows` = rows of `landing_cells` + rows of `landing_broken`; `counted` = records by an independent
    count (the file's physical lines less header, blank and continued ones; the footer of Parquet), None for a sheet.
    """

    header: Header
    encoding: str
    rows: int
    counted: int | None
    reader: str


def open_text(path: Path, kind: str, scratch: Path) -> Text:
    """Unpacked, decoded text of a csv or csv.gz file; temporary copies go to the folder `scratch`."""
    source = path
    if kind == "csv.gz":
        source = scratch / "unpacked.csv"
        gunzip(path, source)
    text = decode(source, scratch / "decoded.csv")
    if source != path and text.path != source:
        source.unlink()
    return text


def read_cells(con: duckdb.DuckDBPyConnection, matcher: Matcher, path: Path, kind: str, scratch: Path) -> Content:
    """Fill the two tables from a Parquet file or a workbook. Raises `Unreadable` where the file must be refused."""
    prepare_cells(con)
    if kind == "parquet":
        return _read_parquet(con, matcher, path, scratch)
    return _read_sheet(con, matcher, path)


def prepare_cells(con: duckdb.DuckDBPyConnection) -> None:
    """Start afresh: no cells, an empty `landing_broken`."""
    drop_cells(con)
    con.execute(f"create temp table {BROKEN} (line bigint, reason varchar, detail varchar)")


def drop_cells(con: duckdb.DuckDBPyConnection) -> None:
    """Remove what an earlier file left."""
    con.execute(f"drop view if exists {CELLS}")
    con.execute(f"drop table if exists {_ROWS}")
    con.execute(f"drop table if exists {BROKEN}")


def text_header(matcher: Matcher, text: Text) -> tuple[Header, int]:
    """The header and the last physical line it stands on: platforms leave line ends in quoted header cells."""
    lines = _physical_lines(text.path)
    for line, content, _ in lines:
        if not content.strip():
            continue
        if len(content) >= LONGEST_LINE:
            raise Unreadable(f"has a first line of more than {LONGEST_LINE} bytes; expected a header")
        whole, last = content, line
        while whole.count('"') % 2 and last < _LONGEST_HEADER and (following := next(lines, None)):
            last = following[0]
            whole += "\n" + following[1]
        if whole.count('"') % 2:
            # A quote that never closes is no header cell but a broken first row.
            return matcher.match_line(content), line
        return matcher.match_line(whole), last
    raise Unreadable("has only blank lines; expected a header and rows")


def read_text(con: duckdb.DuckDBPyConnection, header: Header, header_line: int, text: Text, scratch: Path) -> Content:
    """Fill the two tables from text that is open already."""
    prepare_cells(con)
    if text.shape.lines > _MANY_LINES and is_mostly_blank(text.path, text.shape.lines):
        raise Unreadable(f"is {text.shape.lines:,} lines, most of them blank; export it again")
    if text.shape.is_plain and header_line == 1:
        rows = _bulk(con, header, text, scratch)
        if rows is not None:
            return Content(header, text.encoding, rows, text.shape.lines - 1, "bulk")
    rows, no_records = _record_by_record(con, header, header_line, text)
    return Content(header, text.encoding, rows, text.shape.lines - no_records, "careful")


def csv_source(header: Header, path: Path, shape: Shape) -> str:
    """SQL of DuckDB's strict reader over plain text, every column as text, named by position."""
    columns = ", ".join(f"'c{position}': 'VARCHAR'" for position in range(header.width))
    newline = "\\r\\n" if shape.newline == "\r\n" else "\\n"
    return (
        f"read_csv({quoted(str(path))}, auto_detect = false, header = true, delim = {quoted(header.delimiter)}, "
        f"quote = '\"', escape = '\"', strict_mode = true, null_padding = false, new_line = '{newline}', "
        f"max_line_size = {2 * LONGEST_LINE}, compression = 'none', columns = {{{columns}}})"
    )


def readable_by_duckdb(path: Path, scratch: Path, name: str) -> Path:
    """A name for `path` without the characters that DuckDB takes for a pattern or a compression."""
    link = scratch / name
    link.unlink(missing_ok=True)
    link.symlink_to(path.resolve())
    return link


def _bulk(con: duckdb.DuckDBPyConnection, header: Header, text: Text, scratch: Path) -> int | None:
    """Rows read, None where DuckDB and the count of lines disagree or DuckDB refuses."""
    path = readable_by_duckdb(text.path, scratch, "bulk.csv")
    columns = ", ".join(f"c{position} as {identifier(name)}" for name, position in header.positions.items())
    # Without order the row number would not be the line number.
    con.execute("set preserve_insertion_order = true")
    try:
        con.execute(f"create temp table {_ROWS} as select {columns} from {csv_source(header, path, text.shape)}")
    except duckdb.Error:
        # Its message quotes the line, which may hold a user id: nothing of it is kept. The careful reader says more.
        con.execute(f"drop table if exists {_ROWS}")
        return None
    finally:
        con.execute("reset preserve_insertion_order")
    (rows,) = con.execute(f"select count(*) from {_ROWS}").fetchone() or (0,)
    if rows != text.shape.lines - 1:
        con.execute(f"drop table {_ROWS}")
        return None
    con.execute(f"create temp view {CELLS} as select rowid + 2 as line, * from {_ROWS}")
    return int(rows)


class _Batches:
    """Collects cells by column and hands them to DuckDB in batches, so that no file is held in memory."""

    def __init__(self, con: duckdb.DuckDBPyConnection, header: Header) -> None:
        self.con = con
        self.names = header.names
        self.lines: list[int] = []
        self.columns: list[list[str | None]] = [[] for _ in self.names]
        self.broken: list[tuple[int, str, str]] = []
        self.bytes = 0
        self.rows = 0
        body = ", ".join(f"{identifier(name)} varchar" for name in self.names)
        con.execute(f"create temp table {_ROWS} (line bigint, {body})")

    def add(self, line: int, cells: list[str | None]) -> None:
        """One record; `cells` in the order of the header's declared columns."""
        self.lines.append(line)
        for column, cell in zip(self.columns, cells, strict=True):
            column.append(cell or None)
            self.bytes += len(cell) if cell else 0
        self.rows += 1
        if len(self.lines) >= _BATCH or self.bytes > 16 * LONGEST_LINE:
            self.flush()

    def refuse(self, line: int, reason: str, **detail: object) -> None:
        """One record that could not be split into cells."""
        self.broken.append((line, reason, json.dumps(detail, ensure_ascii=False)))
        self.rows += 1

    def flush(self) -> None:
        if self.lines:
            arrays = [
                pa.array(self.lines, pa.int64()),
                *(pa.array(column, pa.large_string()) for column in self.columns),
            ]
            batch = pa.Table.from_arrays(arrays, names=["line", *self.names])
            self.con.register("landing_batch", batch)
            self.con.execute(f"insert into {_ROWS} select * from landing_batch")
            self.con.unregister("landing_batch")
            self.lines, self.columns, self.bytes = [], [[] for _ in self.names], 0
        if self.broken:
            batch = pa.table(
                {
                    "line": pa.array([line for line, _, _ in self.broken], pa.int64()),
                    "reason": [reason for _, reason, _ in self.broken],
                    "detail": [detail for _, _, detail in self.broken],
                }
            )
            self.con.register("landing_batch", batch)
            self.con.execute(f"insert into {BROKEN} select * from landing_batch")
            self.con.unregister("landing_batch")
            self.broken = []

    def finish(self) -> int:
        """Rows seen."""
        self.flush()
        self.con.execute(f"create temp view {CELLS} as select * from {_ROWS}")
        return self.rows


def _physical_lines(path: Path) -> Iterator[tuple[int, str, bool]]:
    """(number, text without its line end, whether it was cut) of every physical line; only LF ends a line."""
    with path.open("rb", buffering=1 << 20) as file:
        number = 0
        while raw := file.readline(LONGEST_LINE):
            number += 1
            cut = len(raw) >= LONGEST_LINE and not raw.endswith(b"\n")
            if cut:
                while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                    pass
            content = raw.removesuffix(b"\n").removesuffix(b"\r")
            # Cutting may split a character; a cut line is refused anyhow.
            yield number, content.decode("utf-8", errors="replace" if cut else "strict"), cut


def _record_by_record(con: duckdb.DuckDBPyConnection, header: Header, header_line: int, text: Text) -> tuple[int, int]:
    """Every record by itself; what cannot be split goes to `landing_broken` with the line it starts on. Returns the
    records, and the lines that start none (header, blank, continued).

    A quote that is never closed, or closed only at the cost of the record's shape, spoils its physical line alone:
    reading goes on at the next line.
    """
    batches = _Batches(con, header)
    lines = _physical_lines(text.path)
    pending: deque[tuple[int, str, bool]] = deque()
    where = list(header.positions.values())
    no_records = 0
    while True:
        if pending:
            item = pending.popleft()
        elif (following := next(lines, None)) is not None:
            item = following
        else:
            return batches.finish(), no_records
        number, content, cut = item
        if number <= header_line or (not cut and not content.strip()):
            no_records += 1
            continue
        if cut:
            batches.refuse(number, "line_too_long", longest_allowed=LONGEST_LINE)
            continue
        taken: list[tuple[int, str, bool]] = []
        cells, reason = _record(content, header, pending, lines, taken)
        if cells is None or (width := _fitting(cells, header.width)) is None:
            # Lines read ahead in search of the closing quote are records of their own.
            pending.extendleft(reversed(taken))
            if taken or cells is None:
                batches.refuse(number, reason or "unclosed_quote", columns_expected=header.width)
            else:
                batches.refuse(number, "column_count", columns_expected=header.width, columns_found=len(cells))
            continue
        no_records += len(taken)
        batches.add(number, [width[position] for position in where])


def _record(
    content: str,
    header: Header,
    pending: deque[tuple[int, str, bool]],
    lines: Iterator[tuple[int, str, bool]],
    taken: list[tuple[int, str, bool]],
) -> tuple[list[str] | None, str | None]:
    """Cells of the record that starts with `content`, or why it has none. Lines it needed are added to `taken`."""

    def feed() -> Iterator[str]:
        # A return inside a line would end the record for the csv module; it is part of a value.
        yield content.replace("\r", "\ue00d") + "\n"
        size = len(content)
        while len(taken) < _LONGEST_RECORD and size < LONGEST_LINE:
            following = pending.popleft() if pending else next(lines, None)
            if following is None:
                return
            taken.append(following)
            if following[2]:
                return
            size += len(following[1])
            yield following[1].replace("\r", "\ue00d") + "\n"

    try:
        cells = next(csv.reader(feed(), delimiter=header.delimiter, strict=True))
    except csv.Error as error:
        return None, "unclosed_quote" if taken or "unexpected end" in str(error) else "broken_quote"
    except StopIteration:
        return None, "unclosed_quote"
    return [cell.replace("\ue00d", "\r") for cell in cells], None


def _fitting(cells: list[str], width: int) -> list[str] | None:
    """The cells of a record as wide as the header; empty cells beyond it come from a trailing delimiter."""
    if len(cells) == width:
        return cells
    if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
        return cells[:width]
    return None


def _read_parquet(con: duckdb.DuckDBPyConnection, matcher: Matcher, path: Path, scratch: Path) -> Content:
    source = quoted(str(readable_by_duckdb(path, scratch, "bulk.parquet")))
    try:
        found = con.execute(f"describe select * from read_parquet({source}, binary_as_string = true)").fetchall()
        (counted,) = con.execute(
            f"select coalesce(sum(num_rows), 0) from parquet_file_metadata({source})"
        ).fetchone() or (0,)
    except duckdb.Error as error:
        raise Unreadable("is not a readable Parquet file (cut off or damaged); write it again") from error
    types = {row[0]: str(row[1]) for row in found}
    header = matcher.match(list(types))
    originals = list(types)
    for original in (originals[position] for position in header.positions.values()):
        if types[original].endswith("]") or types[original].startswith(("STRUCT(", "MAP(", "UNION(")):
            raise Unreadable(f"column {original} holds lists or records ({types[original][:40]}); write plain values")
    columns = ", ".join(
        f"{_parquet_text(original, types[original], is_id=name in header.ids)} as {identifier(name)}"
        for name, original in ((name, originals[position]) for name, position in header.positions.items())
    )
    try:
        con.execute(
            f"create temp table {_ROWS} as select file_row_number + 1 as line, {columns} "
            f"from read_parquet({source}, binary_as_string = true, file_row_number = true)"
        )
    except duckdb.Error as error:
        raise Unreadable("is a damaged Parquet file (its pages cannot be read); write it again") from error
    con.execute(f"create temp view {CELLS} as select * from {_ROWS}")
    (rows,) = con.execute(f"select count(*) from {_ROWS}").fetchone() or (0,)
    if rows != counted:
        raise Unreadable(f"is a damaged Parquet file ({counted} rows promised, {rows} read); write it again")
    return Content(header, "parquet", int(rows), int(counted), "parquet")


def _parquet_text(name: str, kind: str, *, is_id: bool) -> str:
    """SQL of the cell as text. A moment with a zone is written as one in UTC, so that the grammar sees its offset."""
    column = identifier(name)
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"cast(timezone('UTC', {column}) as varchar) || 'Z'"
    if is_id and kind in ("DOUBLE", "FLOAT"):
        # A float holds ids up to 2^53 exactly; what is longer is left as 6.9e+18, for the grammar to refuse.
        whole = f"{column} = trunc({column}) and abs({column}) < {_EXACT}"
        return f"case when {whole} then cast(cast({column} as bigint) as varchar) else cast({column} as varchar) end"
    return f"cast({column} as varchar)"


def _read_sheet(con: duckdb.DuckDBPyConnection, matcher: Matcher, path: Path) -> Content:
    """The one sheet whose header matches; lines are the sheet's row numbers."""
    refusal: Unreadable | None = None
    with Workbook(path) as book:
        sheets = book.sheets()
        for sheet in sheets:
            try:
                rows = sheet.rows()
                first = _next_record(sheet, rows)
                if first is None:
                    continue
                try:
                    header = matcher.match([text or "" for text in first])
                except Unreadable as error:
                    refusal = refusal or Unreadable(f"sheet {sheet.name}: {error}")
                    continue
                batches = _Batches(con, header)
                where = list(header.positions.values())
                ids = [name in header.ids for name in header.names]
                for row in rows:
                    cells = sheet.texts(row, where, ids)
                    # A row of cells that are empty or not read is a record only if it holds something.
                    if any(cells) or any(sheet.all_texts(row)):
                        batches.add(row.number, cells)
                _must_be_alone(matcher, header, sheet, sheets)
                return Content(header, "xlsx", batches.finish(), None, "sheet")
            except ValueError as error:
                raise Unreadable("is a damaged Excel workbook (its cells cannot be read); save it again") from error
    raise refusal or Unreadable("has no rows in any sheet; expected a header and rows")


def _next_record(sheet: Sheet, rows: Iterator[Row]) -> list[str | None] | None:
    """The texts of the next row that holds something."""
    return next((texts for row in rows if any(texts := sheet.all_texts(row))), None)


def _must_be_alone(matcher: Matcher, header: Header, read: Sheet, others: Iterable[Sheet]) -> None:
    """Raises `Unreadable` where another sheet has rows of the same kind: line numbers can tell those of one sheet."""
    if header.layout and (header.layout.further_sheets_repeat or header.layout.why):
        return
    for sheet in others:
        rows = sheet.rows()
        try:
            same = (first := _next_record(sheet, rows)) and matcher.match([text or "" for text in first])
        except Unreadable:
            continue
        if same and same.layout == header.layout and _next_record(sheet, rows):
            raise Unreadable(f"has rows in two sheets, {read.name} and {sheet.name}; save each as a file of its own")
