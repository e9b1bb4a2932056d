"""Load what is new in the landing folder: one transaction a file, so that a killed load is as if it had not begun."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from pipelines.landing import applying, direct, pseudonyms, reading, translating
from pipelines.landing.applying import Books, Delivery
from pipelines.landing.declarations import FeedSpec, load_feeds
from pipelines.landing.decoding import Unreadable, content_hash
from pipelines.landing.discovery import UNPLACED, Found, discover
from pipelines.landing.grammar import Clock
from pipelines.landing.header import Header, Matcher
from pipelines.landing.layouts import Layout, layouts_digest, load_layouts
from pipelines.landing.reading import Content

SCRATCH = "landing-scratch"
# Trying them on every column costs a tenth of a load and the file comes out no smaller.
_NOT_TRIED = "fsst,dict_fsst,zstd,rle,chimp,patas,alprd"


@dataclass(frozen=True)
class FileResult:
    """What became of one file in one feed; an export may feed several.

    `status` is loaded, already_loaded or refused; `error` is one line, None where loaded; `layout` names the export.
    """

    path: str
    feed: str
    status: str
    books: Books = field(default_factory=Books)
    error: str | None = None
    encoding: str | None = None
    load_seq: int | None = None
    reader: str | None = None
    notes: tuple[str, ...] = ()
    layout: str | None = None


@dataclass(frozen=True)
class LoadReport:
    """What a load did, file by file in delivery order. Files not looked into, being unchanged, are only counted."""

    files: tuple[FileResult, ...] = ()
    unchanged: int = 0

    @property
    def refused(self) -> tuple[FileResult, ...]:
        """Files of which nothing was loaded."""
        return tuple(file for file in self.files if file.status == "refused")

    @property
    def rows(self) -> Books:
        """Sums over all files."""
        names = ("read", "loaded", "duplicate", "quarantined", "set_aside", "nulled", "rounded")
        return Books(*(sum(getattr(file.books, name) for file in self.files) for name in names))

    def __str__(self) -> str:
        statuses = Counter(file.status for file in self.files)
        rows = self.rows
        return (
            f"{statuses['loaded']} files loaded, {statuses['already_loaded']} already loaded, "
            f"{statuses['refused']} refused, {self.unchanged} unchanged; {rows.read} rows read, {rows.loaded} loaded, "
            f"{rows.duplicate} duplicate, {rows.quarantined} quarantined, {rows.set_aside} set aside"
        )


@dataclass
class _Load:
    con: duckdb.DuckDBPyConnection
    scratch: Path
    default_shop: str
    clock: Clock
    run_id: str
    progress: Callable[[str], None]
    cache: dict[str, tuple[int, int, int, str, str]] = field(default_factory=dict)


def load_landing(
    con: duckdb.DuckDBPyConnection,
    *,
    landing: Path,
    state: Path,
    default_shop: str,
    time_zone: str,
    run_id: str,
    now: datetime,
    progress: Callable[[str], None],
) -> LoadReport:
    """Load every new or changed file under `landing` into the build database behind `con` (its schema must exist).

    `now` is the moment of the run; without a zone it is read in `time_zone`. A bad row goes to quarantine, a bad file
    is refused with one line, and neither stops the others. Raises `QuanyuError` where the hash key was exchanged.
    """
    zone = ZoneInfo(time_zone)
    local = now.astimezone(zone).replace(tzinfo=None) if now.tzinfo else now
    scratch = state / SCRATCH
    # A killed load may have left decoded copies of files there.
    shutil.rmtree(scratch, ignore_errors=True)
    key = pseudonyms.hash_key(state)
    feeds = load_feeds()
    load = _Load(con, scratch, default_shop, Clock(local, time_zone), run_id, progress)
    load.cache = {
        path: (size, mtime, ctime, sha, declaration)
        for path, size, mtime, ctime, sha, declaration in con.execute(
            "select path, size, mtime_ns, ctime_ns, sha256, declaration from control.landing_files"
        ).fetchall()
    }
    results: list[FileResult] = []
    unchanged = 0
    if not landing.is_dir():
        progress(f"{landing}: no such folder; nothing to load")
        return LoadReport()
    pseudonyms.prepare(con, key)
    con.execute(f"set disabled_compression_methods = '{_NOT_TRIED}'")
    try:
        for found in discover(landing, feeds):
            news = _one_file(load, found, feeds.get(found.feed))
            unchanged += not news
            results += news
            for result in news:
                progress(_told(result))
    finally:
        con.execute("reset disabled_compression_methods")
        pseudonyms.forget(con)
        shutil.rmtree(scratch, ignore_errors=True)
    return LoadReport(tuple(results), unchanged)


def _told(result: FileResult) -> str:
    if result.status == "refused":
        return f"{result.path}: refused: {result.error}"
    if result.status == "already_loaded":
        return f"{result.path}: the same content was loaded before; nothing to do"
    books = result.books
    parts = [f"{books.loaded} rows loaded{f' into {result.feed}' if result.layout else ''}"] if result.load_seq else []
    for number, word in (
        (books.duplicate, "duplicate"),
        (books.quarantined, "quarantined"),
        (books.set_aside, "set aside"),
    ):
        if number:
            parts.append(f"{number} {word}")
    return f"{result.path}: {', '.join([*parts, *result.notes])}"


def _one_file(load: _Load, found: Found, spec: FeedSpec | None) -> list[FileResult]:
    """Empty where the file is as it was when it was last looked into."""
    digest = layouts_digest() if spec is None else f"{spec.digest}-{layouts_digest()}"
    stamp = (found.size, found.mtime_ns, found.ctime_ns)
    known = load.cache.get(found.relative)
    if known and known[:3] == stamp and known[4] == digest:
        return []
    if found.problem:
        # Its bytes are none of our business: a link may lead anywhere.
        return [_refuse(load, found, "", digest, found.problem)]
    try:
        sha = content_hash(found.path)
    except OSError as error:
        why = f"cannot be read ({error.strerror}); check its permissions"
        return [_refuse(load, found, "", digest, why, keep=False)]
    # An export is itself wherever it lies.
    loaded = load.con.execute(
        "select path, feed, layout from control.load_audit where sha256 = ? and status = 'loaded' "
        "and (feed = ? or layout is not null)",
        [sha, found.feed],
    ).fetchall()
    before = [
        (path, feed)
        for path, feed, layout in loaded
        if translating.same_days(load_layouts().get(layout), found.relative, path)
    ]
    if before:
        with _transaction(load.con):
            applying.release_overwritten(load.con, found.relative, sha, load.clock.now)
        if any(path == found.relative for path, _ in before):
            _remember(load, found, sha, digest)
            return []
        return [_already_loaded(load, found, sha, digest, before[0][1])]
    load.scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        return _load_file(load, found, spec, sha, digest)
    except Unreadable as error:
        return [_refuse(load, found, sha, digest, str(error))]
    finally:
        translating.forget(load.con)
        reading.drop_cells(load.con)
        applying.drop_temporary(load.con)
        shutil.rmtree(load.scratch, ignore_errors=True)


def _load_file(load: _Load, found: Found, spec: FeedSpec | None, sha: str, digest: str) -> list[FileResult]:
    con, scratch = load.con, load.scratch
    matcher = Matcher(spec, found.misplaced)

    def delivery(spec: FeedSpec, header: Header) -> Delivery:
        return Delivery(spec, header.names, sha, found.relative, _next_seq(con), load.default_shop, load.clock)

    def finish(delivery: Delivery, content: Content, books: Books, notes: tuple[str, ...] = ()) -> FileResult:
        layout = content.header.layout
        result = FileResult(
            path=found.relative,
            feed=delivery.spec.feed,
            status="loaded",
            books=_balanced(books),
            encoding=content.encoding,
            load_seq=delivery.load_seq,
            reader=content.reader,
            notes=notes if layout else _notes(content.header.unknown),
            layout=layout.layout if layout else None,
        )
        _book(load, result, sha, content.counted)
        return result

    if found.kind in ("csv", "csv.gz"):
        text = reading.open_text(found.path, found.kind, scratch)
        header, line = reading.text_header(matcher, text)
        if line == 1 and spec and header.layout is None and direct.can_load(delivery(spec, header), header, text):
            try:
                with _transaction(con):
                    given = delivery(spec, header)
                    books = direct.load_events(con, given, header, text)
                    content = Content(header, text.encoding, books.read, text.shape.lines - 1, "direct")
                    result = finish(given, content, books)
                    _close(load, found, sha, digest)
                    return [result]
            except direct.Odd:
                load.progress(f"{found.relative}: has unusual cells, is read the careful way")
        content = reading.read_text(con, header, line, text, scratch)
    else:
        content = reading.read_cells(con, matcher, found.path, found.kind, scratch)
    layout = content.header.layout
    aside = translating.set_aside(con, content.header)
    with _transaction(con):
        if layout is None and spec is not None:
            translating.refuse_totals(con, translating.where_sums_stand(spec, content.header))
            given = delivery(spec, content.header)
            results = [finish(given, content, applying.apply_cells(con, given, content.rows))]
        elif layout is not None:
            results = _load_export(load, found, sha, content, layout, aside, delivery, finish)
        else:
            raise Unreadable(found.misplaced)
        _close(load, found, sha, digest)
    return results


def _load_export(
    load: _Load,
    found: Found,
    sha: str,
    content: Content,
    layout: Layout,
    aside: int,
    delivery: Callable[[FeedSpec, Header], Delivery],
    finish: Callable[[Delivery, Content, Books, tuple[str, ...]], FileResult],
) -> list[FileResult]:
    """Each feed of the layout in turn; without one, or with none that this file's period allows, all is set aside."""
    header, feeds = content.header, load_feeds()
    translating.refuse_totals(load.con, {name: header.titles[name] for name in layout.dated if name in header.titles})
    period = translating.period_in_name(found.relative)
    results: list[FileResult] = []
    notes = [f"is {layout.label_zh}"]
    notes += [translating.why_not(layout, p, period) for p in layout.feeds if not translating.applies(p, period)]
    notes += _notes(header.unknown)
    for part in layout.feeds:
        if translating.applies(part, period):
            translation = translating.translate(load.con, header, layout, part, period)
            given = replace(delivery(feeds[part.feed], header), columns=translation.columns, translation=translation)
            books = applying.apply_cells(load.con, given, content.rows, aside)
            results.append(finish(given, content, books, () if results else tuple(notes)))
    if results:
        return results
    if layout.why:
        notes.insert(1, f"feeds nothing: {layout.why}")
    result = FileResult(
        path=found.relative,
        feed=UNPLACED,
        status="loaded",
        books=Books(read=content.rows, set_aside=content.rows),
        encoding=content.encoding,
        reader=content.reader,
        notes=tuple(notes),
        layout=layout.layout,
    )
    _book(load, result, sha, content.counted)
    return [result]


