"""Rows of an Excel workbook as text, one at a time, so that no workbook is ever held in memory.

Reads what the format calls SpreadsheetML as a stream: the declared dimension is not believed, nothing is unpacked to
disk, no formula or macro is looked at, and what no export has is refused.
"""

from __future__ import annotations

import html
import re
import zipfile
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath

from pipelines.landing.decoding import BOMB_BYTES, Unreadable

_CHUNK = 1 << 20
# Mark-up shrinks further than text does.
BOMB_RATIO = 300
# No row of an export is this long, and no export repeats this much text.
_LONGEST_ROW = 32 << 20
_MOST_ROWS, _MOST_COLUMNS = 1 << 20, 1 << 14
_MOST_SHARED = 256 << 20
_SMALL_PART = 16 << 20
# Whole numbers beyond this lose digits in a spreadsheet.
_EXACT = 2**53

_DAMAGED = "is not a readable Excel workbook (cut off, damaged or protected); save it again"
_ATTRIBUTE = re.compile(rb'(?:^|\s)([\w:]+)="([^"]*)"')
_TAG = re.compile(rb"<[^<>\"]*>")
_PREFIX = re.compile(rb"<(\w+):(?:worksheet|sst|styleSheet|workbook)\b")
_FORMULA = re.compile(rb"<f[ >/]")
_PLACE = re.compile(rb'r="([A-Za-z]+\d+)"')
# A name of a tag may be followed by any blank; what is looked for here is followed by a space.
_BLANK_IN_TAG = re.compile(rb"<(row|c|v|t|is|f)[\t\r\n]+")
_TEXT = re.compile(rb"<t(?:\s[^>]*)?>(.*?)</t>", re.DOTALL)
_PHONETIC = re.compile(rb"<rPh\b.*?</rPh>", re.DOTALL)
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_FORMAT = re.compile(rb"<numFmt\s([^>]*)/?>")
_STYLES = re.compile(rb"<cellXfs\b.*?</cellXfs>", re.DOTALL)
_STYLE = re.compile(rb"<xf\s([^>]*)>")
_ROW_NUMBER = re.compile(rb'\sr="(\d+)"')
_ELAPSED = re.compile(r"\[[hms]+\]", re.IGNORECASE)
_QUOTED_FORMAT = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
# Formats that every workbook knows without saying so: with a day, and of these the ones with a time.
_DAY_FORMATS = frozenset([*range(14, 18), 22, *range(27, 32), *range(34, 37), *range(50, 59)])
_TIME_FORMATS = frozenset([*range(18, 23), 32, 33, 45, 47])
_ELAPSED_FORMATS = frozenset([46])


@dataclass(frozen=True)
class Row:
    """One row with a cell in it: its number in the sheet, and its pieces, one a cell."""

    number: int
    pieces: list[bytes]


