"""The short way for clean event files: typed straight from text into the raw table, each cell parsed once.

Anything unusual, a single odd cell included, makes the caller take the long way for the whole file, which gives the
same rows. Duplicates are no oddity: they are taken out again after the insert.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

from pipelines.landing import applying
from pipelines.landing.applying import Books, Delivery
from pipelines.landing.declarations import ColumnSpec
from pipelines.landing.decoding import Text
from pipelines.landing.grammar import EARLIEST, FALSE_WORDS, NULL_WORDS, TRUE_WORDS, identifier
from pipelines.landing.header import Header

# Blocks of this size stay in the cache of one core from parsing to handing over.
_BLOCK = 1 << 20
_ROWS_AT_ONCE = 1_000_000
_CHUNK = "landing_chunk"
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


def load_events(con: duckdb.DuckDBPyConnection, delivery: Delivery, header: Header, text: Text) -> Books:
    """Insert every new event of the file. Raises `Odd`, with the transaction to be rolled back, for an unusual cell."""
    applying.drop_temporary(con)
    con.execute("create temp table landing_users (user_text varchar, user_id varchar, user_key bigint)")
    # Event ids are all different: a dictionary of their parts costs a fifth of the load and saves little.
    con.execute("set disabled_compression_methods = 'fsst'")
    read = 0
    try:
        with ThreadPoolExecutor(1) as ahead:
            chunks = _chunks(delivery, header, text)
            coming = ahead.submit(next, chunks, None)
            while (chunk := coming.result()) is not None:
                coming = ahead.submit(next, chunks, None)
                read += chunk.num_rows
                con.register(_CHUNK, chunk)
                try:
                    _insert(con, delivery)
                finally:
                    con.unregister(_CHUNK)
    except (pa.ArrowInvalid, duckdb.ConversionException) as error:
        raise Odd from error
    finally:
        con.execute("reset disabled_compression_methods")
    if read != text.shape.lines - 1:
        raise Odd
    duplicate = _take_out_duplicates(con, delivery)
    applying.release_by_key(con, delivery)
    applying.release_by_path(con, delivery)
    applying.refresh_presence(con, delivery.spec, delivery.load_seq)
    return Books(read=read, loaded=read - duplicate, duplicate=duplicate)


def _chunks(delivery: Delivery, header: Header, text: Text) -> Iterator[pa.Table]:
    """Checked tables of up to a million rows: the declared columns and `source_line`."""
    spec = delivery.spec
    by_position = {f"c{position}": spec.by_name[name] for name, position in header.positions.items()}
    reader = pv.open_csv(
        text.path,
        pv.ReadOptions(
            block_size=_BLOCK, column_names=[f"c{position}" for position in range(header.width)], skip_rows=1
        ),
        pv.ParseOptions(newlines_in_values=False, quote_char=False),
        pv.ConvertOptions(
            column_types={name: _TYPES[column.type] for name, column in by_position.items()},
            include_columns=list(by_position),
            null_values=list(NULL_WORDS),
            strings_can_be_null=True,
            true_values=_cased(TRUE_WORDS),
            false_values=_cased(FALSE_WORDS),
            timestamp_parsers=[pv.ISO8601],
        ),
    )
    line, rows, batches = 2, 0, []
    with reader:
        for batch in reader:
            for position, column in by_position.items():
                _check(batch.column(position), column, delivery.clock.latest)
            numbers = pa.array(np.arange(line, line + batch.num_rows, dtype=np.int64))
            batches.append(pa.RecordBatch.from_arrays([*batch.columns, numbers], names=[*header.names, "source_line"]))
            line += batch.num_rows
            rows += batch.num_rows
            if rows >= _ROWS_AT_ONCE:
                yield pa.Table.from_batches(batches)
                rows, batches = 0, []
    if batches:
        yield pa.Table.from_batches(batches)


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
    elif column.type == "number" and column.min is not None:
        low = pc.min_max(cells)["min"].as_py()
        if low is not None and low < column.min:
            raise Odd
    elif column.type == "id" and pc.any(pc.ends_with(cells, ".0")).as_py():
        raise Odd


def _insert(con: duckdb.DuckDBPyConnection, delivery: Delivery) -> None:
    spec = delivery.spec
    join, user = "", "null"
    if spec.personal and spec.personal.name in delivery.columns:
        name = identifier(spec.personal.name)
        applying.number_users(
            con,
            f"select distinct {name} as user_text from {_CHUNK} where {name} is not null "
            f"except select user_text from landing_users",
        )
        join = f"left join landing_users as u on c.{name} = u.user_text"
        user = "u.user_key"
    shop = applying.shop_sql("c", delivery)
    expressions = applying.stored_expressions(spec, "c", user, f"hash({shop}, c.{identifier(spec.key[0])})")
    values = []
    for (name, sql), column in zip(expressions, applying.sources(spec), strict=True):
        if name == "shop_id":
            values.append(shop)
        else:
            values.append(sql if column is None or column.name in delivery.columns else "null")
    con.execute(
        f"insert into {spec.raw_table} ({applying.named([name for name, _ in expressions])}, load_seq, source_line) "
        f"select {', '.join(values)}, {delivery.load_seq}, c.source_line from {_CHUNK} as c {join}"
    )


def _take_out_duplicates(con: duckdb.DuckDBPyConnection, delivery: Delivery) -> int:
    """Delete events of this load that stood before in the file or in an earlier one. Returns rows deleted."""
    spec, seq = delivery.spec, delivery.load_seq
    mine = f"(select * from {spec.raw_table} where load_seq = {seq})"
    rows, hashes = con.execute(f"select count(*), count(distinct key_hash) from {mine}").fetchone() or (0, 0)
    keys = applying.named(spec.key_stored)
    con.execute("create temp table landing_dropped (source_line bigint)")
    if rows != hashes:
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
