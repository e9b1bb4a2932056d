"""The short way for clean event files: typed straight from text into the raw table, block by block.

Anything unusual, a single odd cell included, makes the caller take the long way for the whole file, which gives the
same rows. Duplicates are no oddity: they are taken out again after the insert.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

from pipelines.landing import applying
from pipelines.landing.applying import Books, Delivery
from pipelines.landing.declarations import PERSONAL_COLUMN, SHOP_COLUMN, ColumnSpec
from pipelines.landing.decoding import Text
from pipelines.landing.grammar import EARLIEST, FALSE_WORDS, NULL_WORDS, TOO_BIG, TRUE_WORDS, identifier, listed
from pipelines.landing.header import Header
from pipelines.landing.reading import csv_source, readable_by_duckdb

# Blocks of this size stay in the cache of one core from parsing to handing over.
_BLOCK = 1 << 20
_SORTED_AT_ONCE = 2_000_000
# Eight of DuckDB's row groups: of a group that a statement leaves unfinished everything is written twice.
_ROWS_A_STATEMENT = 8 * 122_880
_STREAM = "landing_stream"
_TYPES: dict[str, pa.DataType] = {
    "id": pa.string(),
    "text": pa.string(),
    "enum": pa.dictionary(pa.int32(), pa.string()),
    "ts": pa.timestamp("us"),
    "number": pa.decimal128(18, 3),
    "bool": pa.bool_(),
}


class Odd(Exception):
    """The file is not as plain as it looked; nothing is wrong with that."""


def can_load(delivery: Delivery, header: Header, text: Text) -> bool:
    """Whether the shape of the file lets the short way be tried."""
    spec, shape = delivery.spec, text.shape
    return (
        spec.immutable
        and shape.is_plain
        and not shape.has_quotes
        and not shape.has_marks
        and header.delimiter == ","
        and all(spec.by_name[name].type in _TYPES for name in header.names)
    )


def load_events(con: duckdb.DuckDBPyConnection, delivery: Delivery, header: Header, text: Text, scratch: Path) -> Books:
    """Insert every new event of the file. Raises `Odd`, with the transaction to be rolled back, for an unusual cell."""
    spec = delivery.spec
    applying.drop_temporary(con)
    _number_users(con, delivery, header, text, scratch)
    stream = _Stream(delivery, header, text)
    try:
        with _less_memory(con):
            while not stream.is_over:
                con.register(_STREAM, stream.reader())
                _insert(con, delivery)
    except duckdb.Error as error:
        if stream.is_odd:
            raise Odd from error
        raise
    finally:
        con.unregister(_STREAM)
    users = f"count({PERSONAL_COLUMN})" if spec.personal else "0"
    mine = f"from {spec.raw_table} where load_seq = {delivery.load_seq}"
    rows, with_user = con.execute(f"select count(*), {users} {mine}").fetchone() or (0, 0)
    if rows != text.shape.lines - 1 or with_user != stream.with_user:
        raise Odd
    duplicate = _take_out_duplicates(con, delivery, is_repeated=_is_repeated(con, mine, rows))
    applying.release_by_key(con, delivery)
    applying.release_by_path(con, delivery)
    applying.refresh_presence(con, spec, delivery.load_seq)
    return Books(read=rows, loaded=rows - duplicate, duplicate=duplicate)


def _number_users(
    con: duckdb.DuckDBPyConnection, delivery: Delivery, header: Header, text: Text, scratch: Path
) -> None:
    """Number the file's users before their rows are read: splitting the text twice is cheaper than keeping it."""
    con.execute("create temp table landing_users (user_text varchar, user_key bigint)")
    personal = delivery.spec.personal
    if personal is None or personal.name not in header.positions:
        return
    cell = f"c{header.positions[personal.name]}"
    source = csv_source(header, readable_by_duckdb(text.path, scratch, "users.csv"), text.shape)
    try:
        applying.number_users(
            con,
            f"select distinct {cell} as user_text from {source} "
            f"where {cell} is not null and {cell} not in ({listed(NULL_WORDS)})",
        )
    except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
        raise Odd from error


