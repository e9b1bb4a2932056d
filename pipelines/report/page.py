"""The report: one self-contained page a language, written from the published file and nothing else.

The page loads nothing: styles, scripts and data stand in it, and its content security policy names them by digest.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipelines.config import Settings
from pipelines.report.extract import compact, extract
from pipelines.report.labels import LANGUAGES, parts, words
from pipelines.report.story import Story
from pipelines.report.telling import weekday
from pipelines.warehouse.reading import current

HERE = Path(__file__).parent
ECHARTS = HERE / "assets" / "echarts" / "echarts.min.js"
# One script, in this order: what a later file uses stands in an earlier one.
SCRIPTS = (
    "base",
    "rows",
    "plot",
    "trade",
    "score",
    "audience",
    "goods",
    "experience",
    "fields",
    "value",
    "books",
    "main",
)


@dataclass(frozen=True)
class Notice:
    """A night that did not publish: its day and its outcome, `refused` or `broken`."""

    business_date: date
    outcome: str


def write_pages(settings: Settings, notice: Notice | None = None) -> list[Path]:
    """Write `reports/latest.<language>.html`, each replaced in one step. Returns the paths.

    Raises `QuanyuError` where nothing is published.
    """
    with current(settings) as con:
        found = extract(con)
    pages = []
    for language in LANGUAGES:
        path = settings.reports / f"latest.{language}.html"
        fresh = path.with_suffix(".new")
        fresh.write_text(page(found, language, settings, notice), encoding="utf-8")
        fresh.replace(path)
        pages.append(path)
    return pages


def page(found: dict[str, Any], language: str, settings: Settings, notice: Notice | None = None) -> str:
    """One page of an extract. Everything from the file is escaped, in the text by the template, in the data as JSON."""
    spoken = words(language)
    published = found["published"].replace(tzinfo=settings.zone)
    script = "\n".join((HERE / "assets" / "js" / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    style = (HERE / "assets" / "page.css").read_text(encoding="utf-8")
    charts = ECHARTS.read_text(encoding="utf-8")
    stories = {shop: Story(found, shop, language) for shop in found["shops"]}
    data = {key: value for key, value in found.items() if key not in ("published", "comments")} | {
        "language": language,
        "published_ms": int(published.timestamp() * 1000),
        "stale_after_hours": settings.stale_after_hours,
        "layout": layout(),
        "segments": found["segments"][language],
        "columns": column_labels(found["comments"], language),
        "words": {name: spoken[name] for name in ("terms", "page", "charts")},
    }
    return _template().render(
        language=language,
        tag={"zh": "zh-CN", "en": "en"}[language],
        words=spoken["page"],
        charts=spoken["charts"],
        terms=spoken["terms"],
        layout=layout(),
        day=found["day"],
        day_in_words=in_words(found["day"], language),
        published=found["published_at"],
        shops=[(shop, story.figures(), story.told()) for shop, story in stories.items()],
        warnings=warnings(found, language, notice),
        rules=found["rule_version"],
        code=found["code_version"],
        days=max((shop["days"] for shop in found["shops"].values()), default=0),
        policy=policy(style, [charts, script]),
        style=Markup(style),  # noqa: S704 — a file of this package
        echarts=Markup(charts),  # noqa: S704 — a file of this package
        script=Markup(script),  # noqa: S704 — a file of this package
        data=Markup(compact(data)),  # noqa: S704 — escaped by `compact`
    )


def warnings(found: dict[str, Any], language: str, notice: Notice | None) -> list[list[tuple[str, bool]]]:
    """What a reader must know before any number: a night that did not publish, data older than its publication."""
    said = words(language)["page"]["warning"]
    told = []
    if notice is not None:
        told.append(parts(said[notice.outcome], {"day": notice.business_date.isoformat()}))
    late = (found["published"].date() - date.fromisoformat(found["day"])).days
    if late > 1:
        told.append(parts(said["behind"], {"day": found["day"], "days": str(late)}))
    return told


def policy(style: str, scripts: list[str]) -> str:
    """Nothing may be loaded, sent or run but the scripts and the style of the page, named by their digests.

    The charts set style attributes on what they draw, so these are allowed; a style element is not.
    """
    run = " ".join(digest(text) for text in scripts)
    return (
        f"default-src 'none'; script-src {run}; style-src-elem {digest(style)}; style-src-attr 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def digest(text: str) -> str:
    """SHA-256 of an inline element as a policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


def column_labels(comments: dict[str, dict[str, str]], language: str) -> dict[str, dict[str, str]]:
    """Heading of every column: in Chinese the label its comment begins with, in English its name as words."""
    if language == "zh":
        return {
            mart: {name: comment.split(" — ")[0] if " — " in comment else name for name, comment in columns.items()}
            for mart, columns in comments.items()
        }
    return {mart: {name: name.replace("_", " ").capitalize() for name in columns} for mart, columns in comments.items()}


def in_words(day: str, language: str) -> str:
    """A day as a heading says it."""
    then = date.fromisoformat(day)
    name = words(language)["page"]["weekday"][str(weekday(day))]
    if language == "zh":
        return f"{then.year}年{then.month}月{then.day}日 {name}"
    return f"{name} {then.day} {then:%B} {then.year}"


@cache
def layout() -> list[dict[str, Any]]:
    """Sections in reading order with their charts, widths and options."""
    found: list[dict[str, Any]] = yaml.safe_load((HERE / "layout.yml").read_text(encoding="utf-8"))
    return found


@cache
def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("page.html.j2")
