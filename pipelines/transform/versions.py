"""Which rules and which code made a build. A change of either recomputes everything."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from datetime import date
from pathlib import Path

CODE = (
    "models/**/*.sql",
    "models/**/*.yml",
    "macros/**/*.sql",
    "pipelines/landing/**/*.py",
    "pipelines/landing/**/*.yml",
    "dbt_project.yml",
)
RULES = ("seeds/**/*.csv", "seeds/**/*.yml")


def rule_version(project: Path) -> str:
    """Short hash of everything under `seeds/`."""
    return fingerprint(project, RULES)


def code_version(project: Path) -> str:
    """Short hash of the models, the macros and what reads the feeds."""
    return fingerprint(project, CODE)


def rule_starts(project: Path) -> set[date]:
    """Every `valid_from` of the rules: the days on which an old row may give way to a new one."""
    starts: set[date] = set()
    for path in (project / "seeds").rglob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            starts |= {date.fromisoformat(row["valid_from"]) for row in csv.DictReader(file) if row.get("valid_from")}
    return starts


def fingerprint(project: Path, patterns: Iterable[str]) -> str:
    """12 hex digits over the relative paths and contents that match."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in patterns for path in project.glob(pattern)):
        digest.update(f"{path.relative_to(project).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
