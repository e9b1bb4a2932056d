"""What the page carries of a published file: days as columns, newest days as bounded listings, the books.

Nothing is computed here that a mart could say; a mart or column that is not there is passed over: the page says so.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb

from pipelines.report.carried import DAILY, LISTINGS, NAMED, SCORE, SCORE_ANCHORS, SCORE_INDICATORS, Daily, Listing

# One shop shows two years. Several share the same room, so that a page of twenty shops can still be mailed.
SHOP_DAYS = 730
FEWEST_DAYS = 92
FEWEST_ROWS = 100
FLOW_DAYS = 31
# Enough for every figure the page shows; money is decimal in the marts and stays exact.
SIGNIFICANT_DIGITS = 5
CENTS = 1000
# Rows of the newest publications, files and held-back rows shown; the rest is in the published file.
BOOK_ROWS = 100

Cell = str | int | float | None


class Extract:
    """One open published file and what the page takes from it."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con
        self.columns: dict[str, list[str]] = {}
        self.comments: dict[str, dict[str, str]] = {}
        for mart, column, comment in con.execute(
            "select table_name, column_name, comment from duckdb_columns() where schema_name = 'marts' "
            "and database_name = current_database() order by table_name, column_index"
        ).fetchall():
            self.columns.setdefault(mart, []).append(column)
            self.comments.setdefault(mart, {})[column] = comment or ""

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.con.execute(sql, list(values)).fetchall() if values else self.con.execute(sql).fetchall()

    def publication(self) -> dict[str, Any]:
        """Newest publication: business_date, published_at, versions of rules and code."""
        row = self.rows(
            "select business_date, published_at, rule_version, code_version, duration_seconds "
            "from operations.publications order by published_at desc limit 1"
        )[0]
        return dict(zip(("business_date", "published_at", "rule_version", "code_version", "seconds"), row, strict=True))

    def calendars(self) -> dict[str, tuple[date, date]]:
        """First and last day of every shop, in the order of their ids."""
        if "shop_daily" not in self.columns:
            return {}
        return {
            shop: (first, last)
            for shop, first, last in self.rows(
                "select shop_id, min(business_date), max(business_date) from marts.shop_daily group by shop_id "
                "order by shop_id"
            )
        }

    def present(self, mart: str, wanted: Iterable[str]) -> list[str]:
        """Those of the wanted columns that the mart has."""
        has = set(self.columns.get(mart, ()))
        return [column for column in wanted if column in has]

    def daily(self, spec: Daily, shop: str, first: date, days: int) -> dict[str, Any]:
        """`{key: {column: [value of each day]}}`, key = the `by` values joined by `|`, "" without. Empty lists go."""
        columns = self.present(spec.mart, spec.columns)
        if not columns or len(self.present(spec.mart, spec.by)) < len(spec.by):
            return {}
        found: dict[str, dict[str, list[Cell]]] = {}
        for row in self.rows(
            f"select business_date, {quoted([*spec.by, *columns])} from marts.{spec.mart} "
            "where shop_id = ? and business_date >= ?",
            [shop, first],
        ):
            key = "|".join("" if part is None else str(part) for part in row[1 : 1 + len(spec.by)])
            series = found.setdefault(key, {column: [None] * days for column in columns})
            index = (row[0] - first).days
            if 0 <= index < days:
                for column, value in zip(columns, row[1 + len(spec.by) :], strict=True):
                    series[column][index] = cell(value)
        return {
            key: kept
            for key, series in sorted(found.items())
            if (kept := {name: values for name, values in series.items() if any(v is not None for v in values)})
        }

    def listing(self, spec: Listing, shop: str, day: date, shops: int) -> dict[str, Any]:
        """`{columns, rows, total}` of one shop; the shops share the limit, `total` counts all."""
        limit = min(spec.limit, max(FEWEST_ROWS, spec.limit // shops))
        columns = self.present(spec.mart, spec.columns)
        if not columns:
            return {"columns": [], "rows": [], "total": 0}
        ordered = ", ".join(
            part.strip() for part in spec.order.split(",") if self.present(spec.mart, [part.split()[0]])
        )
        values: list[object] = [shop]
        where = f"shop_id = ? and {spec.where}"
        if spec.newest and "business_date" in self.columns[spec.mart]:
            where += " and business_date = ?"
            values.append(day)
        rows = self.rows(
            f"select {quoted(columns)} from marts.{spec.mart} where {where} order by {ordered} limit {spec.limit + 1}",
            values,
        )
        total = len(rows)
        if total > limit:
            total = self.rows(f"select count(*) from marts.{spec.mart} where {where}", values)[0][0]
        return {
            "columns": columns,
            "rows": [[cell(value) for value in row] for row in rows[:limit]],
            "total": total,
        }

    def score(self, shop: str, first: date) -> dict[str, Any]:
        """Score and indicators of each grain, one list a column, index = period; anchors of the newest period."""
        found: dict[str, Any] = {}
        columns = self.present("operating_score", SCORE)
        if not columns:
            return found
        starts: dict[str, dict[date, int]] = {}
        for grain, start, end, *values in self.rows(
            f"select grain, period_start, period_end, {quoted(columns)} from marts.operating_score "
            "where shop_id = ? and period_end >= ? order by grain, period_start",
            [shop, first],
        ):
            held = found.setdefault(
                grain, {"start": [], "end": [], **{column: [] for column in columns}, "indicators": {}}
            )
            starts.setdefault(grain, {})[start] = len(held["start"])
            held["start"].append(start.isoformat())
            held["end"].append(end.isoformat())
            for column, value in zip(columns, values, strict=True):
                held[column].append(cell(value))
        measured = self.present("operating_score_indicators", SCORE_INDICATORS)
        if measured:
            for grain, start, indicator, *values in self.rows(
                f"select grain, period_start, indicator, {quoted(measured)} from marts.operating_score_indicators "
                "where shop_id = ? order by grain, period_start",
                [shop],
            ):
                index = starts.get(grain, {}).get(start)
                if index is None:
                    continue
                periods = len(found[grain]["start"])
                series = found[grain]["indicators"].setdefault(
                    indicator, {column: [None] * periods for column in measured}
                )
                for column, value in zip(measured, values, strict=True):
                    series[column][index] = cell(value)
            anchors = self.present("operating_score_indicators", SCORE_ANCHORS)
            for grain in found:
                found[grain]["anchors"] = {
                    "columns": anchors,
                    "rows": [
                        [cell(value) for value in row]
                        for row in self.rows(
                            f"select {quoted(anchors)} from marts.operating_score_indicators where shop_id = ? "
                            "and grain = ? and period_start = ? order by indicator",
                            [shop, grain, date.fromisoformat(found[grain]["start"][-1])],
                        )
                    ],
                }
        return found

    def flows(self, shop: str, last: date) -> dict[str, Any]:
        """`{horizon: {day: [[from, to, users], ...]}}` of the last days."""
        if "audience_5a_flow" not in self.columns:
            return {}
        found: dict[str, dict[str, list[list[int]]]] = {}
        for day, horizon, from_layer, to_layer, users in self.rows(
            "select business_date, horizon_days, from_layer, to_layer, users from marts.audience_5a_flow "
            f"where shop_id = ? and business_date > ?::date - {FLOW_DAYS} and users is not null order by all",
            [shop, last],
        ):
            found.setdefault(str(horizon), {}).setdefault(day.isoformat(), []).append([from_layer, to_layer, users])
        return found

    def goods(self, shop: str, day: date) -> dict[str, Any]:
        """What a bounded listing cannot count: products selling in each scope, moved on the day, in the tail."""
        if "product_quadrant" not in self.columns:
            return {"selling": {}, "moved": 0, "tail": 0}
        where = "from marts.product_quadrant where shop_id = ? and business_date = ?"
        selling = self.rows(f"select scope, max(product_count) {where} group by scope order by scope", [shop, day])
        moved, tail = self.rows(
            f"select count(moved_from), count(*) filter (where is_tail_risk) {where} and scope = 'all'", [shop, day]
        )[0]
        return {"selling": dict(selling), "moved": moved, "tail": tail}

    def names(self, shop: str, wanted: dict[str, set[str]]) -> dict[str, dict[str, str]]:
        """Names of the products, authors, campaigns and contents that are shown, as far as the file knows them."""
        found: dict[str, dict[str, str]] = {kind: {} for kind in wanted}
        if "entity_names" in self.columns:
            for kind, entity, name in self.rows(
                "select kind, entity_id, name from marts.entity_names where shop_id = ? and name is not null "
                "order by kind, entity_id",
                [shop],
            ):
                if entity in wanted.get(kind, ()):
                    found[kind][entity] = name
        return found

    def statuses(self, shop: str) -> dict[str, str]:
        """For each mart what its newest rows of the shop say: `ok` where any does, `empty` without a row."""
        found = {}
        for mart, columns in self.columns.items():
            if "data_status" not in columns or "shop_id" not in columns:
                continue
            newest = "period_start" if "period_start" in columns else "business_date"
            where = "shop_id = ?"
            values: list[object] = [shop]
            if newest in columns:
                where += f" and {newest} = (select max({newest}) from marts.{mart} where shop_id = ?)"
                values.append(shop)
            row = self.rows(
                "select bool_or(data_status = 'ok'), mode(data_status order by data_status), count(*) "
                f"from marts.{mart} where {where}",
                values,
            )[0]
            found[mart] = "empty" if not row[2] else "ok" if row[0] else str(row[1])
        return found

    def segments(self) -> dict[str, dict[str, str]]:
        """`{language: {segment: its label}}`; a file published before they were carried has none."""
        known = self.rows(
            "select 1 from duckdb_tables() where schema_name = 'operations' and table_name = 'segments' "
            "and database_name = current_database()"
        )
        labels = "select segment, label_zh, label_en from operations.segments order by segment"
        rows = self.rows(labels) if known else []
        return {"zh": {name: zh for name, zh, _ in rows}, "en": {name: en for name, _, en in rows}}

    def books(self) -> dict[str, Any]:
        """Feeds delivered, files and rows of the newest night with files, what is held back, what was refused."""
        audit = "operations.load_audit"
        run = f"(select max_by(run_id, loaded_at) from {audit})"
        feeds = [
            [cell(value) for value in row]
            for row in self.rows(
                "select feed, count(*), sum(rows_read)::bigint, sum(rows_loaded)::bigint, "
                "sum(rows_duplicate)::bigint, sum(rows_quarantined)::bigint, sum(rows_set_aside)::bigint, "
                f"max(loaded_at) from {audit} where feed is not null group by feed order by feed"
            )
        ]
        newest = self.rows(
            "select count(*), coalesce(sum(rows_loaded), 0)::bigint, coalesce(sum(rows_quarantined), 0)::bigint, "
            f"max(loaded_at) from {audit} where run_id = {run}"
        )[0]
        held = self.rows("select feed, reason, count(*) from operations.quarantine group by 1, 2 order by 3 desc, 1, 2")
        examples = self.rows(
            "select feed, reason, path, line, column_name from operations.quarantine "
            f"order by load_seq desc nulls last, path, line limit {BOOK_ROWS}"
        )
        refused = self.rows(
            f"select distinct path, error from {audit} where status = 'refused' and run_id = {run} order by path "
            f"limit {BOOK_ROWS}"
        )
        unbalanced = self.rows(
            f"select count(*) from {audit} where rows_read <> rows_loaded + rows_duplicate + rows_quarantined + "
            "rows_set_aside"
        )[0][0]
        checks = self.rows(
            "select count(*), count(*) filter (where success) from operations.expectation_results "
            "where run_id = (select max_by(run_id, published_at) from operations.publications)"
        )[0]
        history = self.rows(
            "select business_date, published_at, duration_seconds, rule_version from operations.publications "
            "order by published_at desc limit 14"
        )
        return {
            "feeds": feeds,
            "newest": [cell(value) for value in newest],
            "held": [list(row) for row in held],
            "examples": [list(row) for row in examples],
            "refused": [list(row) for row in refused],
            "unbalanced": unbalanced,
            "checks": list(checks),
            "publications": [[cell(value) for value in row] for row in history],
        }

    def shop(self, shop: str, first: date, last: date, shops: int) -> dict[str, Any]:
        """All that the page carries of one of so many shops."""
        days = min((last - first).days + 1, max(FEWEST_DAYS, SHOP_DAYS // shops))
        begin = date.fromordinal(last.toordinal() - days + 1)
        listings = {spec.name: self.listing(spec, shop, last, shops) for spec in LISTINGS}
        shown: dict[str, set[str]] = {kind: set() for kind in NAMED}
        for listing in listings.values():
            for kind, column in NAMED.items():
                if column in listing["columns"]:
                    at = listing["columns"].index(column)
                    shown[kind] |= {row[at] for row in listing["rows"] if row[at] is not None}
        return {
            "first": begin.isoformat(),
            "last": last.isoformat(),
            "days": days,
            "calendar_first": first.isoformat(),
            "daily": {spec.mart: self.daily(spec, shop, begin, days) for spec in DAILY},
            "list": listings,
            "goods": self.goods(shop, last),
            "score": self.score(shop, begin),
            "flow": self.flows(shop, last),
            "names": self.names(shop, shown),
            "status": self.statuses(shop),
        }


def extract(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Everything the page shows, ready for JSON. Raises `duckdb.Error` where the file is no publication."""
    source = Extract(con)
    published = source.publication()
    calendars = source.calendars()
    return {
        "day": published["business_date"].isoformat(),
        "published_at": published["published_at"].isoformat(sep=" ", timespec="minutes"),
        "published": published["published_at"],
        "rule_version": published["rule_version"],
        "code_version": published["code_version"],
        "marts": sorted(source.columns),
        "comments": source.comments,
        "shops": {shop: source.shop(shop, first, last, len(calendars)) for shop, (first, last) in calendars.items()},
        "segments": source.segments(),
        "books": source.books(),
    }


def quoted(columns: Iterable[str]) -> str:
    """Column names for a select; one of the contract, `overlaps`, is a word of the engine."""
    return ", ".join(f'"{column}"' for column in columns)


def cell(value: object) -> Cell:
    """A value as JSON holds it: yuan to the cent, doubles to five significant digits, flags as 0 or 1, days as text."""
    if isinstance(value, bool):
        return int(value)
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Decimal):
        number = float(value)
        return int(number) if number.is_integer() else number
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, float):
        number = round(value, 2) if abs(value) >= CENTS else float(f"{value:.{SIGNIFICANT_DIGITS}g}")
        return int(number) if number.is_integer() and abs(number) < 1e15 else number
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} {value!r} has no place on the page")


def compact(value: object) -> str:
    """JSON that may stand inside a script element: nothing in it can end the element or a line of it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character, escape in (
        ("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029"),
    ):  # fmt: skip
        text = text.replace(character, escape)
    return text
