"""What became of each night, one JSON line each in `state/nights.jsonl`.

Kept beside the databases because a refused or broken night writes to neither in a way a reader could see.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Literal

from pipelines.config import Settings

Outcome = Literal["published", "refused", "broken"]


@dataclass(frozen=True)
class Phase:
    """Wall and CPU seconds of one step of a night."""

    name: str
    wall_seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Entry:
    """One night. `evidence` holds the failing rows of a refused one; times are wall clock of the business zone."""

    run_id: str
    business_date: str
    started_at: str
    finished_at: str
    outcome: Outcome
    message: str
    evidence: str = ""
    phases: list[Phase] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)


def append(settings: Settings, entry: Entry) -> None:
    """Add one night at the end and drop the oldest beyond `nights_kept`."""
    kept = [json.dumps(asdict(old), ensure_ascii=False) for old in read(settings)]
    kept.append(json.dumps(asdict(entry), ensure_ascii=False))
    fresh = settings.journal.with_suffix(".new")
    fresh.write_text("\n".join(kept[-settings.nights_kept :]) + "\n", encoding="utf-8")
    fresh.replace(settings.journal)


def read(settings: Settings) -> Iterator[Entry]:
    """Every night kept, oldest first. A line that a crash cut short is skipped."""
    try:
        lines = settings.journal.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        with suppress(ValueError, TypeError):
            written = json.loads(line)
            yield Entry(**{**written, "phases": [Phase(**phase) for phase in written.get("phases", [])]})
