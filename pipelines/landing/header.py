"""Which column of a file is which column of its feed. Canonical names only; unknown ones are left out, and said so."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.landing.declarations import FeedSpec
from pipelines.landing.decoding import Unreadable

DELIMITERS = (",", "\t", ";", "|")


@dataclass(frozen=True)
class Header:
    """A file's header as matched. `positions` maps declared names to positions, in file order."""

    width: int
    positions: dict[str, int]
    unknown: tuple[str, ...]
    delimiter: str = ","

    @property
    def names(self) -> tuple[str, ...]:
        """Declared columns the file has, in file order."""
        return tuple(self.positions)


def normalised(name: str) -> str:
    """A header cell without blanks, byte order mark, quotes and apostrophe, in lower case."""
    return name.strip(" \t\r\n\ufeff\u00a0\u3000\"'").lower()


def match_header(spec: FeedSpec, cells: Sequence[str], delimiter: str = ",") -> Header:
    """Raises `Unreadable` naming what is missing and what was found."""
    names = [normalised(cell) for cell in cells]
    positions: dict[str, int] = {}
    for position, name in enumerate(names):
        if name not in spec.by_name:
            continue
        if name in positions:
            raise Unreadable(f"has two columns named {name}; keep one of them")
        positions[name] = position
    missing = [name for name in spec.required if name not in positions]
    if missing:
        raise Unreadable(_missing(spec, missing, names))
    unknown = tuple(name for name in names if name and name not in spec.by_name)
    return Header(len(names), positions, unknown, delimiter)


def match_line(spec: FeedSpec, line: str) -> Header:
    """A header line of delimited text. The delimiter is the one under which the required columns are there."""
    splits = {delimiter: split_record(line, delimiter) or [line] for delimiter in DELIMITERS}
    known = {d: sum(normalised(cell) in spec.by_name for cell in cells) for d, cells in splits.items()}
    delimiter = max(DELIMITERS, key=lambda candidate: known[candidate])
    return match_header(spec, splits[delimiter], delimiter)


def split_record(text: str, delimiter: str) -> list[str] | None:
    """The cells of one record, None where its quotes are broken or left open."""
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def _missing(spec: FeedSpec, missing: list[str], names: list[str]) -> str:
    found = [name for name in names if name]
    is_header = any(name in spec.by_name for name in found)
    others = [name for name in found if name not in spec.by_name] if is_header else []
    hints = []
    for name in missing:
        near = difflib.get_close_matches(name, others, n=1, cutoff=0.7)
        hints.append(f"{name} (is {near[0]!r} meant?)" if near else name)
    if is_header:
        shown = ", ".join(name[:40] for name in found[:12]) + (", …" if len(found) > 12 else "")
    else:
        # Perhaps no header at all but a row of data, and then with a user id in it: nothing of it is repeated.
        shown = f"none of its columns in a first row of {len(names)} cells"
    return f"lacks required columns {', '.join(hints)}; found {shown}; expected the header of {spec.feed}"
