"""When a night runs by itself, and who hears of it."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from pipelines.config import Settings
from pipelines.orchestration import journal
from pipelines.orchestration.instance import ORIGIN_TAG
from pipelines.orchestration.notify import is_due, notify

JOB = "nightly"


def nightly_job() -> UnresolvedAssetJobDefinition:
    """The whole graph in one process: another process a step would import everything again."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all(),
        executor_def=dg.in_process_executor,
        description="load → raw gate → dbt → marts gate → publish → report",
    )


def cron(settings: Settings) -> str:
    """`HH:MM` of the configuration as a cron line."""
    hour, minute = settings.schedule.split(":")
    return f"{int(minute)} {int(hour)} * * *"


def nightly_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The schedule, on from the first start of the daemon."""
    return dg.ScheduleDefinition(
        name="every_night",
        job_name=JOB,
        cron_schedule=cron(settings),
        execution_timezone=settings.time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )


def tell(settings: Settings, run: dg.DagsterRun) -> None:
    """Notify about a run the daemon saw end, unless the command line has done so already."""
    if run.tags.get(ORIGIN_TAG) == "cli":
        return
    nights = list(journal.read(settings))
    if not nights or nights[-1].run_id != run.run_id:
        # Its process died before it could write: the journal does not know it.
        nights.append(
            journal.Entry(
                run_id=run.run_id,
                business_date="",
                started_at="",
                finished_at="",
                outcome="broken",
                message="the run's process ended before the night did; the next night starts from the last publication",
            )
        )
    if is_due(nights):
        notify(settings, nights[-1])


def notify_on_failure(settings: Settings) -> dg.SensorDefinition:
    """Runs the notification when a night fails."""

    @dg.run_failure_sensor(name="notify_on_failure", default_status=dg.DefaultSensorStatus.RUNNING)
    def sensor(context: dg.RunFailureSensorContext) -> None:
        tell(settings, context.dagster_run)

    return sensor


def notify_on_recovery(settings: Settings) -> dg.SensorDefinition:
    """Runs the notification when a night succeeds after a failure."""

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        name="notify_on_recovery",
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def sensor(context: dg.RunStatusSensorContext) -> None:
        tell(settings, context.dagster_run)

    return sensor