class Sheet:
    """One sheet. `rows()` goes through it once; `texts` reads the cells of a row."""

    def __init__(self, book: Workbook, name: str, part: str) -> None:
        self.book = book
        self.name = name
        self.part = part

    def rows(self) -> Iterator[Row]:
        """Every row that has cells, in order. Raises `Unreadable`."""
        number = last = 0
        for count, raw in enumerate(_split(self.book.stream(self.part), b"</row>", b"sheetData")):
            if count > _MOST_ROWS:
                raise Unreadable(f"sheet {self.name} has more rows than a workbook can have; save it as CSV")
            raw = _double_quoted(raw)
            if b"\n" in raw or b"\t" in raw or b"\r" in raw:
                raw = _BLANK_IN_TAG.sub(rb"<\1 ", raw)
            start = raw.rfind(b"<row")
            if start < 0:
                continue
            # Empty rows are closed at once and stand before the one that is not.
            number += 1
            for empty in raw[:start].split(b"<row")[1:]:
                given = _ROW_NUMBER.search(empty)
                number = (int(given.group(1)) if given else number) + 1
            if b"<f" in raw and (found := _FORMULA.search(raw)):
                place = _PLACE.findall(raw, 0, found.start())
                where = place[-1].decode() if place else f"row {number}"
                raise Unreadable(
                    f"sheet {self.name} has a formula in {where}; paste the values instead and save it again"
                )
            row = raw[start:].replace(b"<c>", b"<c >").replace(b"<c/>", b"<c />")
            pieces = row.split(b"<c ")
            if given := _ROW_NUMBER.search(pieces[0]):
                number = int(given.group(1))
                if not last < number <= _MOST_ROWS:
                    raise Unreadable(f"sheet {self.name} has row {number} after row {last}; save it again")
            last = number
            if len(pieces) > 1:
                yield Row(number, pieces[1:])

    def texts(self, row: Row, wanted: Sequence[int], ids: Sequence[bool] | None = None) -> list[str | None]:
        """The text that cells at these positions would have in a CSV; of the ids among them a long number is marked."""
        pieces = row.pieces
        placed: dict[int, bytes] | None = None
        texts: list[str | None] = []
        last = len(pieces)
        names = _letters(max(wanted, default=0))
        for at, position in enumerate(wanted):
            piece = pieces[position] if position < last else b""
            letters = names[position]
            if not (piece.startswith(letters) and piece[len(letters) : len(letters) + 1].isdigit()):
                placed = placed if placed is not None else _placed(pieces)
                piece = placed.get(position, b"")
            texts.append(self._text(piece, is_id=bool(ids and ids[at])) if piece else None)
        return texts

    def all_texts(self, row: Row) -> list[str | None]:
        """The texts from the first column to the last one that the row has."""
        width = max(_placed(row.pieces), default=-1) + 1
        return self.texts(row, range(width))

    def _text(self, piece: bytes, *, is_id: bool) -> str | None:
        head, _, body = piece.partition(b">")
        if head.endswith(b"/"):
            return None
        # The first attribute follows what the row was split at.
        head = b" " + head
        _, _, kind = head.partition(b' t="')
        if kind.startswith(b"inlineStr"):
            simple = body[7:].partition(b"</t></is>")[0] if body.startswith(b"<is><t>") else b"<"
            return (_plain(body) if b"<" in simple else _unescaped(simple.decode())) or None
        start = body.find(b"<v")
        if start < 0:
            return None
        opened = body.index(b">", start)
        if body[opened - 1 : opened] == b"/":
            return None
        text = body[opened + 1 : body.index(b"</v>", start)]
        if kind and not kind.startswith((b's"', b'b"', b'n"')):
            return _unescaped(text.decode()) or None
        raw = text.strip()
        if not raw:
            return None
        if kind.startswith(b's"'):
            return self.book.shared(int(raw)) or None
        if kind.startswith(b'b"'):
            return "true" if raw == b"1" else "false"
        _, _, style = head.partition(b' s="')
        return self.book.number(raw.decode(), int(style.partition(b'"')[0] or 0), is_id=is_id)


