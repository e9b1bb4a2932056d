"""Load what is new in the landing folder: one transaction a file, so that a killed load is as if it had not begun."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from pipelines.landing import applying, direct, pseudonyms, reading
from pipelines.landing.applying import Books, Delivery
from pipelines.landing.declarations import FeedSpec, load_feeds
from pipelines.landing.decoding import Unreadable, content_hash
from pipelines.landing.discovery import UNPLACED, Found, discover
from pipelines.landing.grammar import Clock
from pipelines.landing.header import Header
from pipelines.landing.reading import Content

SCRATCH = "landing-scratch"


@dataclass(frozen=True)
class FileResult:
    """What became of one file. `status` is loaded, already_loaded, refused; `error` is one line, None where loaded."""

    path: str
    feed: str
    status: str
    books: Books = field(default_factory=Books)
    error: str | None = None
    encoding: str | None = None
    load_seq: int | None = None
    reader: str | None = None
    notes: tuple[str, ...] = ()


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
    # Ids are all different: looking for the parts they share costs a fifth of a load and saves little.
    con.execute("set disabled_compression_methods = 'fsst'")
    try:
        for found in discover(landing, feeds):
            result = _one_file(load, found, feeds.get(found.feed))
            if result is None:
                unchanged += 1
                continue
            results.append(result)
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
    parts = [f"{books.loaded} rows loaded"]
    for number, word in (
        (books.duplicate, "duplicate"),
        (books.quarantined, "quarantined"),
        (books.set_aside, "set aside"),
    ):
        if number:
            parts.append(f"{number} {word}")
    return f"{result.path}: {', '.join([*parts, *result.notes])}"


def _one_file(load: _Load, found: Found, spec: FeedSpec | None) -> FileResult | None:
    """None where the file is as it was when it was last looked into."""
    digest = spec.digest if spec else UNPLACED
    stamp = (found.size, found.mtime_ns, found.ctime_ns)
    known = load.cache.get(found.relative)
    if known and known[:3] == stamp and known[4] == digest:
        return None
    if found.problem or spec is None:
        # Its bytes are none of our business: a link may lead anywhere.
        return _refuse(load, found, "", digest, found.problem or "is of no known feed")
    try:
        sha = content_hash(found.path)
    except OSError as error:
        return _refuse(load, found, "", digest, f"cannot be read ({error.strerror}); check its permissions", keep=False)
    status = load.con.execute(
        "select path, status from control.load_audit where sha256 = ? and feed = ?",
        [sha, found.feed],
    ).fetchall()
    if any(row[1] == "loaded" for row in status):
        if any(row[0] == found.relative for row in status):
            _remember(load, found, sha, digest)
            return None
        return _already_loaded(load, found, sha, digest)
    load.scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        return _load_file(load, found, spec, sha)
    except Unreadable as error:
        return _refuse(load, found, sha, digest, str(error))
    finally:
        reading.drop_cells(load.con)
        applying.drop_temporary(load.con)
        shutil.rmtree(load.scratch, ignore_errors=True)


def _load_file(load: _Load, found: Found, spec: FeedSpec, sha: str) -> FileResult:
    con, scratch = load.con, load.scratch
    row = con.execute("select coalesce(max(load_seq), 0) + 1 from control.load_audit").fetchone()
    seq = int(row[0]) if row else 1

    def delivery(header: Header) -> Delivery:
        return Delivery(spec, header.names, sha, found.relative, seq, load.default_shop, load.clock)

    def finish(content: Content, books: Books) -> FileResult:
        _must_be_unchanged(found)
        if not books.balance:
            raise Unreadable(f"does not balance: {books}; this is a defect of the loader, report it")
        result = FileResult(
            path=found.relative,
            feed=found.feed,
            status="loaded",
            books=books,
            encoding=content.encoding,
            load_seq=seq,
            reader=content.reader,
            notes=_notes(content.header.unknown),
        )
        _book(load, result, sha, content.counted)
        _remember(load, found, sha, spec.digest)
        return result

    if found.kind in ("csv", "csv.gz"):
        text = reading.open_text(found.path, found.kind, scratch)
        header, line = reading.text_header(spec, text)
        if line == 1 and direct.can_load(delivery(header), header, text):
            try:
                with _transaction(con):
                    books = direct.load_events(con, delivery(header), header, text, scratch)
                    return finish(Content(header, text.encoding, books.read, text.shape.lines - 1, "direct"), books)
            except direct.Odd:
                load.progress(f"{found.relative}: has unusual cells, is read the careful way")
        content = reading.read_text(con, header, line, text, scratch)
    else:
        content = reading.read_cells(con, spec, found.path, found.kind, scratch)
    with _transaction(con):
        return finish(content, applying.apply_cells(con, delivery(content.header), content.rows))


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


def _already_loaded(load: _Load, found: Found, sha: str, digest: str) -> FileResult:
    result = FileResult(path=found.relative, feed=found.feed, status="already_loaded")
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
        "lines_counted) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
        ],
    )


def _remember(load: _Load, found: Found, sha: str, digest: str) -> None:
    load.con.execute("delete from control.landing_files where path = ?", [found.relative])
    load.con.execute(
        "insert into control.landing_files (path, size, mtime_ns, ctime_ns, sha256, declaration) "
        "values (?, ?, ?, ?, ?, ?)",
        [found.relative, found.size, found.mtime_ns, found.ctime_ns, sha, digest],
    )
