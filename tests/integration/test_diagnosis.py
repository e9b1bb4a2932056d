"""The diagnosis names what was planted in a simulated shop in trouble, and nothing in a healthy one."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.orchestration.night import Request
from pipelines.simulate import SimulationReport, simulate
from pipelines.simulate.trouble import Profile
from tests.oracle.compare import read_mart
from tests.oracle.nights import published, run_nights

# How long a window of 30 days takes to show what began on a day.
PATIENCE = timedelta(days=14)


def night_of(home: Path, profile: Profile) -> SimulationReport:
    """Large enough that a product sells some thirty pieces a month after its fault."""
    report = simulate(
        home / "landing", days=120, users=12_000, seed=11, start=date(2025, 4, 1), events_target=360_000, profile=profile,
        daily_tail=1,
    )  # fmt: skip
    run_nights(home, [Request(on=report.last_day)])
    return report


def found(home: Path) -> list[dict[str, Any]]:
    return read_mart(published(home), "diagnosis")


@pytest.mark.slow
def test_each_planted_cause_is_named_with_its_products_and_about_its_day(tmp_path: Path) -> None:
    report = night_of(tmp_path, "troubled")
    causes = {c["cause"]: c for c in json.loads((report.truth / "expected.json").read_text(encoding="utf-8"))["causes"]}
    shop = causes["late_parcels"]["shop_id"]
    wanted = {
        ("late_pickup", shop): "late_parcels",
        ("late_delivery", shop): "late_parcels",
        ("leaky_audience", shop): "leaky_a3",
        **{("faulty_product", product): "faulty_products" for product in causes["faulty_products"]["product_ids"]},
    }
    rows = {(row["finding"], row["subject_id"]): row for row in found(tmp_path)}
    assert rows.keys() == wanted.keys()
    for name, cause in wanted.items():
        planted = date.fromisoformat(causes[cause]["since"])
        assert planted - timedelta(days=3) <= rows[name]["since"] <= planted + PATIENCE, (name, planted, rows[name])
        assert rows[name]["business_date"] == report.last_day


@pytest.mark.slow
def test_a_healthy_shop_has_no_finding(tmp_path: Path) -> None:
    night_of(tmp_path, "healthy")
    assert found(tmp_path) == []
