"""The report: one self-contained page a language, written from the published file and nothing else."""

from __future__ import annotations

from html import escape
from pathlib import Path

import duckdb

from pipelines.config import Settings
from pipelines.warehouse.reading import current

LANGUAGES = ("zh", "en")


def write_pages(settings: Settings) -> list[Path]:
    """Write `reports/latest.<language>.html`, each replaced in one step. Returns the paths."""
    from pipelines.report.headlines import headlines

    with current(settings) as con:
        figures = headlines(con)
        day, shop_count = _covered(con)
    pages = []
    for language in LANGUAGES:
        path = settings.reports / f"latest.{language}.html"
        fresh = path.with_suffix(".new")
        fresh.write_text(
            page(language, day, shop_count, [figure.told(language) for figure in figures]), encoding="utf-8"
        )
        fresh.replace(path)
        pages.append(path)
    return pages


def page(language: str, day: str, shop_count: int, figures: list[tuple[str, str, str]]) -> str:
    """One page. `figures` are (shop, label, value), already in the language; everything is escaped here."""
    title = {"zh": "经营日报", "en": "Shop report"}[language]
    line = {"zh": f"截至 {day} · {shop_count} 个店铺", "en": f"Up to {day} · {shop_count} shop(s)"}[language]
    head = {"zh": ("店铺", "指标", "数值"), "en": ("Shop", "Figure", "Value")}[language]
    rows = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in figure) + "</tr>" for figure in figures)
    return f"""<!doctype html>
<html lang="{"zh-CN" if language == "zh" else "en"}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} {escape(day)}</title>
<style>
body {{ font-family: system-ui, "Noto Sans CJK SC", sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
td, th {{ text-align: left; padding: .4rem .8rem; border-bottom: 1px solid #ddd; }}
td:last-child, th:last-child {{ text-align: right; font-variant-numeric: tabular-nums; }}
</style>
</head>
<body>
<h1>{escape(title)}</h1>
<p>{escape(line)}</p>
<table>
<thead><tr>{"".join(f"<th>{escape(cell)}</th>" for cell in head)}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</body>
</html>
"""


def _covered(con: duckdb.DuckDBPyConnection) -> tuple[str, int]:
    day = con.execute("select max(business_date) from operations.publications").fetchone()
    shops = con.execute("select count(distinct shop_id) from marts.shop_daily").fetchone()
    return str(day[0]) if day else "", int(shops[0]) if shops else 0