class _Stream:
    """The declared columns and `source_line`, a block at a time, every cell checked on its way."""

    def __init__(self, delivery: Delivery, header: Header, text: Text) -> None:
        self.delivery = delivery
        self.header = header
        self.text = text
        self.is_odd = False
        self.is_over = False
        self.with_user = 0
        fields = [pa.field(name, _TYPES[delivery.spec.by_name[name].type]) for name in header.names]
        self.schema = pa.schema([*fields, pa.field("source_line", pa.int64())])
        self.batches = self._batches()

    def reader(self) -> pa.RecordBatchReader:
        """The next rows for DuckDB to pull. `is_odd` says why it failed, `is_over` that none is left.

        DuckDB holds on to what a statement has read, so a statement does not read everything.
        """
        return pa.RecordBatchReader.from_batches(self.schema, self._next_rows())

    def _next_rows(self) -> Iterator[pa.RecordBatch]:
        rows = 0
        while rows < _ROWS_A_STATEMENT:
            batch = next(self.batches, None)
            if batch is None:
                self.is_over = True
                return
            rows += batch.num_rows
            yield batch

    def _batches(self) -> Iterator[pa.RecordBatch]:
        spec = self.delivery.spec
        columns = {f"c{position}": spec.by_name[name] for name, position in self.header.positions.items()}
        line = 2
        try:
            with _open(columns, self.header.width, self.text) as blocks:
                for block in blocks:
                    for cells, column in zip(block.columns, columns.values(), strict=True):
                        _check(cells, column, self.delivery.clock.latest)
                        if column.personal:
                            self.with_user += len(cells) - cells.null_count
                    lines = pa.array(np.arange(line, line + block.num_rows, dtype=np.int64))
                    line += block.num_rows
                    yield pa.RecordBatch.from_arrays([*block.columns, lines], schema=self.schema)
        except (Odd, pa.ArrowInvalid):
            self.is_odd = True
            raise


def _open(columns: dict[str, ColumnSpec], width: int, text: Text) -> pv.CSVStreamingReader:
    return pv.open_csv(
        text.path,
        pv.ReadOptions(block_size=_BLOCK, column_names=[f"c{position}" for position in range(width)], skip_rows=1),
        pv.ParseOptions(newlines_in_values=False, quote_char=False),
        pv.ConvertOptions(
            column_types={name: _TYPES[column.type] for name, column in columns.items()},
            include_columns=list(columns),
            null_values=list(NULL_WORDS),
            strings_can_be_null=True,
            true_values=_cased(TRUE_WORDS),
            false_values=_cased(FALSE_WORDS),
            timestamp_parsers=[pv.ISO8601],
        ),
    )


def _cased(words: tuple[str, ...]) -> list[str]:
    return [*words, *(word.upper() for word in words if word.isascii())]


def _check(cells: pa.Array, column: ColumnSpec, latest: datetime) -> None:
    """Raise `Odd` unless every cell is what the grammar would make of it."""
    if column.required and cells.null_count:
        raise Odd
    if column.type == "enum":
        if not set(cells.dictionary.to_pylist()) <= set(column.values):
            raise Odd
    elif column.type == "ts":
        found = pc.min_max(cells)
        low, high = found["min"].as_py(), found["max"].as_py()
        if low is not None and (low < datetime.fromisoformat(EARLIEST) or (high > latest and not column.planned)):
            raise Odd
    elif column.type == "number":
        found = pc.min_max(cells)
        low, high = found["min"].as_py(), found["max"].as_py()
        floor = -TOO_BIG if column.min is None else column.min
        if low is not None and (low < floor or high >= TOO_BIG):
            raise Odd
    elif column.type in ("id", "text") and _has_odd_edges(cells, is_id=column.type == "id"):
        raise Odd


