"""The Dagster instance of a home: its storage, and tidying up after runs that were killed."""

from __future__ import annotations

import os
import shutil

import dagster as dg
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES

from pipelines.config import Settings
from pipelines.orchestration.lock import is_alive

POOL = "duckdb_writer"
PROCESS_TAG = "quanyu/process"
ORIGIN_TAG = "quanyu/origin"


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The instance under `state/dagster`, configured by the project's `dagster.yaml`."""
    prepare_dagster_home(settings)
    return dg.DagsterInstance.from_config(str(settings.dagster_home))


def prepare_dagster_home(settings: Settings) -> None:
    """Give the instance its configuration. Rewritten at every start, so that an update reaches every home."""
    settings.make_home()
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    os.environ["QUANYU_DAGSTER_STORAGE"] = str(settings.dagster_home / "storage")
    shutil.copyfile(settings.project / "dagster.yaml", settings.dagster_home / "dagster.yaml")


def bury_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Fail the runs whose process is gone and free the pool slots they held. Returns their ids.

    Only runs that carry their process are judged; Dagster's own monitoring watches those that never came so far.
    """
    buried = []
    # A kill may also come between a run's record and its first event.
    unfinished = [*IN_PROGRESS_RUN_STATUSES, dg.DagsterRunStatus.NOT_STARTED]
    for run in instance.get_runs(dg.RunsFilter(statuses=unfinished)):
        mark = run.tags.get(PROCESS_TAG)
        if mark and not is_alive(mark):
            instance.report_run_failed(run, "Its process was killed; the next night starts from the last publication.")
            buried.append(run.run_id)
    storage = instance.event_log_storage
    if POOL in storage.get_concurrency_keys():
        slots = storage.get_concurrency_info(POOL)
        for run_id in {*slots.active_run_ids, *slots.pending_run_ids}:
            holder = instance.get_run_by_id(run_id)
            if holder is None or holder.is_finished:
                storage.free_concurrency_slots_for_run(run_id)
    return buried


def prune_runs(instance: dg.DagsterInstance, kept: int) -> None:
    """Delete all but the newest `kept` runs with their events."""
    for record in instance.get_run_records(limit=kept + 1000)[kept:]:
        if record.dagster_run.is_finished:
            instance.delete_run(record.dagster_run.run_id)
