"""What arrives when: rows are held until the day they are delivered, then written as that day's files.

A file's name ends in the last day it knows; its modification time is one o'clock of the next morning, before the
night of that day runs.
"""

import gzip
import io
import os
import re
import zipfile
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Literal
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from pipelines.simulate.columns import (
    DAY,
    FEEDS,
    Feed,
    Frame,
    Ints,
    Vocabulary,
    concat,
    select,
    size,
    to_table,
    to_text,
)
from pipelines.simulate.dirt import OUTCOMES, Spot, bend_lines, spoil
from pipelines.simulate.ledger import Ledger

Format = Literal["csv", "csv.gz", "parquet", "xlsx"]
FORMATS: dict[str, Format] = {
    "orders": "csv",
    "refunds": "csv",
    "reviews": "csv.gz",
    "traffic_events": "parquet",
    "products": "xlsx",
    "authors": "csv",
    "contents": "csv",
    "users": "parquet",
    "members": "csv",
    "campaigns": "csv",
    "lucky_bags": "csv",
    "ad_spend": "csv",
    "service_sessions": "csv",
    "nps_surveys": "csv",
    "author_audience": "csv.gz",
    "benchmarks": "csv",
    "official_metrics": "csv",
}
_EPOCH = date(1970, 1, 1)
_SHANGHAI = 8 * 3600
_NAME = re.compile(r"_(\d{4}-\d{2}-\d{2})\.(?:csv|csv\.gz|parquet|xlsx)$")


def deliveries(out: Path) -> list[tuple[date, list[Path]]]:
    """The files of a simulated folder by the business day whose night must see them, oldest first."""
    found: dict[date, list[Path]] = defaultdict(list)
    for feed in FEEDS:
        for path in sorted((out / feed).glob("*")):
            if match := _NAME.search(path.name):
                found[date.fromisoformat(match[1])].append(path)
    return sorted(found.items())


