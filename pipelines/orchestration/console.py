"""What a person sees while a night runs: a moving line on a terminal, otherwise only what needs attention."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class MovingLine(logging.Handler):
    """Shows progress on one line that is rewritten, and warnings above it."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.INFO)
        self.console = console
        self.status = console.status("starting")

    def emit(self, record: logging.LogRecord) -> None:
        """One record: progress moves, a warning stays."""
        if record.levelno >= logging.WARNING:
            self.console.print(record.getMessage(), markup=False, highlight=False)
        elif record.name == "quanyu.progress":
            self.status.update(record.getMessage())


@contextmanager
def narrated(console: Console) -> Iterator[None]:
    """Show what the loggers of `quanyu` say while the block runs."""
    root = logging.getLogger("quanyu")
    root.setLevel(logging.DEBUG)
    root.propagate = False
    handler: logging.Handler
    if console.is_terminal:
        handler = MovingLine(console)
        handler.status.start()
    else:
        handler = logging.StreamHandler(console.file)
        handler.setLevel(logging.WARNING)
    root.addHandler(handler)
    try:
        yield
    finally:
        if isinstance(handler, MovingLine):
            handler.status.stop()
        root.removeHandler(handler)
