"""The dbt project run inside this process: one parse, one build a night, the database free again afterwards.

No `dbt` executable is called, so nothing is imported twice and no version is asked for on the network.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from pipelines.config import Settings
from pipelines.errors import QuanyuError
from pipelines.warehouse import checkpoints

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

MART_SCHEMA = "marts"
# Whatever a model writes into its text of what the run knows, it asks for by this macro.
ASKING_MACRO = "macro.dbt.run_query"
SETTLED = "settled"
# What `dbt_project.yml` calls the tests of inner tables.
PROOF = "proof"


class TransformError(QuanyuError):
    """The dbt project does not parse, or a model's SQL failed."""


@dataclass(frozen=True)
class NodeResult:
    """What became of one seed, model or test. `failures` counts a test's rows; `compiled` is the SQL that ran."""

    unique_id: str
    name: str
    kind: str
    status: str
    message: str
    seconds: float
    failures: int = 0
    compiled: str = ""
    relation: str = ""
    materialized: str = ""

    @property
    def ok(self) -> bool:
        """Built, passed, or only a warning."""
        return self.status in ("success", "pass", "warn")


@dataclass(frozen=True)
class Mart:
    """A published table as its contract declares it: column name → (description, Chinese label)."""

    unique_id: str
    name: str
    description: str
    label_zh: str
    columns: Mapping[str, tuple[str, str]]


