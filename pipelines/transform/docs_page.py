"""`quanyu docs`: dbt's documentation of the models as one static page that asks nobody for anything.

It is the page that `dbt docs generate --static` writes. Written here, it needs no built database and takes the night's
own parse; what dbt leaves out or lets in is mended: column types, Chinese labels, the machine's paths, the network.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pipelines.transform.project import Project, TransformError

# No request may leave, not even where a description holds a picture. Angular evaluates its templates.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; "
    "font-src data:; base-uri 'none'; form-action 'none'"
)
HEAD = '<meta charset="utf-8">'
MANIFEST, CATALOG = '"MANIFEST.JSON INLINE DATA"', '"CATALOG.JSON INLINE DATA"'
# Links of the page to files that only a hosted copy has.
HOSTED = re.compile(r'<link rel="(?:canonical|shortcut icon)"[^>]*>')
# An icon whose address Angular has yet to fill in would be asked for as it stands.
UNFILLED, FILLED = 'xlink:href="{{', 'ng-attr-href="{{'


def write_docs(project: Project, target: Path) -> None:
    """Write the page, whole or not at all. Raises `TransformError` where the models do not parse or this dbt's page is
    made otherwise.
    """
    nodes = project.nodes
    page = static_page(template(), described(nodes), catalog(nodes))
    partial = target.with_name(f".{target.name}.new")
    partial.write_text(page, encoding="utf-8")
    partial.replace(target)


def template() -> str:
    """The page as the installed dbt ships it, without data."""
    from dbt.task.docs import DOCS_INDEX_FILE_PATH

    return Path(DOCS_INDEX_FILE_PATH).read_text(encoding="utf-8")


def static_page(page: str, manifest: dict[str, Any], catalog: dict[str, Any]) -> str:
    """The page with its data inside and a policy that keeps it from loading anything."""
    for place in (HEAD, MANIFEST, CATALOG):
        if page.count(place) != 1:
            raise TransformError(f"docs: the page of this dbt has no place for {place}; install the locked versions")
    page = HOSTED.sub("", page).replace(UNFILLED, FILLED)
    page = page.replace(HEAD, f'{HEAD}<meta http-equiv="Content-Security-Policy" content="{POLICY}">')
    for place, data in ((MANIFEST, manifest), (CATALOG, catalog)):
        page = page.replace(place, inlined(data))
    return page


def inlined(data: dict[str, Any]) -> str:
    """JSON that cannot end the script it stands in."""
    return json.dumps(data, ensure_ascii=False, default=str).replace("</", "<\\/").replace("<!--", "<\\u0021--")


def described(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with the Chinese label before each description and without the folder it was parsed in."""
    return {
        **manifest,
        "nodes": {unique_id: described_node(node) for unique_id, node in manifest["nodes"].items()},
    }


def described_node(node: dict[str, Any]) -> dict[str, Any]:
    """One model, seed or test."""
    columns = {
        name: {**column, "description": labelled(column)} for name, column in (node.get("columns") or {}).items()
    }
    told = {**node, "columns": columns, "description": labelled(node)}
    told.pop("root_path", None)
    return told


def labelled(described: dict[str, Any]) -> str:
    """`<label> — <description>`, as the comments of the published file have it."""
    meta = described.get("meta") or (described.get("config") or {}).get("meta") or {}
    return " — ".join(part for part in (meta.get("label_zh", ""), described.get("description") or "") if part)


def catalog(manifest: dict[str, Any]) -> dict[str, Any]:
    """What dbt would read out of a database: here the contracts, which the marts are held to."""
    return {
        "metadata": manifest["metadata"],
        "nodes": {
            unique_id: {
                "unique_id": unique_id,
                "metadata": {
                    "type": node["config"].get("materialized", ""), "database": node["database"],
                    "schema": node["schema"], "name": node["alias"], "comment": None, "owner": None,
                },
                "columns": {
                    name: {"name": name, "type": column["data_type"], "index": index, "comment": None}
                    for index, (name, column) in enumerate(node["columns"].items(), start=1)
                },
                "stats": {"has_stats": {"id": "has_stats", "label": "", "value": False, "include": False}},
            }
            for unique_id, node in manifest["nodes"].items()
            if node["resource_type"] == "model" and (node["config"].get("contract") or {}).get("enforced")
        },
        "sources": {},
        "errors": None,
    }  # fmt: skip
