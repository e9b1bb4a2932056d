"""`make docs`: the twin `.yml` of every staging model, written from the feed declarations.

The columns are those the view really has: its SQL is run over the empty raw tables. A column that neither the feed
nor its `staged` list describes is an error, so the prose cannot fall behind.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import duckdb
import jinja2
import yaml

from pipelines.errors import QuanyuError
from pipelines.landing.declarations import PERSONAL_COLUMN, FeedSpec, load_feeds
from pipelines.warehouse.schema import ensure_schema

STAGING = Path(__file__).resolve().parents[2] / "models" / "staging"
HEAD = "# Written by `make docs` from the declaration of the feed.\n"
KEY_PROSE = ("用户键", "Number of the user's pseudonym inside the warehouse.")
LOAD_PROSE = ("加载序号", "Load that brought the row.")


def staging_twins() -> dict[Path, str]:
    """Path and text of the twin of each staging model. Raises `QuanyuError` for a column without prose."""
    with duckdb.connect() as con:
        ensure_schema(con)
        return {
            path.with_suffix(".yml"): _twin(load_feeds()[path.parent.name], path, con)
            for path in sorted(STAGING.glob("*/stg_*.sql"))
        }


def _twin(spec: FeedSpec, path: Path, con: duckdb.DuckDBPyConnection) -> str:
    sql = jinja2.Environment(autoescape=False).from_string(path.read_text(encoding="utf-8"))  # noqa: S701
    query = sql.render(source=lambda schema, table: f"{schema}.{table}", run_date=lambda: "date '2000-01-01'")
    prose = {column.stored_name: (column.label_zh, column.description) for column in spec.all_columns}
    prose |= {PERSONAL_COLUMN: KEY_PROSE, "load_seq": LOAD_PROSE}
    prose |= {column.name: (column.label_zh, column.description) for column in spec.staged}
    columns: list[Mapping[str, object]] = []
    for name, kind, *_ in con.execute(f"describe {query}").fetchall():
        if name not in prose:
            raise QuanyuError(
                f"{path.name}: column {name} is undescribed; add it under `staged` in feeds/{spec.feed}.yml"
            )
        label, description = prose[name]
        columns.append(
            {"name": name, "data_type": str(kind).lower(), "description": description, "meta": {"label_zh": label}}
        )
    model = {
        "name": path.stem, "description": spec.description, "meta": {"label_zh": spec.label_zh},
    }  # fmt: skip
    lines = [f"      - {_in_one_line(column)}" for column in columns]
    opening = yaml.safe_dump(model, allow_unicode=True, sort_keys=False, width=1000).strip().splitlines()
    body = "\n".join(["  - " + opening[0], *("    " + line for line in opening[1:]), "    columns:", *lines])
    return f"{HEAD}version: 2\n\nmodels:\n{body}\n"


def _in_one_line(column: Mapping[str, object]) -> str:
    text = yaml.safe_dump(column, allow_unicode=True, default_flow_style=True, sort_keys=False, width=1000)
    return text.strip()


def main() -> None:
    """Write every twin; one line to standard error and status 1 where one cannot be written."""
    try:
        for path, text in staging_twins().items():
            path.write_text(text, encoding="utf-8")
    except QuanyuError as error:
        sys.exit(f"docs: {error}")


if __name__ == "__main__":
    main()
