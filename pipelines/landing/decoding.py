"""From the bytes of a delivered text file to UTF-8 text whose shape is known: encoding, lines, quotes, damage.

Decoding is strict: a file is read in the encoding it really has, or refused. Values are no concern of this module.
"""

from __future__ import annotations

import codecs
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipelines.errors import QuanyuError

# What fits the cache of a core several times over is gone through fastest.
CHUNK = 1 << 18
# A line longer than this is damage, not data; it is never held in memory whole.
LONGEST_LINE = 1 << 20
# Text that unpacks to more than this many times its size, and to more than a gigabyte, is a bomb. Exports shrink to a
# fifth, the most monotonous to a fiftieth.
BOMB_RATIO = 100
BOMB_BYTES = 1 << 30


class Unreadable(QuanyuError):
    """The file as a whole cannot be read. The message is one line without the file's name: what, what to do."""


@dataclass(frozen=True)
class Shape:
    """What a pass over UTF-8 text found. `lines` counts physical lines, the header included."""

    lines: int
    size: int
    newline: str
    has_quotes: bool
    quotes_pair_up: bool
    has_lone_returns: bool
    has_nul: bool
    has_long_lines: bool
    # Bytes that make a cell need the rich grammar: TAB, apostrophe, plus, blanks wider than a space.
    has_marks: bool

    @property
    def is_plain(self) -> bool:
        """One physical line is one record, as far as quotes and line ends can tell."""
        return (
            self.quotes_pair_up
            and not self.has_lone_returns
            and not self.has_nul
            and not self.has_long_lines
            and self.newline != "mixed"
        )


@dataclass(frozen=True)
class Text:
    """UTF-8 text on disk: the delivered file itself, or a temporary copy the caller removes."""

    path: Path
    encoding: str
    shape: Shape


def content_hash(path: Path) -> str:
    """SHA-256 of the file's bytes, hex."""
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_mostly_blank(path: Path, lines: int) -> bool:
    """Whether most of the lines are empty and in a row: each costs a reader as much as one that holds something."""
    # Of a run of line ends every third one is found.
    return sum(chunk.count(b"\n\n\n") + chunk.count(b"\n\r\n\r\n") for chunk in _chunks(path)) > lines / 4


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def gunzip(path: Path, target: Path) -> None:
    """Unpack `path` to `target`. Raises `Unreadable` for garbage, a cut-off file and a bomb."""
    limit = max(BOMB_BYTES, path.stat().st_size * BOMB_RATIO)
    written = 0
    stream = zlib.decompressobj(wbits=31)
    started = False
    with target.open("wb") as out:
        for chunk in _chunks(path):
            data = chunk
            while data:
                if stream.eof:
                    # Another member follows; padding with zeros is allowed.
                    data = data.lstrip(b"\0")
                    if not data:
                        break
                    stream = zlib.decompressobj(wbits=31)
                try:
                    piece = stream.decompress(data, 8 * CHUNK)
                except zlib.error as error:
                    raise Unreadable("is not valid gzip; pack it again or drop the plain .csv") from error
                started = True
                out.write(piece)
                written += len(piece)
                if written > limit:
                    raise Unreadable(
                        f"unpacks to more than {limit // BOMB_BYTES} GB, which no export does; drop the plain .csv"
                    )
                data = stream.unconsumed_tail or stream.unused_data
        if not started:
            raise Unreadable("is empty; expected a gzipped CSV with a header")
        if not stream.eof:
            raise Unreadable("is cut off in the middle of the gzip stream; copy it again")


def _encoding_by_mark(head: bytes) -> str | None:
    """Encoding that the first bytes prove: a byte order mark, or the zeros of UTF-16 in a header of ASCII letters."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise Unreadable("is UTF-32; save it as UTF-8, GB18030 or UTF-16")
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    if len(head) >= 8:
        even, odd = head[0:64:2].count(0), head[1:64:2].count(0)
        half = len(head[:64]) // 2
        if odd > half * 0.7 and even == 0:
            return "utf-16-le"
        if even > half * 0.7 and odd == 0:
            return "utf-16-be"
    return None


def transcode(source: Path, target: Path, encoding: str) -> None:
    """Write `source` as UTF-8 to `target`, without a byte order mark. Raises `Unreadable` at the first bad byte."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
    seen = 0
    with target.open("wb") as out:
        try:
            for chunk in _chunks(source):
                out.write(_without_mark(decoder.decode(chunk), first=seen == 0).encode())
                seen += len(chunk)
            out.write(decoder.decode(b"", final=True).encode())
        except UnicodeError as error:
            place = seen + getattr(error, "start", 0)
            raise Unreadable(f"is not valid {encoding} near byte {place}; save it again as UTF-8") from error


def _without_mark(text: str, *, first: bool) -> str:
    return text.removeprefix("\ufeff") if first else text


class _NotUtf8(Exception):
    def __init__(self, offset: int, around: bytes) -> None:
        super().__init__(offset)
        self.offset = offset
        self.around = around


