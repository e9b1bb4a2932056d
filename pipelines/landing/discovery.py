"""Which files lie in the landing folder, in which feed's folder, and in which order they were delivered.

Nothing is opened here. Links that lead out of the folder, and things that are no files, are never followed.
"""

from __future__ import annotations

import difflib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipelines.errors import QuanyuError

READABLE = (".csv", ".csv.gz", ".parquet", ".xlsx")
UNPLACED = "unknown"
# Written by editors, browsers, sync tools and spreadsheets while the real file is not there yet.
_TEMPORARY = re.compile(
    r"^(\.|~|_tmp)|(~|\.(tmp|temp|part|partial|crdownload|download|swp|lock))$|^(thumbs\.db|desktop\.ini)$"
)
# The platform's own name: 1780818387_<hash>.csv, seconds or milliseconds since 1970.
_EXPORT_TIME = re.compile(r"^(\d{10}|\d{13})(?=[_.\-])")


@dataclass(frozen=True)
class Found:
    """One file. `problem` says why it cannot be read, None where it can; `misplaced` why only an export of the platform
    can be loaded from where it lies; `delivered` orders files of a run.
    """

    path: Path
    relative: str
    feed: str
    kind: str
    size: int
    mtime_ns: int
    ctime_ns: int
    problem: str | None = None
    misplaced: str = ""

    @property
    def delivered(self) -> tuple[int, int, str]:
        """Export time in the file name, else modification time (ns); then modification time; then path."""
        exported = export_time(Path(self.relative).name)
        return (exported if exported is not None else self.mtime_ns, self.mtime_ns, self.relative)


def export_time(name: str) -> int | None:
    """Nanoseconds since 1970 that a file name starts with, None where it names no moment between 2010 and 2100."""
    if not (match := _EXPORT_TIME.match(name)):
        return None
    digits = match.group(1)
    nanoseconds = int(digits) * (10**9 if len(digits) == 10 else 10**6)
    earliest = int(datetime(2010, 1, 1, tzinfo=UTC).timestamp()) * 10**9
    latest = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) * 10**9
    return nanoseconds if earliest <= nanoseconds < latest else None


def shown_path(relative: Path) -> str:
    """The path as it is booked and printed: what no terminal or database could show (control characters, bytes that
    are no UTF-8) is escaped.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in relative.as_posix())


def kind_of(name: str) -> str | None:
    """`csv`, `csv.gz`, `parquet` or `xlsx`, whatever the case of the extension; None for anything else."""
    lower = name.lower()
    return next((extension[1:] for extension in READABLE if lower.endswith(extension)), None)


def is_ignored(name: str) -> bool:
    """Hidden and temporary files and folders: nobody meant them to be loaded."""
    return bool(_TEMPORARY.search(name.lower()))


def discover(landing: Path, feeds: Iterable[str]) -> list[Found]:
    """Every visible file under `landing` in delivery order, those with a `problem` included: a folder that cannot be
    opened is one of them. Raises `QuanyuError` where that is `landing` itself.
    """
    root = landing.resolve()
    names = list(feeds)
    found: list[Found] = []
    closed: list[OSError] = []
    for folder, folders, files in os.walk(root, onerror=closed.append, followlinks=False):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if not is_ignored(name))
        links = [name for name in folders if (here / name).is_symlink()]
        for name in sorted([*files, *links]):
            if not is_ignored(name) and (item := _look(root, here / name, names)):
                found.append(item)
    return sorted([*found, *_closed(root, closed, names)], key=lambda item: item.delivered)


def _closed(root: Path, errors: list[OSError], feeds: list[str]) -> Iterator[Found]:
    """The folders whose files nobody could list. One that went away meanwhile held nothing that is missed."""
    for error in errors:
        path = Path(error.filename)
        if path == root:
            raise QuanyuError(f"{root}: cannot be opened ({error.strerror}); check its permissions") from error
        if not isinstance(error, FileNotFoundError):
            info, relative = path.lstat(), path.relative_to(root)
            yield Found(
                path=path,
                relative=shown_path(relative),
                feed=relative.parts[0] if relative.parts[0] in feeds else UNPLACED,
                kind="",
                size=info.st_size,
                mtime_ns=info.st_mtime_ns,
                ctime_ns=info.st_ctime_ns,
                problem=f"is a folder that cannot be opened ({error.strerror}); check its permissions",
            )


def _look(root: Path, path: Path, feeds: list[str]) -> Found | None:
    relative = path.relative_to(root)
    place = relative.parts[0] if len(relative.parts) > 1 else ""
    feed = place if place in feeds else UNPLACED
    kind = kind_of(path.name)
    try:
        info = path.stat()
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        # Gone since it was listed, or a link to nowhere: only the second is worth a word.
        if not path.is_symlink():
            return None
        info, target = path.lstat(), path
    problem = None
    if path.is_symlink() and not target.is_relative_to(root):
        problem = "is a link that leads out of the landing folder; copy the file itself"
    elif path.is_symlink() and target == path:
        problem = "is a link to nothing; copy the file itself"
    elif stat.S_ISDIR(info.st_mode):
        # The folder it leads to is walked under its own name.
        return None
    elif not stat.S_ISREG(info.st_mode):
        problem = "is not a regular file; put a csv, csv.gz, parquet or xlsx file here"
    elif kind is None:
        problem = f"has an extension that is not read; expected one of {', '.join(READABLE)}"
    return Found(
        path=path,
        relative=shown_path(relative),
        feed=feed,
        kind=kind or "",
        size=info.st_size,
        mtime_ns=info.st_mtime_ns,
        ctime_ns=info.st_ctime_ns,
        problem=problem,
        misplaced=_misplaced(place, feeds) if feed == UNPLACED else "",
    )


def _misplaced(place: str, feeds: list[str]) -> str:
    if not place:
        return (
            f"is no export that is known and lies in no feed's folder; move it into one of {', '.join(feeds)}, "
            "or describe its layout (quanyu inspect --draft)"
        )
    near = difflib.get_close_matches(place.lower(), feeds, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(feeds)}"
    return f"lies in {place!r}, which is no feed; {hint}"
