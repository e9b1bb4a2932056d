"""The short way for clean event files: typed straight from text into the raw table, some row groups at a time.

Anything unusual, a single odd cell included, makes the caller take the long way for the whole file, which gives the
same rows. Duplicates are no oddity: they are taken out again after the insert.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

from pipelines.landing import applying
from pipelines.landing.applying import TEXTS, USERS, Books, Delivery
from pipelines.landing.declarations import PERSONAL_COLUMN, SHOP_COLUMN, ColumnSpec
from pipelines.landing.decoding import Text
from pipelines.landing.grammar import EARLIEST, FALSE_WORDS, NULL_WORDS, TOO_BIG, TRUE_WORDS, identifier
from pipelines.landing.header import Header

# What is read of the file at once; all cores parse it, in blocks that stay in the cache of one.
_READ = 32 << 20
_BLOCK = 1 << 20
_SORTED_AT_ONCE = 2_000_000
_ROW_GROUP = 122_880
# Of a row group that a statement leaves unfinished everything is written twice.
_ROWS_A_STATEMENT = 8 * _ROW_GROUP
_STREAM = "landing_stream"
_WORDS = pa.dictionary(pa.int32(), pa.string())
_TYPES: dict[str, pa.DataType] = {
    "id": pa.string(),
    "text": pa.string(),
    "enum": _WORDS,
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


def load_events(con: duckdb.DuckDBPyConnection, delivery: Delivery, header: Header, text: Text) -> Books:
    """Insert every new event of the file. Raises `Odd`, with the transaction to be rolled back, for an unusual cell."""
    spec = delivery.spec
    applying.drop_temporary(con)
    applying.no_users_yet(con)
    line, with_user = 2, 0
    with _less_memory(con):
        for rows in _by_row_groups(_tables(delivery, header, text)):
            count = sum(batch.num_rows for batch in rows)
            with_user += _number_users(con, delivery, rows)
            _insert(con, delivery, rows, line)
            line += count
    users = f"count({PERSONAL_COLUMN})" if spec.personal else "0"
    mine = f"from {spec.raw_table} where load_seq = {delivery.load_seq}"
    loaded, known = con.execute(f"select count(*), {users} {mine}").fetchone() or (0, 0)
    if loaded != text.shape.lines - 1 or known != with_user:
        raise Odd
    duplicate = _take_out_duplicates(con, delivery, is_repeated=_is_repeated(con, mine, loaded))
    applying.release_by_key(con, delivery)
    applying.release_by_path(con, delivery)
    applying.refresh_presence(con, spec, delivery.load_seq)
    return Books(read=loaded, loaded=loaded - duplicate, duplicate=duplicate)


def _tables(delivery: Delivery, header: Header, text: Text) -> Iterator[pa.Table]:
    """The declared columns of one read of the file after the other, every cell checked."""
    columns = {f"c{position}": delivery.spec.by_name[name] for name, position in header.positions.items()}
    parsing = pv.ParseOptions(newlines_in_values=False, quote_char=False)
    reading = pv.ReadOptions(block_size=_BLOCK, column_names=[f"c{position}" for position in range(header.width)])
    converting = pv.ConvertOptions(
        column_types={name: _WORDS if column.personal else _TYPES[column.type] for name, column in columns.items()},
        include_columns=list(columns),
        null_values=list(NULL_WORDS),
        strings_can_be_null=True,
        true_values=_cased(TRUE_WORDS),
        false_values=_cased(FALSE_WORDS),
        timestamp_parsers=[pv.ISO8601],
    )
    for lines in _reads(text):
        try:
            table = pv.read_csv(pa.BufferReader(pa.py_buffer(lines)), reading, parsing, converting)
        except pa.ArrowInvalid as error:
            raise Odd from error
        for cells, column in zip(table.columns, columns.values(), strict=True):
            for chunk in cells.chunks:
                _check(chunk, column, delivery.clock.latest)
        yield table.rename_columns([column.name for column in columns.values()])


def _reads(text: Text) -> Iterator[memoryview]:
    """Whole lines of the file after its header. The next ones take the place of the last."""
    space = bytearray(_READ)
    view = memoryview(space)
    with text.path.open("rb") as file:
        file.readline()
        kept = 0
        while read := file.readinto(view[kept:]):
            whole = space.rfind(b"\n", 0, kept + read) + 1
            if whole:
                yield view[:whole]
            view[: kept + read - whole] = view[whole : kept + read]
            kept += read - whole
        if kept:
            yield view[:kept]


def _by_row_groups(tables: Iterator[pa.Table]) -> Iterator[deque[pa.RecordBatch]]:
    """The rows of whole row groups, the last ones as they come. Who takes a batch out holds it alone."""
    held: list[pa.Table] = []
    rows = 0
    for table in tables:
        held.append(table)
        rows += table.num_rows
        if rows >= _ROWS_A_STATEMENT:
            full = rows - rows % _ROW_GROUP
            joined = pa.concat_tables(held)
            batches = deque(joined.slice(0, full).to_batches())
            held, rows = [joined.slice(full)], rows - full
            del joined, table
            yield batches
    if rows:
        yield deque(pa.concat_tables(held).to_batches())


def _number_users(con: duckdb.DuckDBPyConnection, delivery: Delivery, rows: deque[pa.RecordBatch]) -> int:
    """Put the number of each user in the place of the raw id. Returns rows that name a user."""
    personal = delivery.spec.personal
    if personal is None or personal.name not in delivery.columns:
        return 0
    cells = pa.chunked_array([batch[personal.name] for batch in rows]).unify_dictionaries()
    keys = _numbers(con, cells.chunk(0).dictionary)
    position = rows[0].schema.get_field_index(personal.name)
    for chunk in cells.chunks:
        rows.append(rows.popleft().set_column(position, personal.name, keys.take(chunk.indices)))
    return len(cells) - cells.null_count


def _numbers(con: duckdb.DuckDBPyConnection, texts: pa.StringArray) -> pa.Int64Array:
    """The numbers of raw user ids, in their order; an id that is new gets one."""
    batch = pa.record_batch({"user_text": texts, "place": np.arange(len(texts))})
    con.register(_STREAM, pa.RecordBatchReader.from_batches(batch.schema, iter([batch])))
    con.execute(f"create or replace temp table {TEXTS} as select * from {_STREAM}")
    con.unregister(_STREAM)
    applying.number_users(con, f"select user_text from {TEXTS} anti join {USERS} using (user_text)")
    found = con.execute(f"select user_key from {TEXTS} inner join {USERS} using (user_text) order by place")
    return pa.array(np.asarray(found.fetchnumpy()["user_key"]), pa.int64())


def _cased(words: tuple[str, ...]) -> list[str]:
    return [*words, *(word.upper() for word in words if word.isascii())]


def _check(cells: pa.Array, column: ColumnSpec, latest: datetime) -> None:
    """Raise `Odd` unless every cell is what the grammar would make of it."""
    if column.required and cells.null_count:
        raise Odd
    if column.personal:
        cells = cells.dictionary
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


def _insert(con: duckdb.DuckDBPyConnection, delivery: Delivery, rows: deque[pa.RecordBatch], line: int) -> None:
    """Insert the rows, the first of which stands in `line`, and let go of them one batch after the other."""
    spec = delivery.spec
    shop = applying.shop_sql("c", delivery)
    user = f"c.{identifier(spec.personal.name)}" if spec.personal else "null"
    expressions = applying.stored_expressions(spec, "c", user, f"hash({shop}, c.{identifier(spec.key[0])})")
    values = []
    for (name, sql), column in zip(expressions, applying.sources(spec), strict=True):
        if name == SHOP_COLUMN:
            values.append(shop)
        else:
            values.append(sql if column is None or column.name in delivery.columns else "null")
    schema = rows[0].schema.append(pa.field("source_line", pa.int64()))
    # A transaction holds on to whatever it was given: a reader that is at its end holds nothing.
    con.register(_STREAM, pa.RecordBatchReader.from_batches(schema, _with_lines(rows, line)))
    try:
        con.execute(
            f"insert into {spec.raw_table} ({applying.named([name for name, _ in expressions])}, load_seq, source_line)"
            f" select {', '.join(values)}, {delivery.load_seq}, c.source_line from {_STREAM} as c"
        )
    finally:
        con.unregister(_STREAM)


def _with_lines(rows: deque[pa.RecordBatch], line: int) -> Iterator[pa.RecordBatch]:
    while rows:
        batch = rows.popleft()
        yield batch.append_column("source_line", pa.array(np.arange(line, line + batch.num_rows, dtype=np.int64)))
        line += batch.num_rows


@contextmanager
def _less_memory(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Three quarters of its memory for DuckDB: the rows lie beside it."""
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
