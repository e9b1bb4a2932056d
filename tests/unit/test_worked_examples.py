"""The page that says where each formula is worked out names what exists."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs/metrics/worked_examples.md").read_text(encoding="utf-8")


def test_named_unit_tests_of_models_exist() -> None:
    named = set(re.findall(r"`unit:(\w+)`", PAGE))
    declared = {
        test["name"]
        for path in (PROJECT / "models").rglob("*.yml")
        for test in yaml.safe_load(path.read_text(encoding="utf-8")).get("unit_tests", [])
    }
    assert named and named <= declared, named - declared


def test_named_tests_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    source = "\n".join(path.read_text(encoding="utf-8") for path in (PROJECT / "tests").rglob("test_*.py"))
    assert named and {name for name in named if f"def {name}(" not in source} == set()


@pytest.mark.parametrize("module, names", re.findall(r"`examples\.(\w+)` (\w+(?:, \w+)*)", PAGE))
def test_named_examples_exist(module: str, names: str) -> None:
    found = importlib.import_module(f"tests.oracle.examples.{module}")
    assert [name for name in names.split(", ") if not getattr(found, name, None)] == []
