"""What Dagster's web page and daemon load. Assembles; nothing else."""

import dagster as dg

from pipelines.config import load_settings, quiet_environment
from pipelines.orchestration.graph import build_definitions


@dg.definitions
def defs() -> dg.Definitions:
    """The graph of the home that `QUANYU_HOME` names."""
    quiet_environment()
    settings = load_settings()
    settings.make_home()
    return build_definitions(settings)
