"""Ctrl-C and SIGTERM while a night runs: it ends in order, is written down, leaves the last publication as it is."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import duckdb


@contextmanager
def orderly_end() -> Iterator[None]:
    """Within the block SIGTERM raises KeyboardInterrupt, as Ctrl-C does. For the main thread."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def is_interruption(error: BaseException) -> bool:
    """Whether an error is how the interpreter, Dagster or DuckDB tells of a signal."""
    from dagster._core.errors import DagsterExecutionInterruptedError

    if isinstance(error, (KeyboardInterrupt, DagsterExecutionInterruptedError, duckdb.InterruptException)):
        return True
    return type(error) is RuntimeError and str(error) == "Query interrupted"
