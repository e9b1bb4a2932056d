"""The books of a simulation: what was written, and what a faithful reader must find in it.

Control totals are taken from the rows as they are written, spoiled ones left out, so they hold for whoever loads all
files in whatever order.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.simulate.columns import EVENT_TYPES, REFUND_STATUS, Feed, Frame, Ints, concat, size

TruthRow = tuple[str, str, int, str | None, str, str, str | None, str | None]
_TRUTH_FIELDS = ("feed", "path", "line", "column", "kind", "outcome", "reason", "value")
_MEASURES = {
    "orders": ("order_id", "paid_at", "paid_amount", "quantity", "is_gift"),
    "refunds": ("status", "refund_amount"),
    "reviews": ("rating",),
}


@dataclass
class Ledger:
    """Running books. `truth` has one row per spoiled row."""

    files: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    duplicates: Counter[str] = field(default_factory=Counter)
    events: Counter[tuple[int, int]] = field(default_factory=Counter)
    truth: list[TruthRow] = field(default_factory=list)
    _kept: dict[str, list[Frame]] = field(default_factory=dict)

    def book(self, feed: Feed, frame: Frame, *, read: int, duplicates: int) -> None:
        """Rows of one file that a reader keeps, in delivery order; `read` counts all rows, repeated ones included."""
        self.rows[feed.name] += read
        self.duplicates[feed.name] += duplicates
        if feed.name == "traffic_events":
            pairs, counts = np.unique(frame["shop_id"] * 100 + frame["event_type"], return_counts=True)
            for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
                self.events[divmod(pair, 100)] += count
            return
        names = ("shop_id", *feed.key, *_MEASURES.get(feed.name, ()))
        slim = {name: frame[name] for name in names}
        # Without a version column the later delivery is the newer version.
        slim["version"] = (
            frame[feed.version] if feed.version else np.full(size(frame), self.files[feed.name], dtype=np.int64)
        )
        self._kept.setdefault(feed.name, []).append(slim)

    def totals(self, feeds: dict[str, Feed], shops: dict[int, str]) -> dict[str, Any]:
        """Control totals: per feed the books, per shop the money and volumes of the current versions."""
        books: dict[str, dict[str, int]] = {}
        by_shop: dict[str, dict[str, Any]] = {name: {} for name in shops.values()}
        spoiled = Counter(row[0] for row in self.truth if row[5] == "quarantined")
        nulled = Counter(row[0] for row in self.truth if row[5] == "nulled")
        for name, feed in feeds.items():
            keys, overtaken = sum(self.events.values()), 0
            if name != "traffic_events":
                keys = 0
                if name in self._kept:
                    current, overtaken = _current(feed, concat(self._kept[name]))
                    keys = size(current)
                    for code, shop in shops.items():
                        mine = {column: values[current["shop_id"] == code] for column, values in current.items()}
                        by_shop[shop] |= _money(name, mine)
            books[name] = {
                "files": self.files[name],
                "rows": self.rows[name],
                "quarantined": spoiled[name],
                "repeated_in_file": self.duplicates[name],
                "overtaken": overtaken,
                "values_nulled": nulled[name],
                "keys": keys,
            }
        for code, shop in shops.items():
            by_shop[shop]["events"] = {
                event: count for number, event in enumerate(EVENT_TYPES) if (count := self.events[code, number])
            }
        return {"feeds": books, "shops": by_shop}

    def write_truth(self, path: Path) -> None:
        """The truth as JSON lines, one a spoiled row: path below the folder, physical line (header = 1)."""
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for row in self.truth:
                file.write(json.dumps(dict(zip(_TRUTH_FIELDS, row, strict=True)), ensure_ascii=False) + "\n")


def _current(feed: Feed, rows: Frame) -> tuple[Frame, int]:
    """The current version of every key, and how many rows came after a newer version of their key."""
    arrival = np.arange(size(rows))
    keys = [rows[name] for name in reversed(feed.key)]
    order = np.lexsort([arrival, *keys, rows["shop_id"]])
    starts = np.ones(len(order), dtype=np.bool_)
    if len(order) > 1:
        starts[1:] = np.any([column[order][1:] != column[order][:-1] for column in (*keys, rows["shop_id"])], axis=0)
    group = np.cumsum(starts)
    version = rows["version"][order]
    ranked: Ints = group * 2**34 + version
    best = np.maximum.accumulate(ranked)
    overtaken = int((ranked < best).sum())
    by_version = np.lexsort([arrival[order], version, group])
    last = np.ones(len(order), dtype=np.bool_)
    last[:-1] = group[by_version][1:] != group[by_version][:-1]
    return {name: values[order[by_version[last]]] for name, values in rows.items()}, overtaken


def _money(feed: str, rows: Frame) -> dict[str, Any]:
    match feed:
        case "orders":
            paid = (rows["paid_at"] >= 0) & (rows["paid_amount"] > 0) & (rows["is_gift"] != 1)
            return {
                "order_lines": size(rows),
                "paid_lines": int(paid.sum()),
                "paid_orders": len(np.unique(rows["order_id"][paid])),
                "paid_units": int(rows["quantity"][paid].sum()),
                "paid_amount": yuan(int(rows["paid_amount"][paid].sum())),
            }
        case "refunds":
            done = rows["status"] == REFUND_STATUS.index("succeeded")
            return {
                "refunds": size(rows),
                "refunds_succeeded": int(done.sum()),
                "refund_amount_succeeded": yuan(int(rows["refund_amount"][done].sum())),
            }
        case "reviews":
            return {"reviews": size(rows), "stars": int(rows["rating"].sum())}
        case _:
            return {feed: size(rows)}


def yuan(cents: int) -> str:
    """Cents as yuan with two decimals."""
    return f"{cents // 100}.{cents % 100:02d}"
