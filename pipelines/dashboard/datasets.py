"""`make docs`: `bi/superset/datasets/`, what the dashboard reads of the published file, with our labels and prose.

A metric is called by the Chinese label of the column it adds up: Superset's radar, Sankey and bubble charts show
a metric's name and not its label.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

import yaml

from pipelines.report.labels import words

if TYPE_CHECKING:
    from pipelines.transform.dictionary import Table

FOLDER = Path(__file__).resolve().parents[2] / "bi" / "superset"
DATABASE = "quanyu"
NOTE = "# Written by `make docs` from the twins of the marts.\n"
LAYERS = range(-1, 6)
HALVES = ("breadth", "depth")
STATE, STALE, FRESH = "状态", "已过期，昨夜没有发布", "正常"


@dataclass(frozen=True)
class Computed:
    """A column or a metric that the mart does not have: its name, SQL and the label where the name is not one."""

    name: str
    expression: str
    label: str | None = None


@dataclass(frozen=True)
class Dataset:
    """What is read of one mart: all of it, or with `sql` the rows of a question of its own.

    `metrics` names columns by the aggregate that one number of them is made with.
    """

    mart: str
    metrics: Mapping[str, str]
    day: str | None = "business_date"
    sql: str | None = None
    columns: tuple[Computed, ...] = ()
    more_metrics: Callable[[Table], tuple[Computed, ...]] | None = None

    @property
    def name(self) -> str:
        """What the dataset is called in Superset."""
        return f"{self.mart}_newest" if self.sql else self.mart


def newest(mart: str, day: str, where: str) -> str:
    """The rows of the newest day."""
    last = f"(select max({day}) from marts.{mart} where {where})"
    return f"select * from marts.{mart}\nwhere {where} and {day} = {last}\n"


def layer_name(column: str, before: str = "") -> str:
    """SQL for a layer in the words of a reader."""
    named = words("zh")["terms"]["layer"]
    cases = " ".join(f"when {layer} then '{before}{named[str(layer)]}'" for layer in LAYERS)
    return f"case {column} {cases} end"


def indicator_axes(table: Table) -> tuple[Computed, ...]:
    """One metric an indicator of the operating score: the share of its weight earned, 0 to 1."""
    named = words("zh")["terms"]["indicator"]
    found = [column.name.removesuffix("_points") for column in table.columns if column.name.endswith("_points")]
    return tuple(
        Computed(named[name], f"max(case when indicator = '{name}' then fraction end)")
        for name in found
        if name not in HALVES
    )


def start_and_end() -> tuple[Computed, ...]:
    """The two sides of a flow. They differ in their words, so that no flow runs in a circle."""
    word = words("zh")["charts"]["word"]
    return (
        Computed("from_layer_name", layer_name("from_layer", f"{word['start']} "), word["start"]),
        Computed("to_layer_name", layer_name("to_layer", f"{word['end']} "), word["end"]),
    )


PRODUCTS = """\
select q.*, coalesce(n.name, q.product_id) as product_name
from marts.product_quadrant as q
left join marts.entity_names as n
  on n.shop_id = q.shop_id and n.kind = 'product' and n.entity_id = q.product_id
where q.business_date = (select max(business_date) from marts.product_quadrant)
"""
# The zone and the hours are filled in when a home is given to a Superset.
FRESHNESS = """\
select
  business_date, published_at,
  case when published_at < (now() at time zone '${time_zone}') - interval '${stale_after_hours} hours'
    then '{stale}' else '{fresh}' end as freshness
