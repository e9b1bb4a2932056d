"""What a killed process leaves behind in Dagster's books."""

import os
from pathlib import Path

import dagster as dg

from pipelines.config import load_settings
from pipelines.orchestration.instance import PROCESS_TAG, bury_dead_runs, open_instance
from pipelines.orchestration.lock import process_mark

CASES = [
    ("999999999:1", True),
    (process_mark(os.getpid()), False),
    (None, False),
]


def test_only_runs_of_dead_processes_are_buried(tmp_path: Path) -> None:
    expected = {}
    with open_instance(load_settings(tmp_path)) as instance:
        for status in (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED):
            for mark, is_dead in CASES:
                tags = {PROCESS_TAG: mark} if mark else {}
                run = instance.add_run(dg.DagsterRun(job_name="nightly", status=status, tags=tags))
                expected[run.run_id] = is_dead
        assert set(bury_dead_runs(instance)) == {run_id for run_id, is_dead in expected.items() if is_dead}
        assert {run.run_id: run.is_finished for run in instance.get_runs()} == expected
