"""Is the data fresh and did the last night publish? Reads the journal and the published file only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pipelines.config import Settings
from pipelines.orchestration import journal
from pipelines.warehouse.reading import Published, published


@dataclass(frozen=True)
class Health:
    """What is published, the last nights (newest first), and what is wrong, one line each."""

    published: Published | None
    nights: list[journal.Entry]
    problems: list[str]


def examine(settings: Settings, nights: int) -> Health:
    """The state of a home now."""
    history = list(journal.read(settings))
    found = published(settings)
    now = datetime.now(settings.zone).replace(tzinfo=None)
    return Health(found, history[::-1][:nights], problems_of(settings, found, history, now))


def problems_of(settings: Settings, found: Published | None, history: list[journal.Entry], now: datetime) -> list[str]:
    """What a person should know. Pure."""
    problems = []
    if found is None:
        problems.append("nothing is published yet; run `quanyu nightly`")
    elif now - found.published_at > timedelta(hours=settings.stale_after_hours):
        hours = (now - found.published_at).total_seconds() / 3600
        problems.append(f"stale: the last publication is {hours:.0f} hours old; is the schedule running?")
    if history and history[-1].outcome != "published":
        problems.append(f"the last night was {history[-1].outcome}: {history[-1].message}")
    if found and found.unbalanced_files:
        problems.append(f"the books of {found.unbalanced_files} files do not balance")
    return problems
