"""`make docs`: the dictionary of the published marts in both languages, the dbt exposures of what reads them and the
datasets of the Superset dashboard.

Everything is taken from the twins of the marts (`models/marts/**.yml`), so the prose stands in one place.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from pipelines.dashboard import datasets
from pipelines.errors import QuanyuError
from pipelines.report.carried import DAILY, LISTINGS

ROOT = Path(__file__).resolve().parents[2]
MARTS = ROOT / "models" / "marts"
SUITES = ROOT / "expectations" / "marts"
DOC_BLOCK = re.compile(r"{%\s*docs (\w+)\s*%}(.*?){%\s*enddocs\s*%}", re.S)
DOC_CALL = re.compile(r"{{\s*doc\(['\"](\w+)['\"]\)\s*}}")
# What the page reads besides its days and listings.
READ_BESIDES = ("audience_5a_flow", "entity_names", "operating_score", "operating_score_indicators")
HEADS = {
    "zh": (
        "# 数据字典",
        "发布文件 `marts` 中的每张表、每一列。由 `make docs` 根据模型的说明写成；同样的文字也在文件的注释里。",
        ("列", "名称", "类型", "键"),
    ),
    "en": (
        "# Dictionary",
        "Every table and column of the published `marts`. Written by `make docs` from the models' own prose, which the "
        "file carries as comments too.",
        ("column", "meaning", "type", "key"),
    ),
}


@dataclass(frozen=True)
class Column:
    """One column of a mart."""

    name: str
    label_zh: str
    description: str
    data_type: str
    is_key: bool


@dataclass(frozen=True)
class Table:
    """One mart."""

    name: str
    label_zh: str
    description: str
    columns: tuple[Column, ...]


def tables() -> list[Table]:
    """Every mart in the order of its name. Raises `QuanyuError` where prose or a label is missing."""
    blocks = {
        name: " ".join(text.split())
        for path in sorted(ROOT.glob("models/**/*.md"))
        for name, text in DOC_BLOCK.findall(path.read_text(encoding="utf-8"))
    }

    def plain(text: str, at: str) -> str:
        def block(call: re.Match[str]) -> str:
            if call[1] not in blocks:
                raise QuanyuError(f"{at}: no doc block {call[1]!r}")
            return blocks[call[1]]

        return " ".join(DOC_CALL.sub(block, text).split())

    found = []
    for path in sorted(MARTS.rglob("*.yml"), key=lambda path: path.stem):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            name = model["name"]
            keys = key_of(name)
            columns = []
            for column in model["columns"]:
                at = f"{path.name}: {name}.{column['name']}"
                label = column.get("meta", {}).get("label_zh", "")
                description = plain(column.get("description", ""), at)
                if not label or not description:
                    raise QuanyuError(f"{at}: needs a description and meta.label_zh")
                columns.append(
                    Column(column["name"], label, description, column.get("data_type", ""), column["name"] in keys)
                )
            label = model.get("config", {}).get("meta", {}).get("label_zh") or model.get("meta", {}).get("label_zh", "")
            found.append(Table(name, label, plain(model["description"], name), tuple(columns)))
    return found


def key_of(mart: str) -> set[str]:
    """Columns that its suite at the marts gate identifies a row by."""
    path = SUITES / f"{mart}.json"
    if not path.exists():
        return set()
    return set(json.loads(path.read_text(encoding="utf-8"))["meta"]["identify_by"])


def dictionary(language: str, marts: list[Table]) -> str:
    """One page: a table a mart."""
    title, lead, head = HEADS[language]
    lines = [title, "", lead, ""]
    for table in marts:
        zh = language == "zh"
        lines += [f"## {table.name} {table.label_zh if zh else ''}".rstrip(), ""]
        lines += [] if zh else [table.description, ""]
        lines += [f"| {' | '.join(head)} |", "|---|---|---|---|"]
        for column in table.columns:
            meaning = column.label_zh if zh else column.description
            cells = (f"`{column.name}`", meaning, column.data_type, "●" if column.is_key else "")
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def exposures(marts: list[Table]) -> str:
    """`models/exposures.yml`: what depends on which marts, so that a change of a mart shows what it touches."""
    report = {spec.mart for spec in (*DAILY, *LISTINGS)} | set(READ_BESIDES)
    read_by = [
        exposure(
            "report",
            "经营日报 Shop report",
            "The page written after each publication, reports/latest.<language>.html.",
            [table.name for table in marts if table.name in report],
        ),
        exposure(
            "dashboard",
            "经营看板 Superset dashboard",
            "The Superset dashboard of bi/superset, which reads the published file.",
            datasets.read_marts(),
        ),
    ]
    text = yaml.safe_dump(
        {"version": 2, "exposures": read_by}, allow_unicode=True, sort_keys=False, width=1000, indent=2
    )
    return f"# Written by `make docs` from what the page and the dashboard read.\n{text}"


def exposure(name: str, label: str, description: str, marts: list[str]) -> dict[str, object]:
    """One reader of the marts as dbt declares it."""
    return {
        "name": name,
        "label": label,
        "type": "dashboard",
        "maturity": "high",
        "description": description,
        "depends_on": [f"ref('{mart}')" for mart in marts],
        "owner": {"name": "quanyu"},
    }


def pages() -> dict[Path, str]:
    """Path and text of everything `make docs` writes from the marts."""
    marts = tables()
    return {
        **{ROOT / "docs" / f"dictionary.{language}.md": dictionary(language, marts) for language in HEADS},
        ROOT / "models" / "exposures.yml": exposures(marts),
        **datasets.files(marts),
    }


def main() -> None:
    """Write every page; one line to standard error and status 1 where one cannot be written."""
    try:
        for path, text in pages().items():
            path.write_text(text, encoding="utf-8")
    except QuanyuError as error:
        sys.exit(f"docs: {error}")


if __name__ == "__main__":
    main()
