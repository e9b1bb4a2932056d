"""One night at a time: a lock on `state/night.lock` that the kernel gives back when its holder dies."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from pipelines.config import Settings
from pipelines.errors import QuanyuError


class Busy(QuanyuError):
    """Another process holds the lock and waiting was not wanted."""


@contextmanager
def night_lock(settings: Settings, tell: Callable[[str], None], *, wait: bool = True) -> Iterator[None]:
    """Hold the lock; a second night waits and `tell`s why. Reentrant in one process. `wait=False` raises `Busy`."""
    lock = FileLock(str(settings.lock_file), thread_local=False, is_singleton=True)
    holder = settings.state / "night.holder.json"
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        if not wait:
            raise Busy(f"{settings.lock_file}: {describe(holder)}; try again when it has finished") from error
        tell(f"{describe(holder)}; waiting for it to finish")
        lock.acquire()
    try:
        if lock.lock_counter == 1:
            held = {"process": process_mark(os.getpid()), "since": f"{datetime.now(settings.zone):%Y-%m-%d %H:%M:%S}"}
            holder.write_text(json.dumps(held), encoding="utf-8")
        yield
    finally:
        if lock.lock_counter == 1:
            holder.unlink(missing_ok=True)
        lock.release()


def describe(holder: Path) -> str:
    """Who holds the lock, in words."""
    with suppress(OSError, ValueError, KeyError):
        held = json.loads(holder.read_text(encoding="utf-8"))
        return f"another run (process {held['process'].split(':')[0]}) has been at work since {held['since']}"
    return "another run is at work"


def process_mark(pid: int) -> str:
    """`pid:birth`, so that a number the kernel hands out again is not taken for the same process."""
    with suppress(OSError, IndexError):
        return f"{pid}:{Path(f'/proc/{pid}/stat').read_text(encoding='utf-8').rpartition(')')[2].split()[19]}"
    return f"{pid}:"


def is_alive(mark: str) -> bool:
    """Whether the process of a mark still runs."""
    pid, _, birth = mark.partition(":")
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return not birth or process_mark(int(pid)) == mark