class Workbook:
    """An open workbook. Raises `Unreadable` for what is none, and for what no export has."""

    def __init__(self, path: Path) -> None:
        try:
            self.archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
            raise Unreadable(_DAMAGED) from error
        self.limit = max(BOMB_BYTES, path.stat().st_size * BOMB_RATIO)
        self.unpacked = 0
        self.parts = {name.replace("\\", "/").lstrip("/").lower(): name for name in self.archive.namelist()}
        if refusal := self._refusal():
            self.archive.close()
            raise Unreadable(refusal)
        self._texts = b""
        self._ends = array("Q", [0])
        self._has_shared = False
        self._kinds: list[str] | None = None
        self.counts_from = datetime(1899, 12, 30)

    def __enter__(self) -> Workbook:
        return self

    def __exit__(self, *_: object) -> None:
        self.archive.close()

    def _refusal(self) -> str | None:
        """Why the archive is not looked into any further."""
        names = [name.replace("\\", "/") for name in self.archive.namelist()]
        if sum(entry.file_size for entry in self.archive.infolist()) > 4 * max(self.limit, BOMB_BYTES):
            return "unpacks to more than any export does; save it as CSV"
        if any(".." in name.split("/") for name in names):
            return "has parts that name a place outside of it, which no workbook has; save it again"
        if len(self.parts) < len(names):
            return "has two parts of one name; save it again"
        if any(name.endswith("vbaproject.bin") for name in self.parts):
            return "is a workbook with macros, which no export is; save it as xlsx without them or as CSV"
        return None

    def sheets(self) -> Iterator[Sheet]:
        """The sheets in the order of their tabs."""
        book = self._small("xl/workbook.xml")
        if re.search(rb'date1904="(1|true)"', book):
            self.counts_from = datetime(1904, 1, 1)
        targets = {}
        for relation in re.findall(rb"<Relationship\s([^>]*)>", self._small("xl/_rels/workbook.xml.rels")):
            given = dict(_ATTRIBUTE.findall(relation))
            targets[given.get(b"Id")] = _unescaped(given.get(b"Target", b"").decode())
        for sheet in re.findall(rb"<sheet\s([^>]*)>", book):
            given = dict(_ATTRIBUTE.findall(sheet))
            relation = next((value for name, value in given.items() if name.endswith(b":id")), None)
            target = targets.get(relation, "")
            part = target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)
            if target and part.lower() in self.parts:
                yield Sheet(self, _unescaped(given.get(b"name", b"").decode()), part)

    def stream(self, part: str) -> Iterator[bytes]:
        """The unpacked bytes of one part, no tag in two pieces, counted against the limit of all that is unpacked."""
        prefix = held = b""
        try:
            with self.archive.open(self.parts[part.lower()]) as file:
                first = True
                while fresh := file.read(_CHUNK):
                    self.unpacked += len(fresh)
                    if self.unpacked > self.limit:
                        raise Unreadable("unpacks to more than any export does; save it as CSV")
                    chunk = held + fresh
                    cut = chunk.rfind(b"<")
                    held = b"" if cut < 0 or chunk.find(b">", cut) >= 0 else chunk[cut:]
                    if len(held) > _LONGEST_ROW:
                        raise Unreadable(_DAMAGED)
                    if held:
                        chunk = chunk[:cut]
                    if first:
                        first = False
                        found = _PREFIX.search(chunk)
                        prefix = found.group(1) + b":" if found else b""
                    if b"<!" in chunk:
                        raise Unreadable("has declarations that no export has in its XML; save it as CSV")
                    yield chunk.replace(b"<" + prefix, b"<").replace(b"</" + prefix, b"</") if prefix else chunk
                yield held
        except (
            KeyError,
            zipfile.BadZipFile,
            zlib.error,
            OSError,
            EOFError,
            RuntimeError,
            NotImplementedError,
        ) as error:
            raise Unreadable(_DAMAGED) from error

    def shared(self, index: int) -> str:
        """Text number `index` of those that cells refer to."""
        if not self._has_shared:
            self._read_shared()
        if index >= len(self._ends) - 1:
            raise Unreadable(_DAMAGED)
        return self._texts[self._ends[index] : self._ends[index + 1]].decode()

    def number(self, raw: str, style: int, *, is_id: bool) -> str:
        """The text of a number, which its style may make a day, a time or a duration."""
        kind = self._kind(style)
        if not kind:
            if raw.isdigit() and len(raw) < 16:
                return raw
            value = float(raw)
            if is_id and abs(value) >= _EXACT:
                # The sheet kept 15 digits of the id; say so the way a spreadsheet shows it.
                return f"{value:.5E}"
            return str(int(value)) if value.is_integer() and abs(value) < _EXACT else format(value, ".15g")
        days = float(raw)
        if kind == "elapsed":
            return format(round(days * 86_400, 3), ".15g")
        try:
            moment = self.counts_from + timedelta(milliseconds=round(days * 86_400_000))
        except OverflowError:
            return raw
        spec = "auto" if moment.microsecond == 0 else "milliseconds"
        if days < 1:
            return moment.time().isoformat(spec)
        return moment.date().isoformat() if kind == "day" and days.is_integer() else moment.isoformat(" ", spec)

    def _kind(self, style: int) -> str:
        if self._kinds is None:
            self._kinds = self._read_styles()
        return self._kinds[style] if 0 <= style < len(self._kinds) else ""

    def _read_styles(self) -> list[str]:
        """For each style of a cell: `day`, `time`, `elapsed` or nothing."""
        if "xl/styles.xml" not in self.parts:
            return []
        text = self._small("xl/styles.xml")
        formats = {}
        for numbered in _FORMAT.findall(text):
            given = dict(_ATTRIBUTE.findall(numbered))
            formats[int(given.get(b"numFmtId", b"0"))] = _unescaped(given.get(b"formatCode", b"").decode())
        block = _STYLES.search(text)
        styles = _STYLE.findall(block.group()) if block else []
        return [
            _kind_of_format(int(dict(_ATTRIBUTE.findall(style)).get(b"numFmtId", b"0")), formats) for style in styles
        ]

    def _read_shared(self) -> None:
        self._has_shared = True
        if "xl/sharedstrings.xml" not in self.parts:
            return
        pieces: list[bytes] = []
        size = 0
        for raw in _split(self.stream("xl/sharedStrings.xml"), b"</si>", b"sst"):
            text = _plain(raw).encode()
            size += len(text)
            if size > _MOST_SHARED:
                raise Unreadable("holds more text than any export does; save it as CSV")
            pieces.append(text)
            self._ends.append(size)
        self._texts = b"".join(pieces)

    def _small(self, part: str) -> bytes:
        content = b""
        for chunk in self.stream(part):
            content += chunk
            if len(content) > _SMALL_PART:
                raise Unreadable(_DAMAGED)
        return _double_quoted(content)


