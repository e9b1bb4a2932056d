"""The keyed hash that stands for a user everywhere outside the landing folder, and the key it needs."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

import duckdb

from pipelines.errors import QuanyuError

KEY_VARIABLE = "QUANYU_HASH_KEY"
KEY_FILE = "hash.key"
FINGERPRINT_FILE = "hash.fingerprint"
_BLOCK = 64


def hash_key(state: Path) -> bytes:
    """The key: `QUANYU_HASH_KEY` as UTF-8, else `state/hash.key`, made once with mode 0600.

    Raises `QuanyuError` where the key is not the one earlier loads used: every user would become a new one.
    """
    state.mkdir(parents=True, exist_ok=True)
    given = os.environ.get(KEY_VARIABLE, "").strip()
    path = state / KEY_FILE
    key = given.encode() if given else _kept_key(path)
    mark = hashlib.sha256(b"quanyu fingerprint" + key).hexdigest()[:16]
    fingerprint = state / FINGERPRINT_FILE
    if not fingerprint.exists():
        _write_once(fingerprint, mark)
    elif fingerprint.read_text(encoding="ascii").strip() != mark:
        raise QuanyuError(
            f"{path}: the hash key is not the one earlier loads used, so every user would become a new one; "
            f"restore {KEY_VARIABLE} or {KEY_FILE}, or start with an empty state folder"
        )
    return key


def _kept_key(path: Path) -> bytes:
    if not path.exists():
        _write_once(path, secrets.token_hex(32))
    path.chmod(0o600)
    if not (key := path.read_bytes().strip()):
        raise QuanyuError(f"{path}: is empty; restore the key from a backup, or delete it where nothing was loaded yet")
    return key


def _write_once(path: Path, line: str) -> None:
    """Write a new file of one line, mode 0600, whole or not at all; one that appeared meanwhile stays."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()


def pseudonym(key: bytes, user_id: str) -> str:
    """Lower-case hex HMAC-SHA256 of the trimmed id."""
    return hmac.new(key, user_id.strip().encode(), hashlib.sha256).hexdigest()


def prepare(con: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Give the connection what `pseudonym_sql` needs. The key travels as a variable, never in a query's text."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    con.execute("set variable landing_inner = ?", [bytes(byte ^ 0x36 for byte in block)])
    con.execute("set variable landing_outer = ?", [bytes(byte ^ 0x5C for byte in block)])


def forget(con: duckdb.DuckDBPyConnection) -> None:
    """Take the key from the connection again."""
    con.execute("reset variable landing_inner")
    con.execute("reset variable landing_outer")


def pseudonym_sql(text: str) -> str:
    """SQL of the pseudonym of a trimmed id; NULL stays NULL. Costs two hashes a row: use it on distinct ids."""
    inner = f"unhex(sha256(getvariable('landing_inner')::blob || encode({text})))"
    return f"case when {text} is not null then sha256(getvariable('landing_outer')::blob || {inner}) end"
