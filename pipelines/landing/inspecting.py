"""What a load would make of one file, without loading it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path

import duckdb

from pipelines.landing import applying, pseudonyms, reading, translating
from pipelines.landing.applying import TYPED, Delivery
from pipelines.landing.declarations import FeedSpec, load_feeds
from pipelines.landing.decoding import Unreadable
from pipelines.landing.discovery import READABLE, discover, kind_of
from pipelines.landing.grammar import Clock, identifier, quoted
from pipelines.landing.header import Matcher
from pipelines.landing.layouts import Layout, load_layouts
from pipelines.landing.reading import BROKEN, CELLS, Content


@dataclass(frozen=True)
class Fed:
    """What one feed would get: rows that load, rows that would be held back, first and last day they speak of."""

    feed: str
    loads: int
    held_back: int
    first_day: date | None = None
    last_day: date | None = None
    # Columns of the feed that the file does not fill.
    unfilled: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inspection:
    """Findings on one file. `problems` are one line each and empty for a file that loads without a loss; `notes` tell
    what is no problem but worth knowing.
    """

    path: Path
    feed: str | None
    encoding: str | None = None
    # Columns that are read, and those that nothing knows.
    columns: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    rows: int = 0
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    layout: Layout | None = None
    known: int = 0
    width: int = 0
    set_aside: int = 0
    fed: tuple[Fed, ...] = ()


def inspect_file(
    path: Path,
    *,
    feed: str | None = None,
    default_shop: str = "default",
    time_zone: str = "Asia/Shanghai",
    now: datetime | None = None,
) -> Inspection:
    """Read and type `path`: as the export that its header shows, else as `feed`; without one, as the feed of a folder
    above it, else the first whose header fits.
    """
    kind = kind_of(path.name)
    if not path.is_file():
        return Inspection(path, None, problems=("is not a file; name a file to inspect",))
    if kind is None:
        return Inspection(path, None, problems=(f"has an extension that is not read; expected {', '.join(READABLE)}",))
    feeds = load_feeds()
    placed = feed or next((part for part in reversed(path.resolve().parts[:-1]) if part in feeds), None)
    by_width = sorted(feeds.values(), key=lambda spec: -len(spec.required))
    candidates: list[FeedSpec | None] = [feeds[placed]] if placed in feeds else [None, *by_width]
    clock = Clock(now or datetime.now(), time_zone)
    refusals: list[str] = []
    with _scratch() as (con, scratch):
        for spec in candidates:
            try:
                content = _read(con, Matcher(spec), path, kind, scratch)
                found = _findings(con, content, path, spec, default_shop, clock)
                if placed or found.layout or spec is None:
                    return found
                where = f"its place is landing/{spec.feed}/; a night refuses it anywhere else"
                return replace(found, notes=(*found.notes, where))
            except Unreadable as error:
                refusals.append(str(error))
    if placed or len(set(refusals)) == 1:
        return Inspection(path, placed, problems=(refusals[0],) if refusals else ())
    # What came closest among the exports says more than what any feed misses.
    nearest = next((refusal for refusal in refusals if "closest is" in refusal or "equally well" in refusal), None)
    return Inspection(path, None, problems=(nearest or f"its header fits no feed; known are {', '.join(feeds)}",))


def inspect_all(paths: Iterable[Path], *, feed: str | None, default_shop: str, time_zone: str) -> Iterator[Inspection]:
    """Every file of these, and of a folder among them every one that a load would look at, even to refuse it unread."""
    look = partial(inspect_file, feed=feed, default_shop=default_shop, time_zone=time_zone)
    for path in paths:
        if not path.is_dir():
            yield look(path)
            continue
        found = sorted(discover(path, load_feeds()), key=lambda item: item.relative)
        if not found:
            yield Inspection(path, None, problems=("holds no file that a night would look at",))
        for item in found:
            file = path / item.path.relative_to(path.resolve())
            yield Inspection(file, None, problems=(item.problem,)) if item.problem else look(file)


def still_missing(found: Iterable[Inspection]) -> list[str]:
    """One line a feed that none of these files fills: what it would unlock and which export has it."""
    filled = {fed.feed for inspection in found for fed in inspection.fed}
    sources: dict[str, list[str]] = {}
    for layout in load_layouts().values():
        for part in layout.feeds:
            sources.setdefault(part.feed, []).append(layout.label_zh)
    lines = []
    for spec in load_feeds().values():
        if spec.feed not in filled:
            of = f"from {' or '.join(sources[spec.feed])}" if spec.feed in sources else "a file of your own"
            lines.append(f"{spec.feed} ({spec.label_zh}), {of}: {spec.unlocks}")
    return lines


@contextmanager
def _scratch() -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        con = duckdb.connect(config={"temp_directory": folder, "memory_limit": "400MB"})
        # Nothing is kept: any key does for the pseudonyms of the rows shown nowhere.
        pseudonyms.prepare(con, b"inspection")
        try:
            yield con, Path(folder)
        finally:
            con.close()


def _read(con: duckdb.DuckDBPyConnection, matcher: Matcher, path: Path, kind: str, scratch: Path) -> Content:
    if kind not in ("csv", "csv.gz"):
        return reading.read_cells(con, matcher, path, kind, scratch)
    text = reading.open_text(path, kind, scratch)
    header, line = reading.text_header(matcher, text)
    return reading.read_text(con, header, line, text, scratch)


def _findings(
    con: duckdb.DuckDBPyConnection, content: Content, path: Path, spec: FeedSpec | None, shop: str, clock: Clock
) -> Inspection:
    header, layout = content.header, content.header.layout
    aside = translating.set_aside(con, header)
    whole = Inspection(
        path=path,
        feed=spec.feed if spec and layout is None else None,
        encoding=content.encoding,
        columns=header.names,
        left_out=header.unknown,
        rows=content.rows,
        layout=layout,
        known=header.known or len(header.names),
        width=header.width,
        set_aside=aside,
    )
    if layout is None:
        if spec is None:
            raise Unreadable("its header is of no export that is known")
        translating.refuse_totals(con, translating.where_sums_stand(spec, header))
        delivery = Delivery(spec, header.names, "", path.name, 0, shop, clock)
        fed, problems = _would_load(con, delivery)
        return replace(whole, fed=(fed,), problems=problems)
    translating.refuse_totals(con, {name: header.titles[name] for name in layout.dated if name in header.titles})
    period = translating.period_in_name(path.name)
    notes = [f"feeds nothing: {layout.why}"] if layout.why else []
    notes += [translating.why_not(layout, p, period) for p in layout.feeds if not translating.applies(p, period)]
    notes += _not_final(con, layout, header.titles)
    found: list[Fed] = []
    problems = ()
    for part in layout.feeds:
        if translating.applies(part, period):
            translation = translating.translate(con, header, layout, part, period)
            feed = load_feeds()[part.feed]
            delivery = Delivery(feed, translation.columns, "", path.name, 0, shop, clock, translation)
            fed, mine = _would_load(con, delivery)
            found.append(fed)
            problems += tuple(line for line in mine if line not in problems)
    feed_names = ", ".join(fed.feed for fed in found) or None
    return replace(whole, feed=feed_names, fed=tuple(found), problems=problems, notes=tuple(notes))


def _would_load(con: duckdb.DuckDBPyConnection, delivery: Delivery) -> tuple[Fed, tuple[str, ...]]:
    """What the feed of this delivery would get, and one line for each kind of loss."""
    spec = delivery.spec
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
    dated = next((c for c in spec.columns if c.type in ("ts", "date") and c.name in delivery.columns), None)
    day = f"cast({identifier(dated.name)} as date)" if dated else "null::date"
    loads, first, last, nulled, rounded = con.execute(
        f"select count(distinct line), min({day}), max({day}), coalesce(sum(values_nulled), 0), "
        f"coalesce(sum(values_rounded), 0) from {TYPED} where bad_column is null"
    ).fetchone() or (0, None, None, 0, 0)
    for number, what in ((nulled, "unknown values would become empty"), (rounded, "amounts would be rounded")):
        if number:
            problems.append(f"{int(number)} {what}")
    unfilled = tuple(c.name for c in spec.columns if c.name not in delivery.columns and not c.internal)
    held_back = sum(number for _, _, number, _ in found)
    return Fed(spec.feed, int(loads), int(held_back), first, last, unfilled), tuple(problems)


def _not_final(con: duckdb.DuckDBPyConnection, layout: Layout, titles: dict[str, str]) -> list[str]:
    notes = []
    for column, word in layout.not_final.items():
        if column in titles:
            (rows,) = con.execute(
                f"select count(*) from {CELLS} where contains({identifier(column)}, {quoted(word)})"
            ).fetchone() or (0,)
            if rows:
                notes.append(f"{rows} rows are not final ({titles[column]}: {word}); export these days again tomorrow")
    return notes