def _split(chunks: Iterator[bytes], end: bytes, whole: bytes) -> Iterator[bytes]:
    """What stands before each `end`. Raises `Unreadable` where the element `whole` is not closed, or with a blank."""
    held = b""
    for chunk in chunks:
        held += chunk
        *complete, held = held.split(end)
        yield from complete
        if len(held) > _LONGEST_ROW:
            raise Unreadable("has a row or text longer than any export has; save it as CSV")
    if not re.search(rb"</" + whole + rb">|<" + whole + rb"\b[^>]*/>", held):
        raise Unreadable(_DAMAGED)
    if re.search(end[:-1] + rb"\s", held):
        # Closed with a blank before the bracket, so that nothing was told apart.
        raise Unreadable(_DAMAGED)


def _double_quoted(xml: bytes) -> bytes:
    """The same with attributes in double quotes; texts between the tags stay as they are."""
    return _TAG.sub(lambda tag: tag.group().replace(b"'", b'"'), xml) if b"='" in xml else xml


_LETTERS: list[bytes] = []


def _letters(last: int) -> list[bytes]:
    """How cells in the columns up to this one begin, after `<c `."""
    while len(_LETTERS) <= last:
        number, name = len(_LETTERS) + 1, ""
        while number:
            number, rest = divmod(number - 1, 26)
            name = chr(65 + rest) + name
        _LETTERS.append(b'r="' + name.encode())
    return _LETTERS


def _placed(pieces: list[bytes]) -> dict[int, bytes]:
    """Pieces by position; a cell without a place follows its neighbour."""
    placed: dict[int, bytes] = {}
    position = -1
    for piece in pieces:
        position += 1
        if found := _PLACE.search(piece, 0, piece.find(b">")):
            position = 0
            for letter in found.group(1).rstrip(b"0123456789").upper():
                position = position * 26 + letter - 64
            position -= 1
            if position >= _MOST_COLUMNS:
                raise Unreadable(_DAMAGED)
        placed[position] = piece
    return placed


def _plain(rich: bytes) -> str:
    """The text of a string item: its runs one after the other, without the reading aid."""
    if b"<rPh" in rich:
        rich = _PHONETIC.sub(b"", rich)
    found = _TEXT.findall(rich)
    return _unescaped((found[0] if len(found) == 1 else b"".join(found)).decode())


def _unescaped(text: str) -> str:
    if "\r" in text:
        # Line ends as every reader of XML gives them; a return that is meant is written &#13;.
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "&" in text:
        text = html.unescape(text)
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def _character(escape: re.Match[str]) -> str:
    """The character of `_x000D_`; half of a pair is none."""
    code = int(escape.group(1), 16)
    return "\ufffd" if 0xD800 <= code < 0xE000 else chr(code)


def _kind_of_format(number: int, formats: dict[int, str]) -> str:
    if number in formats:
        code = formats[number]
        if _ELAPSED.search(code):
            return "elapsed"
        bare = _QUOTED_FORMAT.sub("", code).split(";")[0].lower()
        if not set(bare) & set("ymdhs年月日时分秒") or "general" in bare or "0" in bare.replace("ss.0", ""):
            return ""
        return "time" if set(bare) & set("hs") else "day"
    if number in _ELAPSED_FORMATS:
        return "elapsed"
    return "time" if number in _TIME_FORMATS else "day" if number in _DAY_FORMATS else ""
