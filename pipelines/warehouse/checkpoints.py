"""Checkpoints that a kill cannot tear.

DuckDB writes metadata blocks where they stand, before it writes the header that makes a checkpoint count: killed within
such a write it leaves a block that fits neither the old header nor the new one, and a file that nobody can open. So no
connection checkpoints by itself (`AUTOMATIC`, `leave_log`). `close` first copies those blocks beside the file, as
a rollback journal does, and `mend` puts them back where the header never followed: the write-ahead log still holds all
that was committed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import duckdb

# What DuckDB may be told to never do. `profiles.yml` says the same to dbt.
AUTOMATIC = {"checkpoint_threshold": "1TB"}

# Of a DuckDB file: three pages of header, of which the last two take turns, then blocks of equal size.
PAGE = 4096
HEADERS, BLOCKS = PAGE, 3 * PAGE


def leave_log(con: duckdb.DuckDBPyConnection) -> None:
    """Let the database of `con` close without a checkpoint; what was committed stays in the write-ahead log."""
    con.execute("pragma disable_checkpoint_on_shutdown")


def close(con: duckdb.DuckDBPyConnection, how: Callable[[], None] | None = None) -> None:
    """Fold the write-ahead log of every file that `con` may write into it, and close it, or do `how` to close it.

    Nothing else may be writing. The files are read while the database has them open, and stay open until it has closed:
    a process that closes any handle of a file gives up its locks on it.
    """
    with ExitStack() as handles:
        for catalog, path in con.execute(
            "select database_name, path from duckdb_databases() "
            "where not internal and not readonly and path is not null"
        ).fetchall():
            if log_of(Path(path)).exists():
                journal = _journal(con, catalog, handles.enter_context(Path(path).open("rb")))
                con.execute(f'checkpoint "{catalog}"')
                journal.unlink()
        (how or con.close)()


def mend(path: Path) -> None:
    """Undo the checkpoint of `path` that was begun and never finished. The file must not be open."""
    journal = journal_of(path)
    if not (journal.exists() and path.exists()):
        return
    with journal.open("rb") as kept:
        about = json.loads(kept.readline())
        headers = kept.read(BLOCKS - HEADERS)
        with path.open("r+b") as file:
            file.seek(HEADERS)
            if file.read(len(headers)) == headers:
                for block in about["blocks"]:
                    file.seek(BLOCKS + block * about["block_size"])
                    file.write(kept.read(about["block_size"]))
    sync(path)
    journal.unlink()


def create(path: Path) -> None:
    """An empty database at `path` where there is none. Its headers are three writes: made elsewhere, then renamed.

    What lies beside it is of the file that somebody took away.
    """
    if not path.exists():
        for orphan in (log_of(path), journal_of(path)):
            orphan.unlink(missing_ok=True)
        fresh = path.with_name(f"{path.name}.new")
        fresh.unlink(missing_ok=True)
        duckdb.connect(str(fresh)).close()
        fresh.replace(path)


def log_of(path: Path) -> Path:
    """The write-ahead log that DuckDB keeps beside `path`."""
    return path.with_name(f"{path.name}.wal")


def journal_of(path: Path) -> Path:
    """What brings `path` back to before a checkpoint: a line that says which blocks, both headers, the blocks."""
    return path.with_name(f"{path.name}.undo")


def sync(path: Path) -> None:
    """Have the disk hold a file or a folder before going on."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _journal(con: duckdb.DuckDBPyConnection, catalog: str, file: BinaryIO) -> Path:
    """Write the journal of `file`, complete or not at all. Some 10 MB for a year of 10 million events."""
    [(block_size,)] = con.execute(
        "select block_size from pragma_database_size() where database_name = ?", [catalog]
    ).fetchall()
    blocks = [n for (n,) in con.execute("select block_id from pragma_metadata_info(?)", [catalog]).fetchall()]
    journal = journal_of(Path(file.name))
    fresh = journal.with_name(f"{journal.name}.new")
    with fresh.open("wb") as kept:
        kept.write(json.dumps({"block_size": block_size, "blocks": blocks}).encode() + b"\n")
        file.seek(HEADERS)
        kept.write(file.read(BLOCKS - HEADERS))
        for block in blocks:
            file.seek(BLOCKS + block * block_size)
            kept.write(file.read(block_size))
    sync(fresh)
    fresh.replace(journal)
    sync(journal.parent)
    return journal
