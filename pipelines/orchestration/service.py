"""`quanyu serve`: Dagster's web page and daemon as two processes that live and die together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import FrameType

from pipelines.config import Settings
from pipelines.errors import QuanyuError

STOP_SECONDS = 20


def commands(host: str, port: int) -> dict[str, list[str]]:
    """The two command lines. Pure."""
    location = ["-m", "pipelines.definitions"]
    return {
        "web page": [sys.executable, "-m", "dagster_webserver", "-h", host, "-p", str(port), *location],
        "daemon": [sys.executable, "-m", "dagster._daemon", "run", *location],
    }


def serve(settings: Settings, host: str, port: int) -> None:
    """Run until interrupted. Raises `QuanyuError` where one of the two processes ends by itself."""
    from pipelines.orchestration.instance import prepare_dagster_home

    prepare_dagster_home(settings)
    environment = os.environ | {
        "QUANYU_HOME": str(settings.home),
        "QUANYU_LANDING": str(settings.landing),
        "DAGSTER_HOME": str(settings.dagster_home),
    }

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    # Of a job in the background Ctrl-C is ignored; what is ignored its children would ignore as well.
    for told in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told, stop)
    running = {
        name: subprocess.Popen(command, env=environment, cwd=settings.project)
        for name, command in commands(host, port).items()
    }
    try:
        while True:
            for name, process in running.items():
                if (code := process.poll()) is not None:
                    raise QuanyuError(f"serve: the {name} ended with exit code {code}; its messages stand above")
            time.sleep(1)
    except KeyboardInterrupt:
        return
    finally:
        for process in running.values():
            process.send_signal(signal.SIGINT)
        for process in running.values():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
