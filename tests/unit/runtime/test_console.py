"""What a person sees of a night can never stop it."""

import io
import logging

import pytest

from pipelines.orchestration.console import MovingLine, Speaker, narrated, visible


def test_a_progress_line_is_shown_literally() -> None:
    said = io.StringIO()
    with narrated(Speaker(file=said, force_terminal=True, width=200)):
        logging.getLogger("quanyu.progress").info("loading %s", "[/red]x.csv")
        logging.getLogger("quanyu.load").warning("%s: refused", "[/red]\x1b[2Jy.csv")
    assert "[/red]\\x1b[2Jy.csv: refused" in said.getvalue()


def test_a_progress_line_that_fails_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    line = MovingLine(Speaker(file=io.StringIO(), force_terminal=True))
    handled: list[logging.LogRecord] = []
    monkeypatch.setattr(line, "handleError", handled.append)
    record = logging.LogRecord("quanyu.progress", logging.INFO, __file__, 1, "day %d", ("no number",), None)
    line.emit(record)
    assert handled == [record]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("订单 a.csv", "订单 a.csv"), ("a\nb\t", "a\\nb\\t"), ("\udcff\u202e", "\\udcff\\u202e")],
)
def test_what_cannot_be_seen_stands_as_its_escape(text: str, shown: str) -> None:
    assert visible(text) == shown
