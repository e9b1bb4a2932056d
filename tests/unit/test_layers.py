"""The layering law: marts never read raw, staging never reads a later layer, Python holds no business rule."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REF = re.compile(r"ref\(\s*'([^']+)'\s*\)")
SOURCE = re.compile(r"source\(\s*'([^']+)'\s*,\s*'([^']+)'\s*\)")
LATER_SCHEMA = re.compile(r"\b(staging|intermediate|seeds)\.(stg|int|\w+_rules?)_?\w*", re.IGNORECASE)

LAYER_OF_PREFIX = {"stg_": "staging", "int_": "intermediate"}


def models(layer: str) -> list[Path]:
    return sorted((ROOT / "models" / layer).rglob("*.sql"))


def layer_of(name: str, seeds: set[str]) -> str:
    if name in seeds:
        return "seeds"
    return next((layer for prefix, layer in LAYER_OF_PREFIX.items() if name.startswith(prefix)), "marts")


@pytest.fixture(scope="module")
def seeds() -> set[str]:
    return {path.stem for path in (ROOT / "seeds").rglob("*.csv")}


def test_every_layer_has_models() -> None:
    assert all(models(layer) for layer in ("staging", "intermediate", "marts"))


@pytest.mark.parametrize("path", models("marts"), ids=lambda p: p.stem)
def test_marts_never_read_raw(path: Path) -> None:
    schemas = {schema for schema, _ in SOURCE.findall(path.read_text())}
    assert "raw" not in schemas, f"{path.name} reads raw; put the column into staging"


@pytest.mark.parametrize("path", models("staging"), ids=lambda p: p.stem)
def test_staging_reads_raw_and_rules_only(path: Path, seeds: set[str]) -> None:
    later = {name for name in REF.findall(path.read_text()) if layer_of(name, seeds) not in ("staging", "seeds")}
    assert not later, f"{path.name} reads {later}"


@pytest.mark.parametrize("path", models("intermediate"), ids=lambda p: p.stem)
def test_intermediate_never_reads_marts(path: Path, seeds: set[str]) -> None:
    later = {name for name in REF.findall(path.read_text()) if layer_of(name, seeds) == "marts"}
    assert not later, f"{path.name} reads {later}"


@pytest.mark.parametrize("path", models("intermediate"), ids=lambda p: p.stem)
def test_only_the_run_folder_compares_raw_versions(path: Path) -> None:
    if path.parent.name == "run":
        return
    assert "raw" not in {schema for schema, _ in SOURCE.findall(path.read_text())}, f"{path.name} reads raw"


@pytest.mark.parametrize("path", sorted((ROOT / "pipelines").rglob("*.py")), ids=lambda p: p.stem)
def test_python_reads_no_model_inside_the_warehouse(path: Path) -> None:
    """Rules live in models and seeds; Python moves files, runs dbt and reads what is published."""
    strings = [
        n.value
        for n in ast.walk(ast.parse(path.read_text()))
        if isinstance(n, ast.Constant) and isinstance(n.value, str)
    ]
    found = [s for s in strings if LATER_SCHEMA.search(s)]
    assert not found, f"{path.name} names a model inside the warehouse: {found[0][:80]}"


def test_every_model_has_its_twin() -> None:
    missing = [
        p.stem
        for layer in ("staging", "intermediate", "marts")
        for p in models(layer)
        if not p.with_suffix(".yml").exists()
    ]
    assert not missing, f"models without a .yml beside them: {missing}"


def test_models_stay_readable() -> None:
    long = {p.stem: n for p in (ROOT / "models").rglob("*.sql") if (n := len(p.read_text().splitlines())) > 150}
    assert not long, f"models over 150 lines: {long}"


def test_models_stay_in_the_portable_subset() -> None:
    """What the distributed engine rejects; differences belong into a dispatched macro."""
    banned = re.compile(
        r"\bqualify\b|\barg_max\b|\barg_min\b|\bquantile_cont\b|\bstrftime\s*\(|\bjson_extract|\bepoch\s*\(|\bexclude\s*\(|count\s*\(\s*distinct[^)]*\)\s*over",
        re.IGNORECASE,
    )
    found = {p.stem: m.group(0) for p in (ROOT / "models").rglob("*.sql") if (m := banned.search(p.read_text()))}
    assert not found, f"engine-bound SQL: {found}"