class Landing:
    """The folder a simulation writes. Days are counted since 1970.

    Rows of the days before the last `daily_tail` come as one export a month, with the newest version of every key;
    without a tail every day has its own files. With dirt every feed but the catalogue is CSV, so that a truth can name
    lines.
    """

    def __init__(
        self,
        out: Path,
        first_day: int,
        last_day: int,
        words: Vocabulary,
        formats: Mapping[str, Format],
        daily_tail: int | None,
        dirt: float,
        seed: int,
    ) -> None:
        self._out, self._first, self._last = out, first_day, last_day
        self._words, self._dirt, self._seed = words, dirt, seed
        self._formats = {**FORMATS, **formats}
        if dirt:
            for feed, kind in self._formats.items():
                self._formats[feed] = "csv" if kind in ("parquet", "xlsx") and feed != "products" else kind
        self._daily_from = first_day if daily_tail is None else max(first_day, last_day - daily_tail + 1)
        self._waiting: dict[tuple[str, int], list[Frame]] = defaultdict(list)
        self._gathered: dict[str, list[Frame]] = defaultdict(list)
        self._open: dict[str, _File] = {}
        self.ledger = Ledger()

    def put(self, feed: str, frame: Frame, days: Ints) -> None:
        """Rows to deliver, and the day of each; what is due after the last day is never delivered."""
        days = np.maximum(days, self._first)
        for day in np.unique(days):
            if day <= self._last:
                self._waiting[feed, int(day)].append(select(frame, days == day))

    def close_day(self, day: int) -> None:
        """Write everything delivered that day; nothing more may be put for it."""
        closes = self._batch_end(day) == day
        for feed in FEEDS:
            parts = self._waiting.pop((feed, day), [])
            if feed == "traffic_events":
                # By far the largest feed goes to its file day by day, so that memory stays flat.
                if parts:
                    whole = concat(parts)
                    self._write(FEEDS[feed], select(whole, np.argsort(whole["occurred_at"], kind="stable")), day)
            else:
                self._gathered[feed] += parts
                if closes and self._gathered[feed]:
                    self._write(FEEDS[feed], _newest(FEEDS[feed], concat(self._gathered.pop(feed))), day)
            if closes and feed in self._open:
                self._open.pop(feed).close()
                self.ledger.files[feed] += 1

    def _batch_end(self, day: int) -> int:
        if day >= self._daily_from:
            return day
        on = _EPOCH + timedelta(days=day)
        month_end = (on.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        return min((month_end - _EPOCH).days, self._daily_from - 1)

    def _write(self, feed: Feed, frame: Frame, day: int) -> None:
        if feed.name not in self._open:
            end = self._batch_end(day)
            label = (_EPOCH + timedelta(days=end)).isoformat()
            path = self._out / feed.name / f"{feed.name}_{label}.{self._formats[feed.name]}"
            stamp = (end + 1) * DAY + 3600 - _SHANGHAI
            # A review's text needs quotes; ids, enums and times do not.
            self._open[feed.name] = _File(path, self._formats[feed.name], stamp, feed.name == "reviews")
        file = self._open[feed.name]
        table = to_table(feed, frame, self._words)
        spots: list[Spot] = []
        repeated = np.empty(0, dtype=np.int64)
        if self._dirt and file.is_text:
            rng = np.random.default_rng([self._seed, 99, list(FEEDS).index(feed.name), day])
            table, spots, repeated = spoil(rng, feed, to_text(table), self._dirt)
        first_line = file.write(table, spots)
        kept = np.ones(size(frame), dtype=np.bool_)
        kept[[spot.row for spot in spots if OUTCOMES[spot.kind][0] == "quarantined"]] = False
        place = str(file.path.relative_to(self._out))
        self.ledger.truth += [
            (feed.name, place, first_line + spot.row, spot.column, spot.kind, *OUTCOMES[spot.kind], spot.value)
            for spot in spots
        ]
        self.ledger.book(feed, select(frame, kept), read=table.num_rows, duplicates=len(repeated))


def _newest(feed: Feed, frame: Frame) -> Frame:
    """One row per key: the newest version, else the one that came last."""
    count = size(frame)
    newest = frame[feed.version] if feed.version else np.arange(count)
    key = [frame[name] for name in reversed(feed.key)]
    order = np.lexsort([newest, *key, frame["shop_id"]])
    last = np.ones(count, dtype=np.bool_)
    if count > 1:
        same = np.ones(count - 1, dtype=np.bool_)
        for column in (*key, frame["shop_id"]):
            same &= column[order][1:] == column[order][:-1]
        last[:-1] = ~same
    return select(frame, np.sort(order[last]))


class _File:
    """One landing file, written in chunks. The modification time is set when it is closed."""

    def __init__(self, path: Path, kind: Format, stamp: int, quoted: bool) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.is_text = path, kind in ("csv", "csv.gz")
        self._kind, self._stamp = kind, stamp
        self._quoting: Literal["needed", "none"] = "needed" if quoted else "none"
        self._line = 2
        self._handle: IO[bytes] | gzip.GzipFile | None = None
        self._parquet: pq.ParquetWriter | None = None
        self._raw = path.open("wb")
        if kind == "csv.gz":
            # No name and no time inside, so the same rows are the same bytes.
            self._handle = gzip.GzipFile(filename="", mode="wb", fileobj=self._raw, compresslevel=1, mtime=0)
        elif kind == "csv":
            self._handle = self._raw

    def write(self, table: pa.Table, spots: list[Spot]) -> int:
        """Append the rows; the physical line (or sheet row) of the first of them."""
        first = self._line
        if self._handle is not None:
            table = to_text(table) if self._quoting == "needed" else table
            options = pa_csv.WriteOptions(include_header=first == 2, quoting_style=self._quoting)
            if spots:
                text = io.BytesIO()
                pa_csv.write_csv(table, text, options)
                self._handle.write(bend_lines(text.getvalue(), spots, first == 2))
            else:
                pa_csv.write_csv(table, self._handle, options)
        elif self._kind == "parquet":
            if self._parquet is None:
                plain = pa.schema([(field.name, _parquet_type(field.type)) for field in table.schema])
                self._parquet = pq.ParquetWriter(self._raw, plain, compression="zstd", compression_level=1)
            self._parquet.write_table(table.cast(self._parquet.schema))
        else:
            _write_sheet(self._raw, to_text(table), table.schema)
        self._line += table.num_rows
        return first

    def close(self) -> None:
        if self._parquet is not None:
            self._parquet.close()
        if self._handle is not None:
            self._handle.close()
        self._raw.close()
        os.utime(self.path, (self._stamp, self._stamp))


def _parquet_type(kind: pa.DataType) -> pa.DataType:
    return pa.timestamp("us") if pa.types.is_timestamp(kind) else kind


_SHEET_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Target="xl/workbook.xml"'
    ' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>',
    "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    ' xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Target="worksheets/sheet1.xml"'
    ' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"/></Relationships>',
}


def _write_sheet(handle: IO[bytes], table: pa.Table, schema: pa.Schema) -> None:
    """A small workbook without dates inside, unlike what the usual libraries write: same rows, same bytes."""
    numeric = [not (pa.types.is_string(field.type) or pa.types.is_timestamp(field.type)) for field in schema]

    def cell(value: str | None, number: bool) -> str:
        if value is None:
            return "<c/>"
        if number:
            return f"<c><v>{value}</v></c>"
        return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'

    lines = ["<row>" + "".join(cell(name, False) for name in table.column_names) + "</row>"]
    for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
        lines.append("<row>" + "".join(map(cell, row, numeric)) + "</row>")
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        + "".join(lines)
        + "</sheetData></worksheet>"
    )
    with zipfile.ZipFile(handle, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in {**_SHEET_PARTS, "xl/worksheets/sheet1.xml": sheet}.items():
            head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
            entry = zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            book.writestr(entry, head + text)
