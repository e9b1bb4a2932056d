"""The words of the page, both languages in one place: `labels/*.yml`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

import yaml

LANGUAGES = ("zh", "en")
FOLDER = Path(__file__).parent / "labels"
# What is left between "last name, first name" in a list.
JOINERS = {"zh": "、", "en": ", "}


@cache
def written() -> dict[str, Any]:
    """All labels: file name → nested families → `{zh, en}`."""
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yml"))}


def spoken(tree: Any, language: str) -> Any:
    """The same tree with the text of one language at its leaves."""
    if isinstance(tree, dict):
        if set(tree) == set(LANGUAGES):
            return tree[language]
        return {str(key): spoken(branch, language) for key, branch in tree.items()}
    return tree


@cache
def words(language: str) -> dict[str, Any]:
    """All labels of one language."""
    found: dict[str, Any] = spoken(written(), language)
    return found


def term(language: str, family: str, code: object) -> str:
    """The word for a code of the marts, the code itself where there is none."""
    text = str(code)
    return str(words(language)["terms"][family].get(text, text))


def parts(template: str, fields: dict[str, str]) -> list[tuple[str, bool]]:
    """A template cut into (text, whether it is a value), values filled in. `(s)` becomes an s unless the value before
    it is one.
    """
    cut: list[tuple[str, bool]] = []
    for literal, field, _, _ in Formatter().parse(template):
        if literal:
            is_one = bool(cut) and cut[-1][0] == "1"
            cut.append((literal.replace("(s)", "" if is_one else "s"), False))
        if field is not None:
            cut.append((fields[field], True))
    return cut