from operations.publications
where published_at = (select max(published_at) from operations.publications)
"""


def datasets() -> tuple[Dataset, ...]:
    """Everything the dashboard reads of the marts. One shop and one day have one row of a score: `max` picks it."""
    return (
        Dataset("shop_daily", {"paid_amount": "sum", "net_amount": "sum", "buyers": "sum", "orders": "sum"}),
        Dataset(
            "audience_5a_daily",
            {"users": "sum", "entered": "sum", "left_users": "sum"},
            columns=(Computed("layer_name", layer_name("layer"), words("zh")["charts"]["section"]["audience"]),),
        ),
        Dataset("audience_health_daily", {"asset": "sum", "deep_share": "max"}),
        Dataset(
            "audience_5a_flow",
            {"users": "sum"},
            sql=newest("audience_5a_flow", "business_date", "horizon_days = 7"),
            columns=start_and_end(),
        ),
        Dataset(
            "operating_score",
            {"score_100": "max", "breadth_points": "max", "depth_points": "max"},
            day="period_start",
        ),
        Dataset(
            "operating_score_indicators",
            {},
            day="period_start",
            sql=newest("operating_score_indicators", "period_start", "grain = 'day'"),
            more_metrics=indicator_axes,
        ),
        Dataset(
            "product_quadrant",
            {"amount_share": "max", "quantity_share": "max", "net_amount": "max"},
            sql=PRODUCTS,
            columns=(Computed("product_name", "", words("zh")["charts"]["word"]["product"]),),
        ),
        Dataset(
            "experience_score_daily",
            {"experience_10": "max", "product_points": "max", "logistics_points": "max", "service_points": "max"},
        ),
        Dataset("purchase_path_daily", {"paid_amount": "sum"}),
        Dataset("field_matrix_daily", {"paid_amount": "sum"}),
        Dataset("campaign_performance", {}, day="starts_on"),
    )


def identity(kind: str, name: str) -> str:
    """The id Superset knows a file by, the same wherever it is written."""
    return str(uuid5(NAMESPACE_URL, f"quanyu/superset/{kind}/{name}"))


def described(dataset: Dataset, table: Table, tables: Mapping[str, Table]) -> dict[str, Any]:
    """One dataset as Superset imports it."""
    computed = {column.name: column for column in dataset.columns}
    columns = [
        as_column(column.name, column.label_zh, column.description, column.data_type, is_day=column.data_type == "date")
        for column in table.columns
        if column.name not in computed
    ]
    columns += [
        as_column(column.name, column.label or column.name, None, "varchar", expression=column.expression or None)
        for column in dataset.columns
    ]
    label = {column.name: column.label_zh for column in table.columns}
    metrics = [Computed(label[name], f"{how}({name})") for name, how in dataset.metrics.items()]
    if dataset.more_metrics:
        metrics += dataset.more_metrics(tables["operating_score"])
    said = f"{table.label_zh} — {table.description}" if table.label_zh else table.description
    return as_dataset(dataset.name, "marts", said, dataset.day, dataset.sql, columns, metrics)


def freshness() -> dict[str, Any]:
    """The newest publication in words: which day it holds, when it was made, whether that is too long ago."""
    zh = words("zh")
    column = zh["charts"]["column"]
    sql = FRESHNESS.replace("{stale}", STALE).replace("{fresh}", FRESH)
    columns = [
        as_column("business_date", zh["page"]["shows"], None, "date", is_day=True),
        as_column("published_at", column["published_at"], None, "timestamp", is_day=True),
        as_column("freshness", STATE, None, "varchar"),
    ]
    return as_dataset("publication_newest", "operations", "The newest publication.", "business_date", sql, columns, [])


def as_dataset(
    name: str, schema: str, said: str, day: str | None, sql: str | None,
    columns: Sequence[Mapping[str, Any]], metrics: Sequence[Computed],
) -> dict[str, Any]:  # fmt: skip
    """The frame of a dataset file."""
    return {
        "table_name": name,
        "schema": schema,
        "catalog": None,
        "description": said,
        "main_dttm_col": day,
        "sql": sql,
        "filter_select_enabled": True,
        "columns": list(columns),
        "metrics": [
            Line(metric_name=metric.name, verbose_name=metric.name, expression=metric.expression) for metric in metrics
        ],
        "uuid": identity("dataset", name),
        "database_uuid": identity("database", DATABASE),
        "version": "1.0.0",
    }


def as_column(
    name: str, label: str, description: str | None, data_type: str, expression: str | None = None, is_day: bool = False
) -> Line:
    """One column of a dataset file."""
    said = {"description": description, "expression": expression}
    return Line(
        column_name=name,
        verbose_name=label,
        type=data_type.upper(),
        is_dttm=is_day,
        **{key: text for key, text in said.items() if text},
    )


def files(marts: Sequence[Table]) -> dict[Path, str]:
    """Path and text of every dataset file."""
    tables = {table.name: table for table in marts}
    found = [described(dataset, tables[dataset.mart], tables) for dataset in datasets()]
    return {
        FOLDER / "datasets" / f"{dataset['table_name']}.yaml": NOTE + written(dataset)
        for dataset in [*found, freshness()]
    }


def read_marts() -> list[str]:
    """Marts that the dashboard depends on, for its exposure."""
    return sorted({dataset.mart for dataset in datasets()} | {"entity_names"})


class Line(dict[str, Any]):
    """A mapping that stands on one line."""


class Dumper(yaml.SafeDumper):
    """One column or metric a line, SQL as it is read."""


def as_block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Text of several lines as a block."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


def on_one_line(dumper: yaml.SafeDumper, line: Line) -> yaml.MappingNode:
    """A mapping in braces."""
    return dumper.represent_mapping("tag:yaml.org,2002:map", line, flow_style=True)


Dumper.add_representer(str, as_block)
Dumper.add_representer(Line, on_one_line)


def written(content: Mapping[str, Any]) -> str:
    """YAML that a person can review."""
    return yaml.dump(content, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=10_000)
