"""What a person sees while a night runs: a moving line on a terminal, otherwise only what needs attention."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.text import Text

# Control characters, line and direction marks, and the halves of characters that undecodable file names leave.
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """The text on one line: what would move the cursor or could not be encoded stands as its escape."""
    return UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


class Speaker(Console):
    """A console whose reader may leave: the rest goes nowhere, and what the command does goes on."""

    def on_broken_pipe(self) -> None:
        """Called by rich instead of letting the error through."""
        self.quiet = True
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.file.fileno())
            os.close(nowhere)


class MovingLine(logging.Handler):
    """Shows progress on one line that is rewritten, and warnings above it."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.INFO)
        self.console = console
        self.status = console.status("starting")

    def emit(self, record: logging.LogRecord) -> None:
        """One record: progress moves, a warning stays. Whatever goes wrong here stops nobody."""
        try:
            if record.levelno >= logging.WARNING:
                self.console.print(Text(visible(record.getMessage())))
            elif record.name == "quanyu.progress":
                self.status.update(Text(visible(record.getMessage())))
        except Exception:
            self.handleError(record)


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
