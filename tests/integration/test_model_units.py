"""The unit tests beside the models, which no night runs: they prove the code, not the data."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.test_hand_examples import ROWS
from tests.oracle.examples import ON
from tests.oracle.generate import Delivery
from tests.oracle.nights import run_at_once, shared_home

PROJECT = Path(__file__).parents[2]


@pytest.mark.slow
def test_unit_tests_of_the_models_pass(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> None:
    # dbt asks a warehouse that has been built for the columns of what it replaces with rows.
    deliveries = [Delivery(0, feed, tuple(rows)) for feed, rows in ROWS.items()]
    home = shared_home(tmp_path_factory, worker_id, "examples", lambda home: run_at_once(home, deliveries, ON))
    places = {
        "QUANYU_BUILD_DB": str(home / "state" / "build.duckdb"),
        "QUANYU_SERVING_DB": str(home / "state" / "serving.duckdb"),
        "QUANYU_TEMP_DIR": str(tmp_path / "spill"),
    }
    command = ["test", "--select", "test_type:unit", "--profiles-dir", str(PROJECT), "--target-path", str(tmp_path)]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), *command, "--log-path", str(tmp_path)],
        cwd=PROJECT,
        env=os.environ | places | {"DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert " ERROR=0 " in done.stdout and " PASS=0 " not in done.stdout
