"""The schedule really ticks: `quanyu serve` with a time a moment ahead publishes by itself."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pipelines.config import PROJECT_DIR, load_settings
from pipelines.orchestration import journal
from pipelines.simulate import simulate

ZONE = ZoneInfo("Asia/Shanghai")
PATIENCE_SECONDS = 600


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def patiently(what: str, serving: subprocess.Popen[bytes], log: Path, condition: object) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    assert callable(condition)
    while not condition():
        assert serving.poll() is None and time.monotonic() < deadline, (
            f"{what}\n{log.read_text(errors='replace')[-4000:]}"
        )
        time.sleep(1)


@pytest.mark.slow
def test_the_daemon_runs_the_night_at_the_configured_time(tmp_path: Path) -> None:
    yesterday = (datetime.now(ZONE) - timedelta(days=1)).date()
    simulate(tmp_path / "landing", days=8, users=40, seed=3, start=yesterday - timedelta(days=7))
    # Far enough ahead for the daemon to have come up; a minute that has begun is not caught up on.
    soon = datetime.now(ZONE) + timedelta(minutes=3)
    told = tmp_path / "told"
    (tmp_path / "quanyu.toml").write_text(
        f'schedule = "{soon:%H:%M}"\nnotify_command = "echo $QUANYU_OUTCOME >> {told}"\n', encoding="utf-8"
    )
    # A night that failed before: the first one that succeeds is news.
    settings = load_settings(tmp_path)
    settings.make_home()
    journal.append(
        settings, journal.Entry("before", yesterday.isoformat(), "2025-01-01T02:30:00", "", "broken", "for the test")
    )
    port = free_port()
    log = tmp_path / "serve.log"
    with log.open("wb") as output:
        serving = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", "serve", "--port", str(port), "--home", str(tmp_path)],
            cwd=PROJECT_DIR, env=os.environ | {"PYTHONUNBUFFERED": "1"}, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:

            def page_answers() -> bool:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=5) as answer:
                        return answer.status == 200
                except OSError:
                    return False

            patiently("the web page does not answer", serving, log, page_answers)
            patiently("nothing was published", serving, log, settings.current.exists)
            patiently("nobody was told", serving, log, told.exists)
        finally:
            serving.send_signal(signal.SIGINT)
            serving.wait(60)
    last = list(journal.read(settings))[-1]
    assert (last.outcome, last.business_date) == ("published", yesterday.isoformat())
    assert told.read_text(encoding="utf-8") == "published\n"
    assert (settings.reports / "latest.zh.html").exists()
