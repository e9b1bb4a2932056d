"""The measured steps. Each runs in a process of its own, so that seconds and peak memory are its alone."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Collection
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from pipelines.config import load_settings, quiet_environment
from pipelines.warehouse import database

# Layers, flow, quadrant, operating score, shop and repurchase: what the rest of the house is built around.
CORE_MARTS = (
    "audience_layer_history", "audience_5a_daily", "audience_5a_flow", "product_quadrant", "quadrant_summary_daily",
    "operating_score", "operating_score_indicators", "shop_daily", "repurchase_daily",
)  # fmt: skip


def simulate(out: str, events: str, days: str, last: str) -> dict[str, Any]:
    """A shop of so many events, CSV throughout, up to the day `last`."""
    from pipelines.simulate import simulate as run

    until = date.fromisoformat(last)
    report = run(
        Path(out),
        days=int(days),
        users=max(2_000, int(events) // 40),
        seed=11,
        start=until - timedelta(days=int(days) - 1),
        events_target=int(events),
        formats={"traffic_events": "csv"},
    )
    return {"rows": report.rows}


def load(home: str) -> dict[str, Any]:
    """Everything in the landing folder of a home, without building anything."""
    from pipelines.landing import load_landing
    from pipelines.warehouse.schema import ensure_schema

    settings = load_settings(home)
    settings.make_home()
    with database.building(settings) as con:
        ensure_schema(con)
        begun = time.perf_counter()
        load_landing(
            con,
            landing=settings.landing,
            state=settings.state,
            default_shop=settings.default_shop,
            time_zone=settings.time_zone,
            run_id="bench",
            now=datetime.now(settings.zone).replace(tzinfo=None),
            progress=lambda _: None,
        )
        con.execute("checkpoint")
        spent = time.perf_counter() - begun
        rows = con.execute("select count(*) from raw.raw_traffic_events").fetchone()
    return {"seconds": spent, "rows": rows[0] if rows else 0}


def combine(out: str, *paths: str) -> dict[str, Any]:
    """CSV files of one feed as the one file a longer export would be."""
    with duckdb.connect() as con:
        con.execute(
            f"copy (select * from read_csv({list(paths)}, all_varchar = true, header = true, union_by_name = true)) "
            f"to '{out}' (header true)"
        )
    return {}


def to_parquet(events: str, out: str) -> dict[str, Any]:
    """The baseline's input: the same events, typed, as one Parquet file."""
    ids = ", ".join(f"'{name}_id': 'VARCHAR'" for name in ("event", "user", "author", "content", "product", "campaign"))
    with duckdb.connect() as con:
        con.execute(
            f"copy (select * from read_csv('{events}', header = true, types = {{{ids}}})) to '{out}' (format parquet)"
        )
    return {}


def parquet_ctas(home: str, source: str) -> dict[str, Any]:
    """The baseline of a load: CREATE TABLE AS from Parquet, same memory and threads."""
    settings = load_settings(home)
    settings.make_home()
    with database.connect(settings.state / "ctas.duckdb", settings) as con:
        begun = time.perf_counter()
        con.execute(f"create table events as select * from read_parquet('{source}')")
        con.execute("checkpoint")
        spent = time.perf_counter() - begun
    return {"seconds": spent}


def build(home: str, mode: str) -> dict[str, Any]:
    """All models from scratch: `dbt` through dbt without its tests, `bare` the very same SQL in one connection."""
    from pipelines.transform.project import Project

    settings = load_settings(home)
    project = Project(settings)
    _manifest = project.manifest
    if mode == "dbt":
        begun = time.perf_counter()
        results = project.build(full_refresh=True, on_node=lambda *_: None, only=("model",))
        spent = time.perf_counter() - begun
        bad = [result.name for result in results if not result.ok]
        if bad:
            raise RuntimeError(f"models failed: {bad}")
        statements = [
            {"relation": result.relation, "view": result.materialized == "view", "sql": result.compiled}
            for result in results
        ]
        (settings.state / "bare.json").write_text(json.dumps(statements), encoding="utf-8")
        return {"seconds": spent, "models": len(results)}
    statements = json.loads((settings.state / "bare.json").read_text(encoding="utf-8"))
    with database.building(settings) as con:
        con.execute("use build")
        begun = time.perf_counter()
        for statement in statements:
            kind = "view" if statement["view"] else "table"
            con.execute(f"drop {kind} if exists {statement['relation']} cascade")
            con.execute(f"create {kind} {statement['relation']} as ({statement['sql']})")
        spent = time.perf_counter() - begun
    return {"seconds": spent, "models": len(statements)}


def night(home: str, on: str) -> dict[str, Any]:
    """One whole night as the command line runs it; its models' SQL seconds apart from everything else."""
    from pipelines.orchestration.night import Request
    from pipelines.orchestration.runner import Runner
    from pipelines.transform import project

    sql: dict[str, float] = {}
    core: set[str] = set()
    heard = project.Project.build

    def listening(self: project.Project, **asked: Any) -> list[project.NodeResult]:
        results = heard(self, **asked)
        sql.update({result.name: result.seconds for result in results if result.kind == "model"})
        core.update(sql.keys() & _with_ancestors(self, CORE_MARTS))
        return results

    project.Project.build = listening  # type: ignore[method-assign]
    settings = load_settings(home)
    [entry] = Runner(settings).run([Request(on=date.fromisoformat(on))])
    if entry.outcome != "published":
        raise RuntimeError(f"night of {on}: {entry.outcome} {entry.message} {entry.evidence}")
    with database.building(settings, read_only=True) as con:
        loaded = con.execute(
            "select coalesce(sum(rows_loaded), 0) from control.load_audit where feed = 'traffic_events' and run_id = ?",
            [entry.run_id],
        ).fetchone()
    return {
        "events": int(loaded[0]) if loaded else 0,
        "sql_seconds": sum(sql.values()),
        "core_sql_seconds": sum(sql[name] for name in core),
        "models": sql,
        "phases": {phase.name: [phase.wall_seconds, phase.cpu_seconds] for phase in entry.phases},
    }


def _with_ancestors(project: Any, names: Collection[str]) -> set[str]:
    """Names of these models and of everything they are built from."""
    nodes = {key: node for key, node in project.nodes["nodes"].items() if node["resource_type"] == "model"}
    waiting = [key for key, node in nodes.items() if node["name"] in names]
    found: set[str] = set()
    while waiting:
        if (key := waiting.pop()) in nodes and key not in found:
            found.add(key)
            waiting += nodes[key]["depends_on"]["nodes"]
    return {nodes[key]["name"] for key in found}


STEPS: dict[str, Callable[..., dict[str, Any]]] = {
    step.__name__: step for step in (simulate, combine, load, to_parquet, parquet_ctas, build, night)
}


def main() -> None:
    """Run the step named first with the arguments after it; print what it measured as one JSON line."""
    quiet_environment()
    name, *arguments = sys.argv[1:]
    begun = time.perf_counter()
    measured = STEPS[name](*arguments)
    used = resource.getrusage(resource.RUSAGE_SELF)
    measured |= {
        "process_seconds": time.perf_counter() - begun,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss / 1024,
    }
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
