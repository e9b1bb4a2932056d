"""A first declaration of an export that nobody has described yet, made from its header, cells and the known layouts.

A draft is for a person to finish: what was guessed carries its reason as a comment.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from pipelines.landing import reading
from pipelines.landing.declarations import load_feeds
from pipelines.landing.decoding import LONGEST_LINE, Unreadable
from pipelines.landing.discovery import kind_of
from pipelines.landing.grammar import NULL_WORDS
from pipelines.landing.header import DELIMITERS, split_record
from pipelines.landing.layouts import Source, folded, load_layouts
from pipelines.landing.sheets import Workbook
from pipelines.landing.translating import TOTAL_WORDS

_SAMPLE = 200
_CLOSE = 0.72
_PERSONAL = ("收件", "手机", "电话", "地址", "姓名", "昵称", "街道", "留言", "备注", "操作人", "身份证", "微信")
_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class _Guess:
    header: str
    feed: str
    column: str
    source: Source
    why: str


def draft_layout(path: Path, scratch: Path, *, today: date) -> str:
    """YAML of a layout for `path`. Raises `Unreadable` where the file has no header to start from."""
    header, rows = _header_and_rows(path, scratch)
    headers = [cell.strip().strip("\ufeff") for cell in header if cell.strip().strip("\ufeff")]
    if len(headers) < 2:
        raise Unreadable("has no header to draft a layout from; its first row should name the columns")
    personal = [name for name in headers if any(word in name for word in _PERSONAL)]
    guesses = _guesses([name for name in headers if name not in personal])
    feed, chosen = _best_feed(guesses)
    name = "export_" + (_NAME.sub("_", path.name.split(".")[0].lower()).strip("_") or "new")
    lines = [
        f"# Drafted from {path.name}. Look at every line, then put the file into pipelines/landing/layouts/.",
        f"layout: {name}",
        f"label_zh: {_scalar(path.name.split('.')[0])}",
        "system: 未知",
        "page: 未知",
        'advice: {every: 每周, en: "every week"}',
        f"valid_from: {today.isoformat()}",
    ]
    totals = _totals(header, rows)
    required = [guess.header for guess in chosen if load_feeds()[feed].by_name[guess.column].required] if feed else []
    lines.append(f"required: {_flow(required or headers[:3])}")
    if totals:
        lines.append(f"totals: {{{', '.join(f'{_scalar(n)}: {_flow(words)}' for n, words in totals.items())}}}")
    if feed:
        missing = [column for column in load_feeds()[feed].required if column not in {g.column for g in chosen}]
        lines += ["feeds:", f"  - feed: {feed}", "    columns:"]
        for guess in chosen:
            lines += [f"      # {guess.why}", f"      {guess.column}: {_source(guess, header, rows)}"]
        lines += [f"      # {column}: still to be found; {feed} needs it" for column in missing]
    else:
        lines.append('why: "no column of a feed was recognised; say which feed it fills, or leave it at that"')
    if personal:
        lines += ["# Of people, as far as their names tell: never loaded.", f"personal: {_flow(personal)}"]
    unused = [n for n in headers if n not in {g.header for g in chosen} and n not in personal]
    for header_name in unused:
        lines.append(f"# {header_name}: {_looks_like(_cells(header_name, header, rows))}, not used")
    lines.append(f"columns: {_flow(list(dict.fromkeys(headers)))}")
    return "\n".join(lines) + "\n"


def _header_and_rows(path: Path, scratch: Path) -> tuple[list[str], list[list[str]]]:
    """The first row with cells, and up to 200 below it."""
    kind = kind_of(path.name)
    if kind == "xlsx":
        with Workbook(path) as book:
            for sheet in book.sheets():
                rows = []
                for row in sheet.rows():
                    rows.append([text or "" for text in sheet.all_texts(row)])
                    if len(rows) > _SAMPLE:
                        break
                if rows:
                    return rows[0], rows[1:]
        raise Unreadable("has no rows in any sheet; expected a header and rows")
    if kind not in ("csv", "csv.gz"):
        raise Unreadable("is neither a csv nor an xlsx file; drafts are made from these")
    text = reading.open_text(path, kind, scratch)
    with text.path.open("rb") as file:
        lines = [
            line.decode("utf-8", "replace")
            for line in (file.readline(LONGEST_LINE) for _ in range(_SAMPLE))
            if line.strip()
        ]
    if not lines:
        raise Unreadable("has only blank lines; expected a header and rows")
    delimiter = max(DELIMITERS, key=lambda d: len(split_record(lines[0].rstrip("\r\n"), d) or []))
    return (
        split_record(lines[0].rstrip("\r\n"), delimiter) or [lines[0]],
        [cells for line in lines[1:] if (cells := split_record(line.rstrip("\r\n"), delimiter))],
    )


def _guesses(headers: Sequence[str]) -> list[_Guess]:
    """What the known layouts and the labels of the feeds make of these headers, the surest first for each."""
    guesses = []
    for layout in load_layouts().values():
        for part in layout.feeds:
            for column, source in part.columns.items():
                if source.header:
                    guesses += _near(headers, source.header, part.feed, column, source, layout.label_zh)
    for spec in load_feeds().values():
        for wanted in spec.columns:
            if not wanted.internal and not wanted.personal:
                source = Source.model_validate({"from": wanted.label_zh})
                guesses += _near(headers, wanted.label_zh, spec.feed, wanted.name, source, f"the label of {spec.feed}")
    return guesses


def _near(headers: Sequence[str], known: str, feed: str, column: str, source: Source, whose: str) -> list[_Guess]:
    found = []
    for header in headers:
        if folded(header) == folded(known):
            found.append(_Guess(header, feed, column, source, f"as in {whose}"))
        elif difflib.SequenceMatcher(None, folded(header), folded(known)).ratio() >= _CLOSE:
            found.append(_Guess(header, feed, column, source, f"guessed: like {known} in {whose}"))
    return found


def _best_feed(guesses: Sequence[_Guess]) -> tuple[str, list[_Guess]]:
    """The feed of which most columns were found, required ones above all; one header a column, the surest."""
    chosen: dict[str, dict[str, _Guess]] = {}
    for guess in sorted(guesses, key=lambda guess: guess.why.startswith("guessed")):
        taken = chosen.setdefault(guess.feed, {})
        if guess.column not in taken and guess.header not in {other.header for other in taken.values()}:
            taken[guess.column] = guess
    if not chosen:
        return "", []

    def worth(feed: str) -> float:
        spec, found = load_feeds()[feed], chosen[feed]
        return len(found) * (0.3 + sum(name in found for name in spec.required) / len(spec.required))

    best = max(sorted(chosen), key=worth)
    order = [column.name for column in load_feeds()[best].columns]
    return best, sorted(chosen[best].values(), key=lambda guess: order.index(guess.column))


def _source(guess: _Guess, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    spec = load_feeds()[guess.feed].by_name[guess.column]
    if spec.type != "enum":
        return _scalar(guess.header)
    words = list(Counter(_cells(guess.header, header, rows)).most_common(20))
    meant = {word: guess.source.words.get(word, "?") for word, _ in words}
    inner = ", ".join(f"{_scalar(word)}: {'null' if value is None else value}" for word, value in meant.items())
    return f"{{from: {_scalar(guess.header)}, words: {{{inner}}}}}  # one of {', '.join(spec.values)}"


def _cells(name: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    position = next(i for i, cell in enumerate(header) if cell.strip().strip("\ufeff") == name)
    cells = (row[position].strip().removeprefix("'") for row in rows if position < len(row))
    return [cell for cell in cells if cell not in NULL_WORDS]


def _totals(header: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for position, name in enumerate(header):
        words = {row[position].strip() for row in rows if position < len(row)} & set(TOTAL_WORDS)
        if words and name.strip():
            found[name.strip()] = sorted(words)
    return found


def _looks_like(cells: Sequence[str]) -> str:
    """What the cells seem to be. Nothing of them is repeated: they may be about people."""
    if not cells:
        return "empty"
    shapes = {
        "day or time": r"\d{4}[-/年]?\d{1,2}[-/月]?\d{1,2}.*",
        "long id": r"\d{10,}",
        "number": r"[¥￥]?-?[\d,]+(\.\d+)?(万|w)?",
        "percentage": r"-?[\d,.]+%",
        "range": r".+[~-].+",
    }
    for what, shape in shapes.items():
        if all(re.fullmatch(shape, cell) for cell in cells):
            return what
    return "text"


def _scalar(text: str) -> str:
    return (
        yaml.safe_dump(text, allow_unicode=True, default_flow_style=True, width=10_000).removesuffix("\n...\n").strip()
    )


def _flow(names: Sequence[str]) -> str:
    return yaml.safe_dump(list(names), allow_unicode=True, default_flow_style=True, width=10_000).strip()
