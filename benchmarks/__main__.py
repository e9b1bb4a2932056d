"""`make bench`: measure, print, and write `benchmarks/results/latest.{json,md}`."""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click
import duckdb

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
# Business days of history at which single nights are timed.
AGES = (30, 90, 180, 365)
NIGHTS_AT_EACH_AGE = 5
ROUNDS = 3


def step(name: str, *arguments: object) -> dict[str, Any]:
    """Run one step in a fresh process; RuntimeError with what it said when it failed."""
    said = subprocess.run(
        [sys.executable, "-m", "benchmarks.steps", name, *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if said.returncode:
        raise RuntimeError(f"{name} {arguments}: {said.stderr.strip()[-2000:]}")
    measured: dict[str, Any] = json.loads(said.stdout.strip().splitlines()[-1])
    return measured


def median(values: Sequence[float]) -> float:
    return round(statistics.median(values), 3)


def deliver(waiting: list[tuple[date, list[Path]]], home: Path, until: date) -> None:
    """Bring what was delivered for nights up to `until` into the landing folder: one night's files as they are, those
    of many nights as one export a feed.
    """
    days = 0
    feeds: dict[str, list[Path]] = defaultdict(list)
    while waiting and waiting[0][0] <= until:
        days += 1
        for path in waiting.pop(0)[1]:
            feeds[path.parent.name].append(path)
    for feed, paths in feeds.items():
        target = home / "landing" / feed
        target.mkdir(parents=True, exist_ok=True)
        if days > 1 and all(".csv" in path.suffixes for path in paths):
            step("combine", target / f"{feed}_{until}.csv", *paths)
        else:
            for path in paths:
                shutil.copy2(path, target / path.name)


def loads(work: Path, shop: Path) -> dict[str, Any]:
    """CSV of events through the landing, against CREATE TABLE AS from Parquet of the same rows."""
    events, source = work / "events.csv", work / "events.parquet"
    step("combine", events, *sorted((shop / "traffic_events").glob("*.csv")))
    step("to_parquet", events, source)
    ours, plain, peaks = [], [], []
    for number in range(ROUNDS):
        home = work / f"load-{number}"
        (home / "landing" / "traffic_events").mkdir(parents=True)
        shutil.copy2(events, home / "landing" / "traffic_events")
        measured = step("load", home)
        ours.append(measured["seconds"])
        peaks.append(measured["peak_mb"])
        plain.append(step("parquet_ctas", home, source)["seconds"])
        shutil.rmtree(home)
    events.unlink()
    source.unlink()
    return {
        "csv_seconds": median(ours), "parquet_ctas_seconds": median(plain), "peak_mb": median(peaks),
        "ratio": median([a / b for a, b in zip(ours, plain, strict=True)]),
    }  # fmt: skip


def builds(home: Path) -> dict[str, Any]:
    """A full build through dbt against its own compiled SQL run bare, in turn."""
    through, bare = [], []
    for _ in range(ROUNDS):
        through.append(step("build", home, "dbt")["seconds"])
        bare.append(step("build", home, "bare")["seconds"])
    return {
        "dbt_seconds": median(through), "bare_seconds": median(bare),
        "ratio": median([a / b for a, b in zip(through, bare, strict=True)]),
    }  # fmt: skip


def nights(home: Path, shop: Path, last: date, days: int) -> dict[str, Any]:
    """Single nights at growing ages of the same shop, then an empty one, then the build from scratch."""
    from pipelines.simulate import deliveries

    waiting = deliveries(shop)
    first = last - timedelta(days=days - 1)
    ages: dict[str, Any] = {}
    for age in [age for age in AGES if age <= days]:
        head = first + timedelta(days=age - 1 - NIGHTS_AT_EACH_AGE)
        deliver(waiting, home, head)
        step("night", home, head)
        measured = []
        for number in range(1, NIGHTS_AT_EACH_AGE + 1):
            on = head + timedelta(days=number)
            deliver(waiting, home, on)
            measured.append(step("night", home, on))
        ages[str(age)] = {
            "events": round(statistics.median([night["events"] for night in measured])),
            "sql_seconds": median([night["sql_seconds"] for night in measured]),
            "core_sql_seconds": median([night["core_sql_seconds"] for night in measured]),
            "cpu_seconds": median([night["cpu_seconds"] for night in measured]),
            "peak_mb": max(round(night["peak_mb"]) for night in measured),
        }
        newest = on
    return {"ages": ages, "empty": empty(home, newest)}


def empty(home: Path, on: date) -> dict[str, Any]:
    """The middle one of nights without a new file on a day that is built."""
    measured = sorted((step("night", home, on) for _ in range(ROUNDS)), key=lambda night: night["cpu_seconds"])
    middle = measured[len(measured) // 2]
    return {"cpu_seconds": round(middle["cpu_seconds"], 2), "phases": middle["phases"]}


def overhead(work: Path, last: date) -> dict[str, Any]:
    """An empty night of a shop with next to no rows: what every night costs, whatever there is to compute."""
    shop, home = work / "small-shop", work / "small"
    step("simulate", shop, 2_000, 30, last)
    (home / "landing").parent.mkdir()
    shutil.copytree(shop, home / "landing")
    step("night", home, last)
    return empty(home, last)


def machine() -> dict[str, Any]:
    """What it ran on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    told = [line.split(":") for line in Path("/proc/cpuinfo").read_text().splitlines()]
    model = next((value[0].strip() for name, *value in told if name.startswith("model name")), platform.processor())
    return {
        "processor": model, "cores": os.cpu_count(), "memory_gib": round(memory), "python": platform.python_version(),
        "duckdb": duckdb.__version__,
    }  # fmt: skip


def page(result: dict[str, Any]) -> str:
    """The figures as Markdown."""
    host, load, build = result["machine"], result["load"], result["build"]
    fixed, full = result["overhead"], result["empty"]
    youngest, *_, oldest = result["ages"].values()
    core, sql, whole = (oldest[name] / youngest[name] for name in ("core_sql_seconds", "sql_seconds", "cpu_seconds"))
    lines = [
        "# What a night costs",
        "",
        f"{result['events']:,} events over {result['days']} days in one shop. {host['processor']}, "
        f"{host['cores']} cores, {host['memory_gib']} GiB, Python {host['python']}, DuckDB {host['duckdb']}. "
        "Medians; the machine is shared, so read the ratios. Written by `make bench`.",
        "",
        "| figure | value | bound |",
        "|---|---|---|",
        f"| load of CSV ÷ CREATE TABLE AS from Parquet | {load['ratio']:.2f} | 1.6 |",
        f"| full build through dbt ÷ the same SQL bare | {build['ratio']:.2f} | 1.3 |",
        f"| SQL of one night at the oldest ÷ at the youngest age, core marts | {core:.2f} | 1.3 |",
        f"| the same, all marts | {sql:.2f} | 1.5 |",
        f"| a whole night in CPU seconds at the oldest ÷ at the youngest age | {whole:.2f} | 1.5 |",
        f"| CPU seconds of an empty night of a shop with next to no rows | {fixed['cpu_seconds']:.1f} | 15 |",
        f"| CPU seconds of an empty night of this shop | {full['cpu_seconds']:.1f} | – |",
        f"| peak memory of a night, MB | {max(a['peak_mb'] for a in result['ages'].values())} | 1000 |",
        f"| peak memory of the first night over everything, MB | {result['first']['peak_mb']:.0f} | – |",
        "",
        "Core marts: layers, flow, goods quadrant, operating score, shop and repurchase, with all they are built from.",
        "",
        "| days of history | events of a night | SQL seconds, core marts | all marts | CPU seconds | peak MB |",
        "|---|---|---|---|---|---|",
        *(
            f"| {age} | {a['events']:,} | {a['core_sql_seconds']:.2f} | {a['sql_seconds']:.2f} | "
            f"{a['cpu_seconds']:.1f} | {a['peak_mb']} |"
            for age, a in result["ages"].items()
        ),
        "",
        "| phase of an empty night | next to no rows: wall s | CPU s | this shop: wall s | CPU s |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {wall:.2f} | {cpu:.2f} | {full['phases'][name][0]:.2f} | {full['phases'][name][1]:.2f} |"
            for name, (wall, cpu) in fixed["phases"].items()
        ),
        "",
        f"Seconds behind the ratios: load {load['csv_seconds']:.1f} against {load['parquet_ctas_seconds']:.1f}; build "
        f"{build['dbt_seconds']:.1f} against {build['bare_seconds']:.1f}; the first night over everything "
        f"{result['first']['process_seconds']:.0f}.",
        "",
    ]
    return "\n".join(lines)


@click.command()
@click.option("--events", default=10_000_000, show_default=True, help="Events of the simulated shop.")
@click.option("--days", default=365, show_default=True, help="Days of its history.")
@click.option("--write/--no-write", default=True, show_default=True, help="Write benchmarks/results/.")
def main(events: int, days: int, write: bool) -> None:
    """Measure load, build, nights and overhead on a simulated shop and print ratios."""
    from pipelines.simulate import deliveries

    last = date.today() - timedelta(days=2)
    with tempfile.TemporaryDirectory(prefix="quanyu-bench-") as folder:
        work = Path(folder)
        shop = work / "shop"
        made = step("simulate", shop, events, days, last)
        click.echo(f"simulated {made['rows']} in {made['process_seconds']:.0f} s, {made['cpu_seconds']:.0f} CPU s")
        result: dict[str, Any] = {
            "machine": machine(), "events": made["rows"]["traffic_events"], "days": days,
            "simulate": {"seconds": round(made["process_seconds"], 1), "cpu_seconds": round(made["cpu_seconds"], 1)},
        }  # fmt: skip
        result["load"] = loads(work, shop)
        click.echo(f"load {result['load']}")
        whole, home = work / "whole", work / "home"
        deliver(deliveries(shop), whole, last)
        first = step("night", whole, last)
        result["first"] = {"process_seconds": round(first["process_seconds"], 1), "peak_mb": round(first["peak_mb"])}
        click.echo(f"first night over everything {result['first']}")
        result["build"] = builds(whole)
        click.echo(f"build {result['build']}")
        shutil.rmtree(whole)
        result |= nights(home, shop, last, days)
        result["overhead"] = overhead(work, last)
    text = page(result)
    click.echo(text)
    if write:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "latest.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        (RESULTS / "latest.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
