"""The night as a Dagster resource: entered once a run, closed however the run ends."""

import logging
import os
from collections.abc import Iterator
from datetime import date

import dagster as dg

from pipelines.config import Settings
from pipelines.orchestration.instance import PROCESS_TAG, bury_dead_runs, prune_runs
from pipelines.orchestration.lock import process_mark
from pipelines.orchestration.night import Night, Request
from pipelines.transform.project import Project

log = logging.getLogger("quanyu.night")
progress = logging.getLogger("quanyu.progress")

CONFIG = {
    "on": dg.Field(str, is_required=False, description="Business day, YYYY-MM-DD. Default: yesterday."),
    "load": dg.Field(bool, default_value=True, description="Read the landing folder first."),
    "rebuild": dg.Field(bool, default_value=False, description="Compute everything again from the raw tables."),
    "since": dg.Field(str, is_required=False, description="Compute the days from this one on again."),
}


def night_resource(settings: Settings, project: Project) -> dg.ResourceDefinition:
    """The resource `night`. Its configuration is the request; the home is that of the code location."""

    @dg.resource(config_schema=CONFIG, description="One night of this home, under its lock.")
    def night(context: dg.InitResourceContext) -> Iterator[Night]:
        asked = context.resource_config
        instance, run = context.instance, context.run
        if instance is None or run is None:
            raise dg.DagsterInvariantViolationError("a night needs a run")
        if PROCESS_TAG not in run.tags:
            instance.add_run_tags(run.run_id, {PROCESS_TAG: process_mark(os.getpid())})
        request = Request(
            on=day(asked.get("on")), load=asked["load"], rebuild=asked["rebuild"], since=day(asked.get("since"))
        )
        with Night(settings, project, request, run.run_id, progress.info) as begun:
            for run_id in bury_dead_runs(instance):
                log.info("run %s had been killed; its slot is free again", run_id)
            prune_runs(instance, settings.nights_kept)
            yield begun

    return night


def day(text: str | None) -> date | None:
    """A configured day."""
    return date.fromisoformat(text) if text else None
