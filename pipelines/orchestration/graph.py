"""The Dagster graph: feeds → dbt models → publication → report, with the two gates as blocking checks between them.

Each step calls one phase of `Night`; none decides anything itself.
"""

from collections.abc import Iterator

import dagster as dg

from pipelines.config import Settings
from pipelines.orchestration.instance import POOL
from pipelines.orchestration.night import Night
from pipelines.orchestration.resource import night_resource
from pipelines.orchestration.schedule import nightly_job, nightly_schedule, notify_on_failure, notify_on_recovery
from pipelines.quality.gates import gate_check_specs
from pipelines.quality.suites import Edge
from pipelines.transform.assets import mart_keys, source_keys, transform_assets
from pipelines.transform.project import Project

LOAD_RETRIES = 2
RETRY_SECONDS = 20
PUBLICATION = dg.AssetKey(["published", "publication"])
REPORT = dg.AssetKey(["published", "report"])
POSTGRES = dg.AssetKey(["published", "postgres"])


def load_assets(project: Project) -> dg.AssetsDefinition:
    """One asset a raw or control table, all written by one load."""
    keys = {
        *source_keys(project),
        *(dg.AssetKey(suite.asset_key) for suite in gate_check_specs("raw", project.settings.project / "expectations")),
    }
    specs = [dg.AssetSpec(key, group_name="feeds" if key.path[0] == "raw" else "control") for key in sorted(keys)]

    @dg.multi_asset(name="load", specs=specs, pool=POOL, required_resource_keys={"night"}, can_subset=True)
    def load(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        night: Night = context.resources.night
        try:
            rows = night.load()
        except OSError as error:
            # A share that went away for a moment comes back; bad data and bad code do not.
            raise dg.RetryRequested(max_retries=LOAD_RETRIES, seconds_to_wait=RETRY_SECONDS) from error
        for key in sorted(context.selected_asset_keys):
            name = key.path[-1]
            yield dg.MaterializeResult(asset_key=key, metadata={"rows": rows[name]} if name in rows else {})

    return load


def gate(edge: Edge, project: Project) -> dg.AssetChecksDefinition:
    """The suites of one edge as blocking checks on the tables they describe."""
    suites = gate_check_specs(edge, project.settings.project / "expectations")
    specs = [
        dg.AssetCheckSpec(suite.suite, asset=dg.AssetKey(suite.asset_key), blocking=True, description=suite.description)
        for suite in suites
    ]

    @dg.multi_asset_check(name=f"{edge}_gate", specs=specs, required_resource_keys={"night"}, pool=POOL)
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        night: Night = context.resources.night
        with night.phase(f"{edge} gate"):
            results = night.gate(edge)
            error = night.judge_gate(edge, results)
        for result in results:
            yield dg.AssetCheckResult(
                passed=result.success,
                asset_key=dg.AssetKey(result.asset_key),
                check_name=result.suite,
                metadata={
                    "rows": result.rows,
                    "expectations": result.expectations,
                    "failing_rows": result.failing_rows,
                },
            )
        if error:
            raise error

    return check


def publication_asset(project: Project) -> dg.AssetsDefinition:
    """The flip of `current.duckdb`, after every mart."""

    @dg.asset(
        key=PUBLICATION,
        deps=list(mart_keys(project).values()),
        group_name="published",
        pool=POOL,
        required_resource_keys={"night"},
    )
    def publication(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """A complete versioned copy of the marts, and the symlink that readers open."""
        night: Night = context.resources.night
        with night.phase("publish"):
            done = night.publish()
        return dg.MaterializeResult(
            metadata={
                "business_date": done.business_date.isoformat(),
                "file": done.version_path.name,
                "rows_per_mart": dg.MetadataValue.json(done.rows_per_mart),
            }
        )

    return publication


@dg.asset(key=REPORT, deps=[PUBLICATION], group_name="published", required_resource_keys={"night"})
def report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """The pages people look at, written from the published file."""
    night: Night = context.resources.night
    with night.phase("report"):
        pages = night.report()
    return dg.MaterializeResult(metadata={"pages": dg.MetadataValue.json([page.name for page in pages])})


@dg.asset(key=POSTGRES, deps=[REPORT], group_name="published", required_resource_keys={"night"})
def postgres(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """The copy of the marts for tools without a DuckDB driver. Last, so that nothing waits for another server."""
    night: Night = context.resources.night
    with night.phase("postgres"):
        rows = night.copy()
    return dg.MaterializeResult(metadata={"rows": dg.MetadataValue.json(rows)})


def build_definitions(settings: Settings, project: Project | None = None) -> dg.Definitions:
    """Everything Dagster knows about one home."""
    project = project or Project(settings)
    copies = [postgres] if settings.postgres else []
    return dg.Definitions(
        assets=[load_assets(project), transform_assets(project), publication_asset(project), report, *copies],
        asset_checks=[gate("raw", project), gate("marts", project)],
        jobs=[nightly_job()],
        schedules=[nightly_schedule(settings)],
        sensors=[notify_on_failure(settings), notify_on_recovery(settings)],
        resources={"night": night_resource(settings, project)},
        executor=dg.in_process_executor,
    )
