"""The owner hears of failures and of the first success after one, and of nothing else."""

import json
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from pipelines.config import load_settings
from pipelines.orchestration import journal
from pipelines.orchestration.health import problems_of
from pipelines.orchestration.notify import is_due, notify


def entry(outcome: journal.Outcome, run_id: str = "run") -> journal.Entry:
    return journal.Entry(
        run_id, "2025-03-11", "2025-03-12T02:30:00", "2025-03-12T02:31:00", outcome, "shop_daily: 全域 'quoted'"
    )


@pytest.mark.parametrize(
    ("outcomes", "due"),
    [
        ([], False),
        (["published"], False),
        (["published", "published"], False),
        (["published", "refused"], True),
        (["broken", "broken"], True),
        (["refused", "published"], True),
        (["refused", "published", "published"], False),
    ],
)
def test_silence_means_all_is_well(outcomes: list[journal.Outcome], due: bool) -> None:
    assert is_due([entry(outcome) for outcome in outcomes]) is due


def test_the_command_finds_what_happened_in_its_environment(tmp_path: Path) -> None:
    told = tmp_path / "told"
    settings = load_settings(tmp_path).model_copy(
        update={"notify_command": f'echo "$QUANYU_OUTCOME $QUANYU_BUSINESS_DATE $QUANYU_MESSAGE" > {told}'}
    )
    notify(settings, entry("refused"))
    assert told.read_text(encoding="utf-8") == "refused 2025-03-11 shop_daily: 全域 'quoted'\n"


def test_the_webhook_gets_json(tmp_path: Path) -> None:
    got: list[dict[str, str]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}/hook"
    notify(load_settings(tmp_path).model_copy(update={"notify_webhook": address}), entry("published"))
    thread.join()
    server.server_close()
    assert got[0]["outcome"] == "published" and "2025-03-11" in got[0]["text"]


def test_a_messenger_that_fails_does_not_fail_the_night(tmp_path: Path) -> None:
    settings = load_settings(tmp_path).model_copy(
        update={"notify_command": "exit 3", "notify_webhook": "http://127.0.0.1:1/nobody"}
    )
    notify(settings, entry("broken"))


def test_the_journal_keeps_the_newest_nights_and_survives_a_torn_line(tmp_path: Path) -> None:
    settings = load_settings(tmp_path).model_copy(update={"nights_kept": 3})
    settings.make_home()
    for number in range(5):
        journal.append(settings, entry("published", f"run-{number}"))
    settings.journal.write_text(settings.journal.read_text(encoding="utf-8") + '{"run_id": "to', encoding="utf-8")
    assert [night.run_id for night in journal.read(settings)] == ["run-2", "run-3", "run-4"]


def test_a_home_where_the_last_night_failed_has_a_problem(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    problems = problems_of(settings, None, [entry("refused")], datetime(2025, 3, 12))
    assert problems == [
        "nothing is published yet; run `quanyu nightly`",
        "the last night was refused: shop_daily: 全域 'quoted'",
    ]