def _has_odd_edges(cells: pa.StringArray, *, is_id: bool) -> bool:
    """Whether a cell starts or ends with a space or, an id, starts with `=` or ends with `.0`. Looks at the first and
    last bytes alone.
    """
    _, offsets, data = cells.buffers()
    if data is None or data.size == 0:
        return False
    characters = np.frombuffer(data, np.uint8)
    ends = np.frombuffer(offsets, np.int32)[cells.offset : cells.offset + len(cells) + 1]
    # Where a cell is empty these are bytes of its neighbours, which are edges as well.
    last = characters[ends[1:] - 1]
    first = characters[np.minimum(ends[:-1], data.size - 1)]
    if bool((last == 32).any() or (first == 32).any()):
        return True
    return is_id and bool((first == 61).any() or (characters[ends[1:] - 2][last == 48] == 46).any())


def _insert(con: duckdb.DuckDBPyConnection, delivery: Delivery) -> None:
    spec = delivery.spec
    join, user = "", "null"
    if spec.personal and spec.personal.name in delivery.columns:
        join = f"left join landing_users as u on c.{identifier(spec.personal.name)} = u.user_text"
        user = "u.user_key"
    shop = applying.shop_sql("c", delivery)
    expressions = applying.stored_expressions(spec, "c", user, f"hash({shop}, c.{identifier(spec.key[0])})")
    values = []
    for (name, sql), column in zip(expressions, applying.sources(spec), strict=True):
        if name == SHOP_COLUMN:
            values.append(shop)
        else:
            values.append(sql if column is None or column.name in delivery.columns else "null")
    con.execute(
        f"insert into {spec.raw_table} ({applying.named([name for name, _ in expressions])}, load_seq, source_line) "
        f"select {', '.join(values)}, {delivery.load_seq}, c.source_line from {_STREAM} as c {join}"
    )


@contextmanager
def _less_memory(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Three quarters of its memory for DuckDB: the blocks lie beside it, and a stream keeps what it is given."""
    (limit,) = con.execute("select current_setting('memory_limit')").fetchone() or ("400MB",)
    size, unit = str(limit).split()
    con.execute(f"set memory_limit = '{0.75 * float(size):.1f} {unit}'")
    try:
        yield
    finally:
        con.execute(f"set memory_limit = '{limit}'")


def _is_repeated(con: duckdb.DuckDBPyConnection, mine: str, rows: int) -> bool:
    """Whether two rows share a hash. Sorting a part at a time is five times as fast as counting, in little memory."""
    parts = rows // _SORTED_AT_ONCE + 1
    for part in range(parts):
        part_of = f"select key_hash {mine} and key_hash % {parts} = {part}"
        found = np.sort(np.asarray(con.execute(part_of).fetchnumpy()["key_hash"]))
        if bool((found[1:] == found[:-1]).any()):
            return True
    return False


def _take_out_duplicates(con: duckdb.DuckDBPyConnection, delivery: Delivery, *, is_repeated: bool) -> int:
    """Delete events of this load that stood before in the file or in an earlier one. Returns rows deleted."""
    spec, seq = delivery.spec, delivery.load_seq
    mine = f"(select * from {spec.raw_table} where load_seq = {seq})"
    keys = applying.named(spec.key_stored)
    con.execute("create temp table landing_dropped (source_line bigint)")
    if is_repeated:
        con.execute(
            f"insert into landing_dropped select source_line from (select source_line, row_number() over "
            f"(partition by {keys} order by source_line) as place from {mine} where key_hash in "
            f"(select key_hash from {mine} group by 1 having count(*) > 1)) where place > 1"
        )
    if seq > 1:
        con.execute(
            f"insert into landing_dropped select n.source_line from {spec.raw_table} as r join {mine} as n "
            f"on r.key_hash = n.key_hash and {applying.same_key(spec, 'n', 'r')} where r.load_seq < {seq}"
        )
    (dropped,) = con.execute("select count(distinct source_line) from landing_dropped").fetchone() or (0,)
    if dropped:
        con.execute(
            f"delete from {spec.raw_table} where load_seq = {seq} "
            "and source_line in (select source_line from landing_dropped)"
        )
    return int(dropped)
