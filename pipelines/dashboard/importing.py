"""The files of `bi/superset` into a Superset on this machine, reading the published file of one home."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from string import Template

from pipelines.config import Settings
from pipelines.dashboard.datasets import FOLDER
from pipelines.errors import QuanyuError

# Superset leaves with 0 when it finds fault with a file.
FAULT = "An error occurred"
HOW = "docs/connect.md says how to set it up"


def import_dashboard(settings: Settings, superset: str) -> None:
    """Import database, datasets, charts and dashboard with the program `superset`, replacing what an earlier import
    made. Raises `QuanyuError` where nothing is published, the program is missing or does not take the files.
    """
    if not settings.current.exists():
        raise QuanyuError(f"{settings.current}: nothing is published yet; run `quanyu nightly` first")
    program = shutil.which(superset)
    if program is None:
        raise QuanyuError(f"{superset}: no such program; {HOW}")
    with tempfile.TemporaryDirectory() as folder:
        for name, text in filled_in(settings).items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [program, "import-directory", "--overwrite", folder],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
    said = [line for line in done.stderr.splitlines() if line.strip()]
    faults = [line for line in said if FAULT in line]
    if done.returncode or faults:
        raise QuanyuError(f"{program}: {(faults or said or ['ended without a word'])[-1].strip()}; {HOW}")


def filled_in(settings: Settings) -> dict[str, str]:
    """Path below `bi/superset` and text of every file, with what is particular to this home."""
    path = str(settings.current)
    if "?" in path:
        raise QuanyuError(f"{path}: Superset takes no address with a ? in it; move the home")
    particular = {
        "uri": json.dumps(f"duckdb:///{path}", ensure_ascii=False),
        "memory_limit": json.dumps(settings.memory_limit),
        "threads": str(settings.threads),
        "time_zone": settings.time_zone,
        "stale_after_hours": str(settings.stale_after_hours),
    }
    return {
        str(file.relative_to(FOLDER)): Template(file.read_text(encoding="utf-8")).substitute(particular)
        for file in sorted(FOLDER.rglob("*.yaml"))
    }
