"""One night at a time, also after a kill."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.config import Settings, load_settings
from pipelines.orchestration.lock import Busy, is_alive, night_lock, process_mark

HOLDER = """
import sys, time
from pipelines.config import load_settings
from pipelines.orchestration.lock import night_lock
with night_lock(load_settings(sys.argv[1]), print):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load_settings(tmp_path)
    made.make_home()
    return made


def holder(settings: Settings) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(settings.home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_who_does_not_want_to_wait_is_told_who_holds_the_lock(settings: Settings) -> None:
    other = holder(settings)
    with (
        pytest.raises(Busy, match=rf"process {other.pid}\) has been at work since"),
        night_lock(settings, print, wait=False),
    ):
        pytest.fail("two held the lock")
    other.communicate("")
    assert other.returncode == 0


def test_a_second_night_says_why_it_waits_and_goes_on_when_the_first_is_killed(settings: Settings) -> None:
    other = holder(settings)
    said: list[str] = []

    def tell(text: str) -> None:
        said.append(text)
        os.kill(other.pid, signal.SIGKILL)

    with night_lock(settings, tell):
        assert len(said) == 1 and said[0].endswith("waiting for it to finish")
    other.communicate()


def test_one_process_may_take_it_again_inside(settings: Settings) -> None:
    with night_lock(settings, print):
        with night_lock(settings, print, wait=False):
            pass
        busy = subprocess.run(
            [sys.executable, "-c", HOLDER.replace("print)", "print, wait=False)"), str(settings.home)],
            capture_output=True, text=True, input="",
        )  # fmt: skip
        assert "has been at work since" in busy.stderr


def test_a_process_is_known_by_its_number_and_its_birth(settings: Settings) -> None:
    assert is_alive(process_mark(os.getpid()))
    assert not is_alive(f"{os.getpid()}:1")
    process = subprocess.Popen([sys.executable, "-c", ""])
    mark = process_mark(process.pid)
    process.wait()
    assert not is_alive(mark)
    assert not is_alive("")
