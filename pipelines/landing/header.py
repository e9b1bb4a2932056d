"""Which column of a file is which column of its feed or layout. Unknown ones are left out, and said so."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipelines.landing.declarations import FeedSpec, load_feeds
from pipelines.landing.decoding import Unreadable
from pipelines.landing.layouts import Layout, folded, load_layouts
from pipelines.landing.recognition import recognise

DELIMITERS = (",", "\t", ";", "|")


@dataclass(frozen=True)
class Header:
    """A file's header as matched. `positions` maps declared names to positions, in file order: names of the feed's
    columns, or those of the `layout` of an export. `ids` are the ones whose values are ids.
    """

    width: int
    positions: dict[str, int]
    unknown: tuple[str, ...]
    delimiter: str = ","
    ids: frozenset[str] = frozenset()
    layout: Layout | None = None
    # Of an export: the header cell of each position read, and how many of its columns the layout knows.
    titles: dict[str, str] = field(default_factory=dict)
    known: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Declared columns the file has, in file order."""
        return tuple(self.positions)


def normalised(name: str) -> str:
    """A header cell without blanks, byte order mark, quotes and apostrophe, in lower case."""
    return name.strip(" \t\r\n\ufeff\u00a0\u3000\"'").lower()


@dataclass(frozen=True)
class Matcher:
    """What a header is held against: the feed of the folder, if it is one, and every layout. `misplaced` says why a
    file that neither fits cannot be placed.
    """

    spec: FeedSpec | None
    misplaced: str = ""

    def match(self, cells: Sequence[str], delimiter: str = ",") -> Header:
        """Raises `Unreadable` naming what is missing and what was found."""
        if self.spec and any(normalised(cell) in self.spec.file_columns for cell in cells):
            return match_header(self.spec, cells, delimiter)
        found = recognise(cells, load_layouts().values())
        if found.layout is None:
            if found.refusal:
                raise Unreadable(found.refusal)
            if self.spec:
                return match_header(self.spec, cells, delimiter)
            raise Unreadable(self._homeless(cells))
        return Header(
            # A delimiter behind the last name starts no column.
            width=max(position for position, cell in enumerate(cells) if folded(cell)) + 1,
            positions=found.positions,
            unknown=found.unknown,
            delimiter=delimiter,
            ids=found.layout.ids,
            layout=found.layout,
            titles=found.titles,
            known=found.known,
        )

    def _homeless(self, cells: Sequence[str]) -> str:
        """Why a file that is no export cannot be placed, with the folder that its header fits."""
        names = {normalised(cell) for cell in cells}
        fitting = [spec for spec in load_feeds().values() if names.issuperset(spec.required)]
        if self.misplaced and fitting:
            best = max(fitting, key=lambda spec: len(spec.required)).feed
            return f"{self.misplaced.partition(';')[0]}; its columns are those of {best}: move it into {best}/"
        return self.misplaced or "its header is of no feed and no export that is known"

    def match_line(self, line: str) -> Header:
        """A header line of delimited text. The delimiter is the one under which most columns are known."""
        # Stray returns in header cells were seen; none is part of a name.
        line = line.replace("\r", "")
        splits = {delimiter: split_record(line, delimiter) or [line] for delimiter in DELIMITERS}
        canonical = self.spec.file_columns if self.spec else frozenset()
        known = {d: sum(normalised(cell) in canonical for cell in cells) for d, cells in splits.items()}
        if not any(known.values()):
            # Telling a layout takes longer, so only splits that are wide enough to be one are tried.
            known = {
                d: recognise(cells, load_layouts().values()).known if len(cells) > 1 else 0
                for d, cells in splits.items()
            }
        delimiter = max(DELIMITERS, key=lambda candidate: known[candidate])
        return self.match(splits[delimiter], delimiter)


def match_header(spec: FeedSpec, cells: Sequence[str], delimiter: str = ",") -> Header:
    """A canonical header. Raises `Unreadable` naming what is missing and what was found."""
    names = [normalised(cell) for cell in cells]
    positions: dict[str, int] = {}
    for position, name in enumerate(names):
        if name not in spec.file_columns:
            continue
        if name in positions:
            raise Unreadable(f"has two columns named {name}; keep one of them")
        positions[name] = position
    missing = [name for name in spec.required if name not in positions]
    if missing:
        raise Unreadable(_missing(spec, missing, names))
    unknown = tuple(name for name in names if name and name not in spec.file_columns)
    ids = frozenset(name for name in positions if spec.by_name[name].type == "id")
    return Header(len(names), positions, unknown, delimiter, ids)


def split_record(text: str, delimiter: str) -> list[str] | None:
    """The cells of one record, None where its quotes are broken or left open."""
    try:
        rows = list(csv.reader([f"{line}\n" for line in text.split("\n")], delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def _missing(spec: FeedSpec, missing: list[str], names: list[str]) -> str:
    found = [name for name in names if name]
    is_header = any(name in spec.file_columns for name in found)
    others = [name for name in found if name not in spec.file_columns] if is_header else []
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
