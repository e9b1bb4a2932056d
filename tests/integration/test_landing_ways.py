"""The short, the bulk and the careful way give the same rows; a killed load is as if it had not begun."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipelines.landing import direct, reading
from tests.fixtures.landing import EVENT_HEADER, ORDER_HEADER, Shop, csv_text, event, order

CELLS = {
    "event_id": ["e1", "e2", "e3", "e4", "6900000000000000001", "'e1", "\te2", "", "6.9E+18", "6900000000000000001.0", "x.0"],
    "occurred_at": [
        "2026-06-01 10:00:00", "2026-06-01T10:00:00", "2026-06-01T10:00:00Z", "2026-06-01 10:00:00+08:00", "2026-06-01",
        "2026-06-01 10", "2026-06-01 10:00", "2026/06/01 10:00", "20260601", "10:00:00", "2026-06-01 10:00:00.123456",
        "2026-06-01 10:00:00.1", "2009-01-01", "2027-01-01", "2026-02-30 00:00:00", "2026-6-1 1:2:3", "", "1780000000",
        "2026-06-01 24:00:00", "2026-06-01 10:00:60",
    ],
    "event_type": ["view", "like", "VIEW", "teleport", ""],
    "user_id": ["u1", "u2", "", "-", " u1", "6.9e+18", "用户"],
    "scene": ["live", "mall", "unknown", "x"],
    "traffic_source": ["paid", "", "--", "psychic", "Paid"],
    "watch_seconds": ["1", "1.5", "1.2345", "-1", "1e3", "1分30秒", "", "/", "1,5", "1.", ".5", "00:01:30", "9" * 20, "1_0"],
    "is_complete_play": ["true", "FALSE", "True", "1", "0", "是", "maybe", "", "T", "yes"],
    "search_query": ["", "护肤", "a b", "/", "nan", "NULL", "\u3000礼盒", "x ", '"q"', '5" x', "𠮷"],
}  # fmt: skip
USUAL = {name: st.sampled_from(cells[:2]) for name, cells in CELLS.items()}
ODD = {name: st.sampled_from(cells) for name, cells in CELLS.items()}
ROWS = st.lists(
    st.one_of(st.fixed_dictionaries(USUAL), st.fixed_dictionaries(ODD)),
    max_size=8,
)
TABLES = (
    "select * exclude (user_key), (select user_id from control.user_keys as k where k.user_key = r.user_key) "
    "from raw.raw_traffic_events as r order by all",
    "select * from control.quarantine order by all",
    "select rows_read, rows_loaded, rows_duplicate, rows_quarantined, values_nulled, values_rounded, status "
    "from control.load_audit order by all",
    "select * from control.feed_presence order by all",
)


def loaded_by(way: str, text: str, folder: Path) -> tuple[list[list[tuple]], str]:
    """What a load leaves when only one way may be taken, and the way that was taken."""
    shop = Shop(folder)
    shop.drop("traffic_events/0.csv", csv_text(EVENT_HEADER, [event(1, event_id="e4", user_id="u1")]))
    shop.load()
    shop.drop("traffic_events/1.csv", text)
    with pytest.MonkeyPatch.context() as patch:
        if way != "direct":
            patch.setattr(direct, "can_load", lambda *_: False)
        if way == "careful":
            patch.setattr(reading, "_bulk", lambda *_: None)
        report = shop.load()
    shop.check_books()
    found = [shop.rows(query) for query in TABLES]
    shop.con.close()
    return found, str(report.files[0].reader)


@settings(
    max_examples=30,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=ROWS, returns=st.booleans())
def test_all_ways_give_the_same_rows(rows, returns, tmp_path_factory):
    text = csv_text(EVENT_HEADER, [event(1, **row) for row in rows], "\r\n" if returns else "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUANYU_HASH_KEY", "a key for tests")
        results = {way: loaded_by(way, text, tmp_path_factory.mktemp(way)) for way in ("direct", "bulk", "careful")}
    assert results["direct"][0] == results["bulk"][0] == results["careful"][0]
    assert results["careful"][1] == "careful"


def test_clean_events_take_the_short_way(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANYU_HASH_KEY", "a key for tests")
    shop = Shop(tmp_path)
    shop.drop("traffic_events/1.csv", csv_text(EVENT_HEADER, [event(n) for n in range(5000)]))
    (result,) = shop.load().files
    assert (result.reader, result.books.loaded) == ("direct", 5000)
    assert shop.rows(
        "select min(source_line), max(source_line), count(distinct source_line) from raw.raw_traffic_events"
    ) == [(2, 5001, 5000)]
    wrong = "select count(*) from raw.raw_traffic_events where right(event_id, 5)::int <> source_line - 2"
    assert shop.one(wrong) == 0


def test_a_long_event_file_is_one_load_in_several_statements(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANYU_HASH_KEY", "a key for tests")
    monkeypatch.setattr(direct, "_READ", 30_000)
    monkeypatch.setattr(direct, "_BLOCK", 4096)
    monkeypatch.setattr(direct, "_ROW_GROUP", 100)
    monkeypatch.setattr(direct, "_ROWS_A_STATEMENT", 700)
    monkeypatch.setattr(direct, "_SORTED_AT_ONCE", 300)
    shop = Shop(tmp_path)
    shop.drop(
        "traffic_events/1.csv",
        csv_text(EVENT_HEADER, [event(n, user_id=f"user-{n % 900}") for n in [*range(3000), 1234]]),
    )
    (result,) = shop.load().files
    assert (result.reader, result.books.loaded, result.books.duplicate) == ("direct", 3000, 1)
    assert shop.one("select max(source_line) from raw.raw_traffic_events") == 3001
    assert shop.one("select count(*) from raw.raw_traffic_events where right(event_id, 5)::int <> source_line - 2") == 0
    user = "select distinct right(event_id, 5)::int % 900 as user_number, user_key from raw.raw_traffic_events"
    assert shop.rows(f"select count(*), count(distinct user_key), count(user_key) from ({user})") == [(900, 900, 900)]


def test_careful_reader_takes_a_long_file_in_batches(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANYU_HASH_KEY", "a key for tests")
    monkeypatch.setattr(reading, "_BATCH", 100)
    shop = Shop(tmp_path)
    rows = [order(f"L{n}") for n in range(1050)]
    shop.drop("orders/1.csv", csv_text(ORDER_HEADER, [*rows, "short"]))
    (result,) = shop.load().files
    assert (result.reader, result.books.loaded, result.books.quarantined) == ("careful", 1050, 1)
    assert shop.one("select source_line from raw.raw_orders where order_line_id = 'L777'") == 779
    assert shop.one("select line from control.quarantine") == 1052


LOADER = """
import sys
from pathlib import Path
from tests.fixtures.landing import Shop
import pipelines.landing.loading as loading
folder = Path(sys.argv[1])
(folder / "landing").rename(folder / "aside")
shop = Shop(folder)
(folder / "landing").rmdir()
(folder / "aside").rename(folder / "landing")
print("ready", flush=True)
shop.load()
print("done", flush=True)
"""


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.15, 0.3, 0.6, 1.0])
def test_a_killed_load_leaves_whole_files_or_nothing(tmp_path, monkeypatch, delay):
    monkeypatch.setenv("QUANYU_HASH_KEY", "a key for tests")
    folder = tmp_path / "home"
    landing = folder / "landing"
    for number in range(3):
        for feed, text in (
            ("orders", csv_text(ORDER_HEADER, [order(f"L{n}") for n in range(number * 2000, number * 2000 + 4000)])),
            ("traffic_events", csv_text(EVENT_HEADER, [event(n) for n in range(number * 9000, number * 9000 + 20000)])),
        ):
            (landing / feed).mkdir(parents=True, exist_ok=True)
            (landing / feed / f"{number}.csv").write_text(text)
    child = subprocess.Popen(
        [sys.executable, "-c", LOADER, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
        env={**os.environ, "PYTHONPATH": "."},
    )
    assert child.stdout.readline() == "ready\n"
    time.sleep(delay)
    child.send_signal(signal.SIGKILL)
    child.wait()
    (folder / "landing").rename(folder / "aside")
    shop = Shop(folder)
    (folder / "landing").rmdir()
    (folder / "aside").rename(folder / "landing")
    shop.check_books()
    known = shop.one("select count(*) from control.load_audit")
    assert shop.one("select count(*) from control.landing_files") == known
    shop.load()
    shop.check_books()
    assert not (shop.state / "landing-scratch").exists()
    assert shop.one("select count(*) from raw.raw_orders") == 8000
    assert shop.one("select count(*) from raw.raw_traffic_events") == 38000
    assert shop.rows("select feed, rows_held from control.feed_presence order by 1") == [
        ("orders", 8000),
        ("traffic_events", 38000),
    ]
    assert shop.one("select count(*) from control.load_audit where status = 'loaded'") == 6


@pytest.mark.slow
@settings(
    max_examples=200,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=ROWS, returns=st.booleans())
def test_all_ways_give_the_same_rows_at_length(rows, returns, tmp_path_factory):
    text = csv_text(EVENT_HEADER, [event(1, **row) for row in rows], "\r\n" if returns else "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUANYU_HASH_KEY", "a key for tests")
        results = {way: loaded_by(way, text, tmp_path_factory.mktemp(way))[0] for way in ("direct", "bulk", "careful")}
    assert results["direct"] == results["bulk"] == results["careful"]
