"""Feeds of believable shops, from a seed: for demos, tests and benchmarks. Nothing here reads a warehouse.

`simulate` writes them, `deliveries` says which files belong to which night, `out/.truth` holds what a faithful reader
must find: `spoiled.jsonl` one line per spoiled row, `expected.json` the control totals.
"""

from pipelines.simulate.delivery import FORMATS, Format, deliveries
from pipelines.simulate.run import DEFAULT_START, TRUTH, SimulationReport, simulate
from pipelines.simulate.trade import Temper

__all__ = ["DEFAULT_START", "FORMATS", "TRUTH", "Format", "SimulationReport", "Temper", "deliveries", "simulate"]
