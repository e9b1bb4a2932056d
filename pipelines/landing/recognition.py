"""Which export a header belongs to. By its column names alone: neither order nor file name nor extra columns matter."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pipelines.landing.layouts import Layout, folded

# Fewer known columns than this are chance: every second report has a 日期.
_TELLING = 3


@dataclass(frozen=True)
class Recognised:
    """`layout` None where none fits; `refusal` then says in one line which came closest and what it lacks.

    `positions` has the columns that are read, in file order, `titles` their header cells, `known` counts the header's
    columns that the layout lists.
    """

    layout: Layout | None = None
    positions: dict[str, int] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    known: int = 0
    refusal: str = ""


@dataclass(frozen=True)
class _Fit:
    layout: Layout
    # Column → positions of the header cells that name it.
    found: dict[str, list[int]]

    @property
    def missing(self) -> list[str]:
        return [name for name in self.layout.required if name not in self.found]

    @property
    def is_complete(self) -> bool:
        return not self.missing and len(self.found) >= max(
            self.layout.at_least, min(_TELLING, len(self.layout.required))
        )


def recognise(cells: Sequence[str], layouts: Iterable[Layout]) -> Recognised:
    """The layout whose columns these header cells are: the one that knows most of them, if it has all it requires."""
    names = [folded(cell) for cell in cells]
    fits = sorted((_fit(layout, names) for layout in layouts), key=_rank, reverse=True)
    best = fits[0]
    if len(best.found) < _TELLING:
        return Recognised(known=len(best.found))
    if not best.is_complete:
        return Recognised(known=len(best.found), refusal=_incomplete(best, cells, names))
    rivals = [fit for fit in fits[1:] if fit.is_complete and len(fit.found) == len(best.found)]
    others = [fit.layout for fit in rivals if fit.layout.label_zh != best.layout.label_zh]
    if others:
        titles = " and ".join(f"{layout.label_zh} ({layout.layout})" for layout in (best.layout, *others))
        return Recognised(
            known=len(best.found),
            refusal=f"its header fits {titles} equally well; export it again with the columns that tell them apart",
        )
    for name in best.layout.read:
        if len(best.found.get(name, ())) > 1:
            return Recognised(known=len(best.found), refusal=f"has two columns named {name}; keep one of them")
    positions = {name: best.found[name][0] for name in best.layout.read if name in best.found}
    positions = dict(sorted(positions.items(), key=lambda item: item[1]))
    taken = {position for places in best.found.values() for position in places}
    return Recognised(
        layout=best.layout,
        positions=positions,
        titles={name: cells[position].strip().strip("\ufeff") for name, position in positions.items()},
        unknown=tuple(cells[position].strip() for position, name in enumerate(names) if name and position not in taken),
        known=len(taken),
    )


def _rank(fit: _Fit) -> tuple[int, bool, str]:
    return len(fit.found), fit.is_complete, fit.layout.valid_from.isoformat()


def _fit(layout: Layout, names: Sequence[str]) -> _Fit:
    found: dict[str, list[int]] = {}
    left: list[int] = []
    for position, name in enumerate(names):
        if column := layout.names.get(name):
            found.setdefault(column, []).append(position)
        elif name:
            left.append(position)
    for position in left:
        column = layout.renames.get(names[position]) or _cut_short(layout, names[position])
        # A known rename stands in only where the column itself is not there.
        if column and column not in found:
            found[column] = [position]
    return _Fit(layout, found)


def _cut_short(layout: Layout, name: str) -> str | None:
    """The one column whose name ends with this one, which lost its front and its closing bracket: `(次数`."""
    if name.count("(") <= name.count(")"):
        return None
    ending = [column for known, column in layout.names.items() if known.endswith(name + ")")]
    return ending[0] if len(ending) == 1 else None


def _incomplete(fit: _Fit, cells: Sequence[str], names: Sequence[str]) -> str:
    known = {position for places in fit.found.values() for position in places}
    others = [cells[position].strip() for position, name in enumerate(names) if name and position not in known]
    hints = []
    for name in fit.missing or ["more of its columns"]:
        near = difflib.get_close_matches(name, others, n=1, cutoff=0.5)
        hints.append(f"{name} (is {near[0][:40]!r} meant?)" if near else name)
    return (
        f"is no export that is known: closest is {fit.layout.label_zh} ({fit.layout.layout}) with {len(fit.found)} of "
        f"its {len(fit.layout.columns)} columns, but {', '.join(hints)} is missing; export it again with that column, "
        "or describe the layout (quanyu inspect --draft)"
    )
