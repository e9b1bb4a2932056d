"""Feeds of believable shops, from a seed: for demos, tests and benchmarks. Nothing here reads a warehouse.

`simulate` writes them, `deliveries` says which files belong to which night, `out/.truth` holds what a faithful reader
must find: `spoiled.jsonl` one line per spoiled row, `expected.json` the control totals and the causes that a profile
plants.
"""

from pipelines.simulate.delivery import FORMATS, Format, deliveries
from pipelines.simulate.run import DEFAULT_START, TRUTH, SimulationReport, simulate
from pipelines.simulate.trade import Temper
from pipelines.simulate.trouble import PROFILES, Profile

__all__ = [
    "DEFAULT_START", "FORMATS", "PROFILES", "TRUTH", "Format", "Profile", "SimulationReport", "Temper", "deliveries",
    "simulate",
]  # fmt: skip
