"""The dbt project as Dagster assets: one asset a seed or model, all in one step that also runs the dbt tests."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets
from dagster_dbt.asset_utils import DAGSTER_DBT_UNIQUE_ID_METADATA_KEY

from pipelines.orchestration.instance import POOL
from pipelines.orchestration.night import Night
from pipelines.transform.project import MART_SCHEMA, NodeResult, Project


class Translator(DagsterDbtTranslator):
    """Groups by layer and domain; keeps compiled SQL out of the web page's descriptions."""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """`marts_audience` for models/marts/audience, `seeds` for every seed."""
        if dbt_resource_props["resource_type"] == "seed":
            return "seeds"
        return "_".join(dbt_resource_props["fqn"][1:-1][:2]) or None

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """What the model's own YAML says."""
        return dbt_resource_props.get("description") or dbt_resource_props["name"]


def mart_keys(project: Project) -> dict[str, dg.AssetKey]:
    """Asset key of every published mart, by name."""
    return {mart.name: dg.AssetKey([MART_SCHEMA, mart.name]) for mart in project.marts()}


def source_keys(project: Project) -> list[dg.AssetKey]:
    """Asset keys of the tables that the load step writes."""
    return sorted(dg.AssetKey([source["source_name"], source["name"]]) for source in project.nodes["sources"].values())


def transform_assets(project: Project) -> dg.AssetsDefinition:
    """The step that runs the whole dbt project, once a night."""

    @dbt_assets(
        manifest=project.nodes,
        # Hundreds of tests as checks of their own cost more than running them; a failing one refuses the step.
        dagster_dbt_translator=Translator(DagsterDbtTranslatorSettings(enable_asset_checks=False)),
        name="transform",
        pool=POOL,
        required_resource_keys={"night"},
    )
    def transform(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        night: Night = context.resources.night
        with night.phase("build"):
            results = night.build()
            error = night.judge_build(results)
        yield from reported(context, results)
        if error:
            raise error

    return transform


def reported(context: dg.AssetExecutionContext, results: list[NodeResult]) -> Iterator[dg.MaterializeResult]:
    """Tell Dagster what dbt did, as far as this step was asked to."""
    assets = {
        spec.metadata[DAGSTER_DBT_UNIQUE_ID_METADATA_KEY]: spec.key
        for spec in context.assets_def.specs
        if spec.key in context.selected_asset_keys
    }
    for result in results:
        if result.unique_id in assets and result.ok:
            yield dg.MaterializeResult(
                asset_key=assets[result.unique_id], metadata={"seconds": round(result.seconds, 3)}
            )
