"""Dirt with a truth: the spoiled cells are where the truth says, and nothing else differs from the clean twin."""

import csv
import gzip
import json
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from pipelines.simulate import simulate

CLEAN = {"traffic_events": "csv", "users": "csv"}


def lines_of(path: Path) -> list[str]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return data.decode().rstrip("\n").split("\n")


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    base = tmp_path_factory.mktemp("dirt")
    arguments = {"days": 25, "users": 3000, "seed": 21}
    clean = simulate(base / "clean", **arguments, formats=CLEAN)
    dirty = simulate(base / "dirty", **arguments, dirt=0.04)
    truth = [json.loads(line) for line in (dirty.truth / "spoiled.jsonl").read_text().splitlines()]
    return clean, dirty, truth


def test_only_the_spoiled_lines_differ(twins):
    clean, dirty, truth = twins
    spoiled = defaultdict(set)
    for row in truth:
        spoiled[row["path"]].add(row["line"])
    compared = 0
    for path in sorted(dirty.out.rglob("*.csv*")):
        name = str(path.relative_to(dirty.out))
        before, after = lines_of(clean.out / name), lines_of(path)
        repeats = [row for row in truth if row["path"] == name and row["kind"] == "duplicate_key"]
        assert len(after) == len(before) + len(repeats)
        for number, line in enumerate(before, start=1):
            if number not in spoiled[name]:
                assert after[number - 1] == line
                compared += 1
    assert compared > 5000


def test_every_cell_is_what_the_truth_says(twins):
    clean, dirty, truth = twins
    seen = Counter()
    for row in truth:
        lines = lines_of(dirty.out / row["path"])
        header = next(csv.reader(lines[:1]))
        cells = next(csv.reader([lines[row["line"] - 1]]))
        seen[row["kind"]] += 1
        match row["kind"]:
            case "too_many_columns":
                assert len(cells) == len(header) + 1
            case "too_few_columns":
                assert len(cells) < len(header)
            case "duplicate_key":
                # The copy stands at the end; the first of the two loads.
                assert lines.index(lines[row["line"] - 1]) < row["line"] - 1
            case _:
                assert cells[header.index(row["column"])] == row["value"]
                before = next(csv.reader([lines_of(clean.out / row["path"])[row["line"] - 1]]))
                assert [h for h, a, b in zip(header, before, cells, strict=True) if a != b] == [row["column"]]
    assert set(seen) == {
        "bad_enum", "bad_number", "negative", "mangled_id", "time_only", "ancient", "future", "missing_required",
        "too_many_columns", "too_few_columns", "duplicate_key", "unknown_optional",
    }  # fmt: skip


def test_the_books_count_the_dirt(twins):
    clean, dirty, truth = twins
    outcomes = Counter((row["feed"], row["outcome"]) for row in truth)
    for feed, book in dirty.totals["feeds"].items():
        assert book["quarantined"] == outcomes[feed, "quarantined"]
        assert book["repeated_in_file"] == outcomes[feed, "duplicate"]
        assert book["values_nulled"] == outcomes[feed, "nulled"]
        assert book["rows"] == clean.totals["feeds"][feed]["rows"] + book["repeated_in_file"]
    events = dirty.totals["feeds"]["traffic_events"]
    assert events["keys"] == events["rows"] - events["quarantined"] - events["repeated_in_file"]
    assert sum(dirty.totals["shops"]["shop-1"]["events"].values()) == events["keys"]
    share = dirty.spoiled / sum(dirty.rows.values())
    assert 0.03 < share < 0.05


def test_a_clean_simulation_has_an_empty_truth(twins):
    clean, _, _ = twins
    assert clean.spoiled == 0
    assert (clean.truth / "spoiled.jsonl").read_text() == ""
