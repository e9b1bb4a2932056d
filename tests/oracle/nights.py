"""Real nights over invented landings, in this process, and what a test needs to read their publications."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest
from filelock import FileLock

from pipelines.config import load_settings
from pipelines.orchestration.night import Request
from pipelines.orchestration.runner import Runner
from pipelines.transform.project import Project
from tests.oracle.facts import Feeds
from tests.oracle.generate import Delivery, write

KEY = "the key of the tests"


def pseudonym(user_id: str) -> str:
    """R8: lower-case hex HMAC-SHA256 of the trimmed id, the same for all shops."""
    return hmac.new(KEY.encode(), user_id.strip().encode("utf-8"), hashlib.sha256).hexdigest()


def pseudonymised(feeds: Feeds) -> Feeds:
    return {
        feed: [row | {"user_id": pseudonym(row["user_id"])} if row.get("user_id") else row for row in rows]
        for feed, rows in feeds.items()
    }


def published(home: Path) -> Path:
    """The newest published file itself, not the link that the next night turns."""
    return (home / "published" / "current.duckdb").resolve()


def run_nights(home: Path, requests: Sequence[Request], before: Callable[[int], None] = lambda position: None) -> None:
    """Nights in order, `before(position)` ahead of each; fails with the night's own words unless all publish."""
    position = -1

    def ahead(_: Request) -> None:
        nonlocal position
        position += 1
        before(position)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUANYU_HASH_KEY", KEY)
        for entry in Runner(load_settings(home)).run(requests, ahead):
            assert entry.outcome == "published", f"night of {entry.business_date}: {entry.message}\n{entry.evidence}"
    assert position == len(requests) - 1


def run_deliveries(home: Path, deliveries: list[Delivery], nights: Sequence[date]) -> None:
    """One night a date, each after the files that are delivered before it; then what nights do not test themselves."""

    def drop(position: int) -> None:
        mine = [d for d in deliveries if d.night == position]
        write(mine, home / "landing", start=1 + deliveries.index(mine[0]) if mine else 0)

    run_nights(home, [Request(on=on) for on in nights], drop)
    tested = Project(load_settings(home)).build(full_refresh=True, on_node=lambda *_: None, only=("test",))
    assert tested and [f"{result.name}: {result.status}" for result in tested if not result.ok] == []


def run_at_once(home: Path, deliveries: list[Delivery], on: date) -> None:
    """One night over everything that was delivered."""
    write(deliveries, home / "landing", start=1)
    run_nights(home, [Request(on=on)])


def rebuild(home: Path, on: date) -> None:
    """Everything again from the raw tables, as `quanyu rebuild` asks for it."""
    run_nights(home, [Request(on=on, load=False, rebuild=True)])


def shared_home(factory: pytest.TempPathFactory, worker: str, name: str, make: Callable[[Path], None]) -> Path:
    """A home that is made once a session, however many test processes want it."""
    base = factory.getbasetemp() if worker == "master" else factory.getbasetemp().parent
    home = base / name
    with FileLock(base / f"{name}.lock"):
        done = base / f"{name}.done"
        if not done.exists():
            home.mkdir()
            make(home)
            done.touch()
    return home