class Project:
    """The dbt project of one home."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def manifest(self) -> Manifest:
        """The parsed project. Raises `TransformError` with the first line of what dbt says."""
        outcome = self._invoke(None, ["parse", "--no-write-json"])
        if outcome.exception is not None or outcome.result is None:
            raise TransformError(f"models: {first_line(outcome.exception)}")
        manifest: Manifest = outcome.result
        return manifest

    @cached_property
    def nodes(self) -> dict[str, Any]:
        """The manifest as the plain dictionary that Dagster reads."""
        plain: dict[str, Any] = self.manifest.writable_manifest().to_dict(omit_none=False)
        return plain

    def marts(self) -> Iterator[Mart]:
        """Every model that is published."""
        for unique_id, node in self.nodes["nodes"].items():
            if node["resource_type"] == "model" and node["schema"] == MART_SCHEMA:
                yield Mart(
                    unique_id,
                    node["alias"],
                    node["description"],
                    node["config"]["meta"].get("label_zh", ""),
                    {
                        column["name"]: (
                            column["description"],
                            (column["meta"] or column["config"]["meta"]).get("label_zh", ""),
                        )
                        for column in node["columns"].values()
                    },
                )

    def build(
        self, *, full_refresh: bool, on_node: Callable[[NodeResult, int], None], only: Collection[str] = ()
    ) -> list[NodeResult]:
        """Seeds, models and tests in one dbt invocation. Unit tests prove the code, not the data, so they stay out;
        an exposure has nothing to build.

        Without `full_refresh` what only another version of the project could change stays as the last one left it, and
        the tests of inner tables, which prove the code and not the night's rows, are left out.
        `only` restricts it to some resource types (seed, model, test). `on_node(result, total)` is called when a node
        is done. Raises `TransformError` where dbt could not run at all.
        """
        arguments = [
            "build",
            "--no-write-json",
            "--exclude-resource-type",
            "unit_test",
            "--exclude-resource-type",
            "exposure",
        ]
        for kind in only:
            arguments += ["--resource-type", kind]
        if full_refresh:
            arguments.append("--full-refresh")
        else:
            # A tag is found in one walk over the graph, names in one each. Tests beside what is settled still run.
            for unique_id in self.settled():
                self.manifest.nodes[unique_id].tags = [SETTLED]
            arguments += ["--exclude", f"tag:{SETTLED}", f"tag:{PROOF}", "--indirect-selection", "empty"]

        def heard(event: Any) -> None:
            if event.info.name in ("LogModelResult", "LogSeedResult", "LogTestResult"):
                data = event.data
                seen = NodeResult(
                    unique_id=data.node_info.unique_id,
                    name=data.node_info.node_name,
                    kind=data.node_info.resource_type,
                    status=data.status,
                    message="",
                    seconds=data.execution_time,
                )
                on_node(seen, data.total if hasattr(data, "total") else data.num_models)

        outcome = self._invoke(self.manifest, arguments, [heard])
        if outcome.result is None or not hasattr(outcome.result, "results"):
            raise TransformError(f"models: {first_line(outcome.exception)}")
        return [
            NodeResult(
                unique_id=result.node.unique_id,
                name=result.node.name,
                kind=str(result.node.resource_type),
                status=str(result.status),
                message=first_line(result.message),
                seconds=result.execution_time,
                failures=result.failures or 0,
                compiled=getattr(result.node, "compiled_code", None) or "",
                relation=result.node.relation_name or "",
                materialized=result.node.config.materialized,
            )
            for result in outcome.result.results
        ]

    def settled(self) -> list[str]:
        """Ids of the nodes that a run with the same rules and models need not touch: seeds, views that write no value
        of the run into their text, tables and tests that read nothing but seeds. A mart is never among them.
        """
        nodes = self.nodes["nodes"]
        macros = self.nodes["macros"]

        @cache
        def reads_the_run(macro: str) -> bool:
            return macro == ASKING_MACRO or any(map(reads_the_run, macros[macro]["depends_on"]["macros"]))

        @cache
        def is_constant(unique_id: str) -> bool:
            node = nodes.get(unique_id)
            if node is None:
                return False
            return node["resource_type"] == "seed" or (
                bool(node["depends_on"]["nodes"])
                and all(map(is_constant, node["depends_on"]["nodes"]))
                and not any(map(reads_the_run, node["depends_on"]["macros"]))
            )

        def is_settled(unique_id: str) -> bool:
            node = nodes[unique_id]
            if node["schema"] == MART_SCHEMA and node["resource_type"] == "model":
                return False
            is_view = node["config"]["materialized"] == "view"
            return is_constant(unique_id) or (is_view and not any(map(reads_the_run, node["depends_on"]["macros"])))

        return sorted(filter(is_settled, nodes))

    def _invoke(
        self, manifest: Manifest | None, arguments: list[str], callbacks: list[Callable[[Any], None]] | None = None
    ) -> Any:
        from dbt.cli.main import dbtRunner

        settings = self.settings
        os.environ.update(
            QUANYU_BUILD_DB=str(settings.build_db),
            QUANYU_SERVING_DB=str(settings.serving_db),
            QUANYU_MEMORY_LIMIT=settings.memory_limit,
            QUANYU_THREADS=str(settings.threads),
            QUANYU_TEMP_DIR=str(settings.spill),
        )
        places = [
            "--project-dir", str(settings.project), "--profiles-dir", str(settings.project),
            "--target-path", str(settings.dbt_target), "--log-path", str(settings.logs),
            "--log-level", "none", "--log-level-file", "none", "--quiet",
            "--no-send-anonymous-usage-stats", "--no-use-colors",
        ]  # fmt: skip
        try:
            outcome = dbtRunner(manifest=manifest, callbacks=callbacks or []).invoke([*arguments, *places])
            # dbt catches what a signal raises like any other error.
            if outcome.exception is not None and not isinstance(outcome.exception, Exception):
                raise outcome.exception
            release_database(checkpoint=True)
            return outcome
        finally:
            release_database()


def release_database(*, checkpoint: bool = False) -> None:
    """Close what dbt keeps open, else the files stay locked for every other connection of this process."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    environment = DuckDBConnectionManager._ENV
    if environment is not None and environment.conn is not None:
        checkpoints.leave_log(environment.conn)
        if checkpoint:
            checkpoints.close(environment.conn, environment.close)
        else:
            environment.close()
    DuckDBConnectionManager.close_all_connections()


def first_line(said: object) -> str:
    """The telling part of a dbt message, on one line."""
    lines = [line.strip() for line in str(said or "").splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].endswith(("Error", ")")):
        return f"{lines[0]}: {lines[1]}"
    return lines[0] if lines else "no reason given"
