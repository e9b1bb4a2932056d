"""Nights killed with -9 at any moment: the next one starts from the last publication and ends in the same marts."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.config import PROJECT_DIR, load_settings
from pipelines.orchestration import journal
from pipelines.orchestration.instance import POOL, open_instance
from pipelines.simulate import deliveries, simulate
from tests.oracle.compare import except_both_ways
from tests.oracle.nights import published

KILLED_A_NIGHT = 5
SEED = 11
FIRST, DAYS = date(2025, 3, 1), 30
LAST = FIRST + timedelta(days=DAYS - 1)
NIGHTS = [LAST - timedelta(days=n) for n in (3, 2, 1, 0)]


def start(home: Path, on: date) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pipelines.cli", "nightly", "--on", on.isoformat(), "--home", str(home)]
    return subprocess.Popen(command, cwd=PROJECT_DIR, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(home: Path, on: date) -> float:
    """Seconds that a night took; fails unless it published."""
    begun = time.monotonic()
    process = start(home, on)
    out, errors = process.communicate()
    assert process.returncode == 0, f"{out}{errors}"
    return time.monotonic() - begun


def deliver(shop: Path, home: Path, on: date) -> None:
    for day, files in deliveries(shop):
        if day <= on:
            for file in files:
                folder = home / "landing" / file.parent.name
                folder.mkdir(parents=True, exist_ok=True)
                if not (folder / file.name).exists():
                    shutil.copy2(file, folder / file.name)


def whole(version: Path, at_least: int) -> int:
    """A published file opens, names its run and holds every mart it promises; returns its publications."""
    con = duckdb.connect(str(version), read_only=True)
    try:
        [(run_id, promised)] = con.execute(
            "select max_by(run_id, published_at), max_by(rows_per_mart, published_at) from operations.publications"
        ).fetchall()
        assert run_id[:8] in version.name
        promises = con.execute(f"select unnest(json_keys('{promised}'))").fetchall()
        for (mart,) in promises:
            con.execute(f"select count(*) from marts.{mart}")
        [(count, distinct)] = con.execute(
            "select count(*), count(distinct run_id) from operations.publications"
        ).fetchall()
        assert count == distinct >= at_least
        return int(count)
    finally:
        con.close()


def booked(version: Path) -> list[tuple[object, ...]]:
    """The books, file by file, without what tells one run from another."""
    con = duckdb.connect(str(version), read_only=True)
    try:
        return con.execute(
            "select feed, path, sha256, status, rows_read, rows_loaded, rows_duplicate, rows_quarantined, "
            "rows_set_aside from operations.load_audit order by all"
        ).fetchall()
    finally:
        con.close()


@pytest.mark.slow
def test_killed_at_random_points_and_run_again_nothing_is_lost_or_doubled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, calm, shaken = tmp_path / "shop", tmp_path / "calm", tmp_path / "shaken"
    simulate(shop, days=DAYS, users=80, seed=SEED, start=FIRST, daily_tail=len(NIGHTS))
    monkeypatch.setenv("QUANYU_HASH_KEY", "the same for both homes")
    random_moment = random.Random(SEED)
    publications = 0
    for number, on in enumerate(NIGHTS):
        deliver(shop, calm, on)
        deliver(shop, shaken, on)
        seconds = finish(calm, on)
        killed = 0
        while killed < KILLED_A_NIGHT:
            process = start(shaken, on)
            time.sleep(random_moment.uniform(0.02, 1) * seconds)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            killed += process.returncode == -signal.SIGKILL
            if (shaken / "published" / "current.duckdb").exists():
                publications = whole(published(shaken), publications)
            else:
                assert number == 0
        finish(shaken, on)
        publications = whole(published(shaken), publications)
        assert except_both_ways(published(calm), published(shaken)) == []

    assert booked(published(calm)) == booked(published(shaken))
    assert not list((shaken / "published").glob(".*"))

    with open_instance(load_settings(shaken)) as instance:
        assert not [run.run_id for run in instance.get_runs() if not run.is_finished]
        slots = instance.event_log_storage.get_concurrency_info(POOL)
        assert (slots.active_slot_count, slots.pending_step_count) == (0, 0)
    assert list(journal.read(load_settings(shaken)))[-1].outcome == "published"


def test_a_run_killed_while_it_built_leaves_no_trace_for_the_next(tmp_path: Path) -> None:
    shop, home = tmp_path / "shop", tmp_path / "home"
    simulate(shop, days=8, users=40, seed=SEED, start=FIRST)
    on = FIRST + timedelta(days=7)
    deliver(shop, home, on)
    process = start(home, on)
    logs = home / "logs"
    while not any("build: " in log.read_text(encoding="utf-8") for log in logs.glob("*.log")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    finish(home, on)
    assert [entry.outcome for entry in journal.read(load_settings(home))] == ["published"]
    with open_instance(load_settings(home)) as instance:
        assert sorted(run.status.value for run in instance.get_runs()) == ["FAILURE", "SUCCESS"]


@pytest.mark.slow
@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_night_asked_to_end_says_so_and_the_next_one_publishes(tmp_path: Path, told: signal.Signals) -> None:
    shop, home = tmp_path / "shop", tmp_path / "home"
    simulate(shop, days=8, users=40, seed=SEED, start=FIRST)
    on = FIRST + timedelta(days=7)
    deliver(shop, home, on)
    process = start(home, on)
    while not any("build: " in log.read_text(encoding="utf-8") for log in (home / "logs").glob("*.log")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(told)
    _, errors = process.communicate()
    assert process.returncode == 1
    assert "quanyu: broken: build: interrupted" in errors
    assert "Traceback" not in errors
    finish(home, on)
    assert [entry.outcome for entry in journal.read(load_settings(home))] == ["broken", "published"]
