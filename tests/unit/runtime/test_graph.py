"""The Dagster graph: one clear line from a feed to the report. A wrong key in `deps` raises nothing, so assert it."""

from itertools import pairwise
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

from pipelines.config import Postgres, load_settings
from pipelines.orchestration.graph import POSTGRES, PUBLICATION, REPORT, build_definitions
from pipelines.orchestration.instance import POOL, open_instance
from pipelines.orchestration.schedule import JOB, cron
from pipelines.transform.project import Project

RAW = [
    ["raw", f"raw_{feed}"]
    for feed in ("orders", "refunds", "reviews", "products", "traffic_events", "contents", "authors")
]
LINE = [
    ["raw", "raw_orders"],
    ["staging", "stg_orders"],
    ["marts", "shop_daily"],
    ["published", "publication"],
    ["published", "report"],
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    settings = load_settings(tmp_path_factory.mktemp("home"))
    settings.make_home()
    return Project(settings)


@pytest.fixture(scope="module")
def definitions(project: Project) -> dg.Definitions:
    return build_definitions(project.settings, project)


@pytest.fixture(scope="module")
def graph(definitions: dg.Definitions) -> AssetGraph:
    return definitions.resolve_asset_graph()


def key(path: list[str]) -> dg.AssetKey:
    return dg.AssetKey(path)


def ancestors(graph: AssetGraph, of: dg.AssetKey) -> set[dg.AssetKey]:
    found: set[dg.AssetKey] = set()
    todo = [of]
    while todo:
        for parent in graph.get(todo.pop()).parent_keys - found:
            found.add(parent)
            todo.append(parent)
    return found


@pytest.mark.parametrize("feed", RAW, ids=lambda path: path[-1])
def test_every_feed_is_an_asset_that_the_job_makes(graph: AssetGraph, feed: list[str]) -> None:
    assert graph.get(key(feed)).is_materializable


@pytest.mark.parametrize(("upper", "lower"), list(pairwise(LINE)), ids=lambda path: path[-1])
def test_the_line_from_feed_to_report_is_unbroken(graph: AssetGraph, upper: list[str], lower: list[str]) -> None:
    assert key(upper) in ancestors(graph, key(lower))


def test_every_model_of_the_project_is_an_asset(graph: AssetGraph, project: Project) -> None:
    models = {
        dg.AssetKey([node["config"]["schema"], node["name"]])
        for node in project.nodes["nodes"].values()
        if node["resource_type"] in ("model", "seed")
    }
    assert len(models) > 20
    assert models <= set(graph.materializable_asset_keys)


def test_nothing_hangs_in_the_air(graph: AssetGraph) -> None:
    assert {node.key for node in graph.asset_nodes if not node.is_materializable} == set()


def test_the_publication_waits_for_every_mart_and_the_report_for_the_publication(
    graph: AssetGraph, project: Project
) -> None:
    assert graph.get(PUBLICATION).parent_keys == {dg.AssetKey(["marts", mart.name]) for mart in project.marts()}
    assert graph.get(REPORT).parent_keys == {PUBLICATION}
    assert graph.get(REPORT).child_keys == set()


def test_a_copy_in_postgres_comes_last_and_only_where_it_is_asked_for(graph: AssetGraph, project: Project) -> None:
    assert not graph.has(POSTGRES)
    settings = project.settings.model_copy(update={"postgres": Postgres(address="postgresql://localhost/shop")})
    copied = build_definitions(settings, project).resolve_asset_graph()
    assert copied.get(POSTGRES).parent_keys == {REPORT} and copied.get(POSTGRES).child_keys == set()


def test_gates_block_what_follows(graph: AssetGraph) -> None:
    checks = [graph.get(check) for check in graph.asset_check_keys]
    guarded = {check.key.asset_key.path[0] for check in checks if check.blocking}
    assert {"raw", "marts"} <= guarded


def test_every_step_that_opens_the_build_database_shares_the_one_writer(definitions: dg.Definitions) -> None:
    job = definitions.resolve_job_def(JOB)
    pools = {node.name: node.definition.pool for node in job.graph.nodes}
    assert pools.pop(REPORT.to_python_identifier()) is None
    assert set(pools.values()) == {POOL} and len(pools) >= 5
    assert job.executor_def is dg.in_process_executor


def test_the_schedule_is_that_of_the_configuration(project: Project) -> None:
    settings = project.settings.model_copy(update={"schedule": "04:05", "time_zone": "Asia/Tokyo"})
    schedule = build_definitions(settings, project).get_schedule_def("every_night")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("5 4 * * *", "Asia/Tokyo")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert cron(project.settings) == "30 2 * * *"


def test_the_instance_keeps_to_itself(project: Project) -> None:
    with open_instance(project.settings) as instance:
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled
        assert Path(instance.root_directory) == project.settings.dagster_home
        assert instance.run_storage.get_runs() == []
        assert list(project.settings.dagster_home.rglob("*.db"))