def _validate(data: bytes, offset: int) -> bytes:
    """Check that `data`, which starts at `offset`, is UTF-8. Returns the cut-off character at its end, if any."""
    cut = len(data)
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            cut = len(data) - back if needed > back else cut
            break
        if byte < 0x80:
            break
    whole, rest = data[:cut], data[cut:]
    ends = pa.py_buffer(np.array([0, len(whole)], np.int32))
    try:
        pa.Array.from_buffers(pa.string(), 1, [None, ends, pa.py_buffer(whole)]).validate(full=True)
    except pa.ArrowInvalid:
        try:
            whole.decode()
        except UnicodeDecodeError as error:
            raise _NotUtf8(offset + error.start, data) from error
    return rest


def measure(path: Path) -> Shape:
    """One pass over UTF-8 text. Raises `_NotUtf8` at the first chunk that is not UTF-8."""
    carried = b""
    lines = returns = pairs = size = quotes = run = 0
    nul = long_lines = marks = False
    pair_up = True
    last = b""
    for chunk in _chunks(path):
        is_ascii = chunk.isascii()
        if not is_ascii or carried:
            carried = _validate(carried + chunk, size - len(carried))
        bytes_ = np.frombuffer(chunk, np.uint8)
        here = int(np.count_nonzero(bytes_ == 10))
        lines += here
        run = 0 if here else run + len(chunk)
        long_lines = long_lines or run >= LONGEST_LINE
        nul = nul or b"\0" in chunk
        marks = marks or _has_marks(chunk, is_ascii)
        if b"\r" in chunk:
            returns += chunk.count(b"\r")
            pairs += chunk.count(b"\r\n")
        pairs += last == b"\r" and chunk.startswith(b"\n")
        if b'"' in chunk:
            marks_at = np.flatnonzero(bytes_ == 34)
            before = np.searchsorted(marks_at, np.flatnonzero(bytes_ == 10))
            pair_up = pair_up and not bool(((before + quotes) & 1).any())
            quotes += len(marks_at)
        elif quotes & 1 and here:
            pair_up = False
        size += len(chunk)
        last = chunk[-1:]
    if carried:
        raise _NotUtf8(size - len(carried), carried)
    ends = lines
    if size and last != b"\n":
        lines += 1
    newline = "\n" if pairs == 0 else "\r\n" if pairs == ends else "mixed"
    if returns and not ends:
        newline = "\r"
    return Shape(
        lines=lines,
        size=size,
        newline=newline,
        has_quotes=quotes > 0,
        quotes_pair_up=pair_up and quotes % 2 == 0,
        has_lone_returns=returns != pairs,
        has_nul=nul,
        has_long_lines=long_lines,
        has_marks=marks,
    )


_WIDE_BLANKS = ("\u3000".encode(), "\u00a0".encode(), "\ufeff".encode())


def _has_marks(chunk: bytes, is_ascii: bool) -> bool:
    if b"\t" in chunk or b"'" in chunk or b"+" in chunk:
        return True
    # Looking for one byte is ten times as fast as looking for three.
    return not is_ascii and any(blank[:1] in chunk and blank in chunk for blank in _WIDE_BLANKS)


def decode(path: Path, scratch: Path) -> Text:
    """Find the encoding and the shape of a text file. Copies to `scratch` only what is not UTF-8 already, or ends its
    lines with CR alone.

    Raises `Unreadable` where the file is empty or in no encoding that is read.
    """
    text = _as_utf8(path, scratch)
    if text.shape.newline != "\r":
        return text
    target = scratch.with_name("line_feeds.csv")
    with target.open("wb") as out:
        out.writelines(chunk.replace(b"\r", b"\n") for chunk in _chunks(text.path))
    return Text(target, text.encoding, measure(target))


def _as_utf8(path: Path, scratch: Path) -> Text:
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise Unreadable("is empty; expected a header and rows")
    marked = _encoding_by_mark(head)
    if marked == "utf-8-sig":
        # Copied without its mark, so that no reader has to know of it.
        transcode(path, scratch, "utf-8")
        return Text(scratch, marked, measure(scratch))
    if marked:
        transcode(path, scratch, marked)
        return Text(scratch, marked, measure(scratch))
    try:
        return Text(path, "utf-8", measure(path))
    except _NotUtf8 as error:
        if _mostly_utf8(error.around):
            raise Unreadable(
                f"is UTF-8 with a broken character near byte {error.offset}; export it again or save it as UTF-8"
            ) from error
    try:
        transcode(path, scratch, "gb18030")
    except Unreadable as error:
        raise Unreadable("is neither UTF-8, UTF-16 nor GB18030 text; save it as UTF-8") from error
    return Text(scratch, "gb18030", measure(scratch))


def _mostly_utf8(chunk: bytes) -> bool:
    """Whether non-ASCII text reads as UTF-8 with a few bad bytes: reading it as GB18030 would give other words."""
    text = chunk.decode("utf-8", errors="replace")
    bad = text.count("\ufffd")
    good = sum(1 for character in text[: 1 << 18] if character > "\x7f") - text[: 1 << 18].count("\ufffd")
    return good > bad
