"""What a load would make of one file, without loading it."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from pipelines.landing import applying, pseudonyms, reading
from pipelines.landing.applying import TYPED, Delivery
from pipelines.landing.declarations import FeedSpec, load_feeds
from pipelines.landing.decoding import Unreadable
from pipelines.landing.discovery import READABLE, kind_of
from pipelines.landing.grammar import Clock
from pipelines.landing.header import Header, Matcher
from pipelines.landing.reading import BROKEN, Content


@dataclass(frozen=True)
class Inspection:
    """Findings on one file. `problems` are one line each and empty for a file that loads without a loss."""

    path: Path
    feed: str | None
    encoding: str | None = None
    columns: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    rows: int = 0
    problems: tuple[str, ...] = ()


def inspect_file(
    path: Path,
    *,
    feed: str | None = None,
    default_shop: str = "default",
    time_zone: str = "Asia/Shanghai",
    now: datetime | None = None,
) -> Inspection:
    """Read and type `path` as `feed`; without one, the feed of a folder above it, else the first whose header fits."""
    kind = kind_of(path.name)
    if not path.is_file():
        return Inspection(path, None, problems=("is not a file; name a file to inspect",))
    if kind is None:
        return Inspection(path, None, problems=(f"has an extension that is not read; expected {', '.join(READABLE)}",))
    feeds = load_feeds()
    placed = feed or next((part for part in reversed(path.resolve().parts[:-1]) if part in feeds), None)
    candidates = [feeds[placed]] if placed in feeds else sorted(feeds.values(), key=lambda spec: -len(spec.required))
    with tempfile.TemporaryDirectory() as folder:
        con = duckdb.connect(config={"temp_directory": folder, "memory_limit": "400MB"})
        scratch = Path(folder)
        # Nothing is kept: any key does for the pseudonyms of the rows shown nowhere.
        pseudonyms.prepare(con, b"inspection")
        refusals: list[str] = []
        try:
            for spec in candidates:
                try:
                    content = _read(con, spec, path, kind, scratch)
                except Unreadable as error:
                    refusals.append(str(error))
                    continue
                clock = Clock(now or datetime.now(), time_zone)
                delivery = Delivery(spec, content.header.names, "", path.name, 0, default_shop, clock)
                return _findings(con, delivery, content, path)
        finally:
            con.close()
    if placed or not refusals or len(set(refusals)) == 1:
        return Inspection(path, placed, problems=(refusals[0],) if refusals else ())
    return Inspection(path, None, problems=(f"its header fits no feed; known are {', '.join(feeds)}",))


def _read(con: duckdb.DuckDBPyConnection, spec: FeedSpec, path: Path, kind: str, scratch: Path) -> Content:
    if kind not in ("csv", "csv.gz"):
        return reading.read_cells(con, Matcher(spec), path, kind, scratch)
    text = reading.open_text(path, kind, scratch)
    header, line = reading.text_header(Matcher(spec), text)
    return reading.read_text(con, header, line, text, scratch)


def _findings(con: duckdb.DuckDBPyConnection, delivery: Delivery, content: Content, path: Path) -> Inspection:
    header: Header = content.header
    applying.drop_temporary(con)
    applying.type_cells(con, delivery)
    found = con.execute(
        f"select bad_column, bad_reason, count(*), min(line) from {TYPED} where bad_column is not null group by all "
        f"union all select null, reason, count(*), min(line) from {BROKEN} group by all order by 4"
    ).fetchall()
    problems = [
        f"{number} rows: {reason}{f' in {column}' if column else ''}, first in line {line}"
        for column, reason, number, line in found
    ]
    nulled, rounded = con.execute(
        f"select coalesce(sum(values_nulled), 0), coalesce(sum(values_rounded), 0) from {TYPED} "
        "where bad_column is null"
    ).fetchone() or (0, 0)
    counts = Counter({"unknown values would become empty": int(nulled), "amounts would be rounded": int(rounded)})
    problems += [f"{number} {what}" for what, number in counts.items() if number]
    return Inspection(
        path=path,
        feed=delivery.spec.feed,
        encoding=content.encoding,
        columns=header.names,
        left_out=header.unknown,
        rows=content.rows,
        problems=tuple(problems),
    )