def _next_seq(con: duckdb.DuckDBPyConnection) -> int:
    row = con.execute("select coalesce(max(load_seq), 0) + 1 from control.load_audit").fetchone()
    return int(row[0]) if row else 1


def _balanced(books: Books) -> Books:
    if not books.balance:
        raise Unreadable(f"does not balance: {books}; this is a defect of the loader, report it")
    return books


def _close(load: _Load, found: Found, sha: str, digest: str) -> None:
    """Last in the file's transaction: it counts only if it is still what was read."""
    _must_be_unchanged(found)
    _remember(load, found, sha, digest)


@contextmanager
def _transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    con.execute("begin")
    try:
        yield
        con.execute("commit")
    except BaseException:
        # A statement that failed may have ended the transaction already.
        with suppress(duckdb.TransactionException):
            con.execute("rollback")
        raise


def _notes(unknown: tuple[str, ...]) -> tuple[str, ...]:
    if not unknown:
        return ()
    shown = ", ".join(name[:40] for name in unknown[:8]) + (", …" if len(unknown) > 8 else "")
    return (f"columns left out: {shown}",)


def _must_be_unchanged(found: Found) -> None:
    try:
        info = found.path.stat()
    except OSError as error:
        raise Unreadable("went away while it was read; drop it again") from error
    if (info.st_size, info.st_mtime_ns) != (found.size, found.mtime_ns):
        raise Unreadable("was still being written; it is read again by the next run")


