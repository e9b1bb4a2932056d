"""Spoiled rows, each with the truth about it: which cell, what was done, what a careful reader must make of it.

Every kind is one that the contract decides without doubt, so a test may demand equality with the quarantine.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.simulate.columns import Column, Feed, Ints

Outcome = Literal["quarantined", "duplicate", "nulled"]
# What becomes of a row of each kind, and the reason code the quarantine must give.
OUTCOMES: dict[str, tuple[Outcome, str | None]] = {
    "bad_enum": ("quarantined", "unknown_value"),
    "bad_number": ("quarantined", "not_a_number"),
    "negative": ("quarantined", "below_minimum"),
    "mangled_id": ("quarantined", "mangled_id"),
    "time_only": ("quarantined", "time_only"),
    "ancient": ("quarantined", "before_2010"),
    "future": ("quarantined", "in_the_future"),
    "missing_required": ("quarantined", "missing_required"),
    "too_many_columns": ("quarantined", "column_count"),
    "too_few_columns": ("quarantined", "column_count"),
    "duplicate_key": ("duplicate", None),
    "unknown_optional": ("nulled", None),
}
_TIMES = {"time_only": "12:30:05", "ancient": "1970-01-01 08:00:00", "future": "2199-01-01 00:00:00"}


@dataclass(frozen=True)
class Spot:
    """One spoiled row: its position in the table, the kind, the cell (None where it is the whole row) and its text."""

    row: int
    kind: str
    column: str | None
    value: str | None


def spoil(rng: np.random.Generator, feed: Feed, table: pa.Table, rate: float) -> tuple[pa.Table, list[Spot], Ints]:
    """The table (all text) with that share of its rows spoiled, the truth, and which rows were repeated at its end."""
    rows = table.num_rows
    bad = np.sort(rng.choice(rows, rng.binomial(rows, rate), replace=False))
    options = _options(feed)
    kinds = sorted({kind for kind, _, _ in options})
    drawn = rng.integers(0, len(kinds), len(bad))
    spots: list[Spot] = []
    for number, kind in enumerate(kinds):
        choices = [option for option in options if option[0] == kind]
        at = bad[drawn == number]
        which = rng.integers(0, len(choices), len(at))
        for place, (_, column, value) in enumerate(choices):
            hit = at[which == place]
            if not len(hit):
                continue
            if column is not None:
                index = table.column_names.index(column)
                mask = np.zeros(rows, dtype=np.bool_)
                mask[hit] = True
                spoiled = pc.if_else(pa.array(mask), pa.scalar(value, pa.string()), table.column(index))
                table = table.set_column(index, column, spoiled)
            spots += [Spot(int(row), kind, column, value) for row in hit]
    spots.sort(key=lambda spot: spot.row)
    repeated = np.array([spot.row for spot in spots if spot.kind == "duplicate_key"], dtype=np.int64)
    if len(repeated):
        copies = {int(row): rows + place for place, row in enumerate(repeated)}
        spots = [
            Spot(copies[spot.row], spot.kind, None, None) if spot.kind == "duplicate_key" else spot for spot in spots
        ]
        table = pa.concat_tables([table, table.take(pa.array(repeated))])
    return table, spots, repeated


def bend_lines(text: bytes, spots: list[Spot], header: bool) -> bytes:
    """The CSV text with a field too many, or one too few, in the rows that say so."""
    bent = [spot for spot in spots if spot.kind in ("too_many_columns", "too_few_columns")]
    if not bent:
        return text
    lines = text.split(b"\n")
    for spot in bent:
        at = spot.row + header
        lines[at] = lines[at] + b",1" if spot.kind == "too_many_columns" else lines[at].rsplit(b",", 2)[0]
    return b"\n".join(lines)


def _options(feed: Feed) -> list[tuple[str, str | None, str | None]]:
    """What can be done to a row of the feed: kind, column, the text put there."""
    found: list[tuple[str, str | None, str | None]] = [
        ("too_many_columns", None, None),
        ("too_few_columns", None, None),
        ("duplicate_key", None, None),
    ]
    for column in feed.columns:
        found += _column_options(column)
    return found


def _column_options(column: Column) -> list[tuple[str, str | None, str | None]]:
    name = column.name
    found: list[tuple[str, str | None, str | None]] = []
    if column.kind == "enum":
        decides = column.required or name == "status"
        found.append(("bad_enum" if decides else "unknown_optional", name, "whatever"))
    if not column.required:
        return found
    found.append(("missing_required", name, ""))
    if column.kind in ("int", "money"):
        found += [("bad_number", name, "twelve"), ("bad_number", name, "1.2.3"), ("negative", name, "-1")]
    if column.kind == "id":
        found.append(("mangled_id", name, "6.91793E+18"))
    if column.kind == "time":
        found += [(kind, name, text) for kind, text in _TIMES.items()]
    return found