def _refuse(load: _Load, found: Found, sha: str, digest: str, why: str, *, keep: bool = True) -> FileResult:
    """Book a refusal. Without `keep` (the reason may pass by itself) the file is looked into again by the next run."""
    result = FileResult(path=found.relative, feed=found.feed, status="refused", error=f"{found.relative}: {why}")
    with _transaction(load.con):
        _book(load, result, sha, None)
        if keep:
            _remember(load, found, sha, digest)
    return FileResult(path=found.relative, feed=found.feed, status="refused", error=why)


def _already_loaded(load: _Load, found: Found, sha: str, digest: str, feed: str) -> FileResult:
    result = FileResult(path=found.relative, feed=feed, status="already_loaded")
    with _transaction(load.con):
        _book(load, result, sha, None)
        _remember(load, found, sha, digest)
    return result


def _book(load: _Load, result: FileResult, sha: str, counted: int | None) -> None:
    """One audit row for (sha256, feed, path); a later attempt replaces an earlier one that loaded nothing."""
    books = result.books
    load.con.execute(
        "delete from control.load_audit where sha256 = ? and feed = ? and path = ? and status <> 'loaded'",
        [sha, result.feed, result.path],
    )
    load.con.execute(
        "insert into control.load_audit (load_seq, run_id, sha256, feed, path, rows_read, rows_loaded, rows_duplicate, "
        "rows_quarantined, rows_set_aside, values_nulled, values_rounded, encoding, loaded_at, status, error, "
        "lines_counted, layout) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            result.load_seq,
            load.run_id,
            sha,
            result.feed,
            result.path,
            books.read,
            books.loaded,
            books.duplicate,
            books.quarantined,
            books.set_aside,
            books.nulled,
            books.rounded,
            result.encoding,
            load.clock.now.replace(microsecond=0),
            result.status,
            result.error,
            counted,
            result.layout,
        ],
    )


def _remember(load: _Load, found: Found, sha: str, digest: str) -> None:
    load.con.execute("delete from control.landing_files where path = ?", [found.relative])
    load.con.execute(
        "insert into control.landing_files (path, size, mtime_ns, ctime_ns, sha256, declaration) "
        "values (?, ?, ?, ?, ?, ?)",
        [found.relative, found.size, found.mtime_ns, found.ctime_ns, sha, digest],
    )
