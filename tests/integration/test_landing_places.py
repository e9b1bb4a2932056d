"""What is found in the landing folder, what is left alone, and what is refused where it lies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.errors import QuanyuError
from pipelines.landing import inspect_file
from pipelines.landing.discovery import export_time, kind_of
from tests.fixtures.landing import ORDER_HEADER, Shop, csv_text, order

GOOD = csv_text(ORDER_HEADER, [order("L1")])


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANYU_HASH_KEY", "a key for tests")
    return Shop(tmp_path)


def test_hidden_and_temporary_files_are_left_alone(shop):
    for name in (".DS_Store", ".hidden/a.csv", "~$book.xlsx", "a.csv.part", "a.csv.crdownload", "b.csv~", "Thumbs.db"):
        shop.drop(f"orders/{name}", GOOD)
    assert shop.load().files == ()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("stray.csv", "lies in no feed's folder; move it into one of ad_spend, author_audience"),
        ("stray.csv", "or describe its layout (quanyu inspect --draft)"),
        ("order/a.csv", "did you mean orders?"),
        ("Orders/a.csv", "did you mean orders?"),
        ("things/a.csv", "which is no feed; known are"),
    ],
)
def test_a_file_of_which_nothing_is_known_is_told_where_it_could_go(shop, name, why):
    shop.drop(name, "one,two\n1,2\n")
    (result,) = shop.load().refused
    assert why in result.error


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("stray.csv", "lies in no feed's folder; its columns are those of orders: move it into orders/"),
        ("stray.csv.exe", "extension that is not read"),
        ("order/a.csv.exe", "extension that is not read"),
        ("things/a.csv", "lies in 'things', which is no feed; its columns are those of orders: move it into orders/"),
        ("orders/readme.md", "extension that is not read"),
        ("orders/a.xls", "extension that is not read"),
    ],
)
def test_a_file_out_of_place_is_named(shop, name, why):
    shop.drop(name, GOOD)
    (result,) = shop.load().refused
    assert why in result.error
    assert shop.rows("select path, status from control.load_audit") == [(name, "refused")]
    assert shop.load().files == ()


def test_links_out_of_the_folder_are_never_followed(shop, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_text(GOOD)
    orders = shop.landing / "orders"
    orders.mkdir()
    (orders / "file.csv").symlink_to(outside / "secret.csv")
    (orders / "folder").symlink_to(outside)
    (orders / "nowhere.csv").symlink_to(tmp_path / "missing.csv")
    report = shop.load()
    assert {file.path: file.status for file in report.files} == dict.fromkeys(
        ("orders/file.csv", "orders/folder", "orders/nowhere.csv"), "refused"
    )
    assert shop.one("select count(*) from raw.raw_orders") == 0


def test_a_pipe_does_not_stop_the_night(shop):
    (shop.landing / "orders").mkdir()
    os.mkfifo(shop.landing / "orders" / "pipe.csv")
    shop.drop("orders/good.csv", GOOD)
    assert sorted(file.status for file in shop.load().files) == ["loaded", "refused"]


def test_a_missing_folder_is_said(shop):
    shop.landing.rmdir()
    assert shop.load().files == ()
    assert "no such folder" in shop.said[0]


@pytest.fixture
def closed(monkeypatch):
    """Names of folders that nobody may open; permissions would not keep out the superuser."""
    names = set()
    scan = os.scandir

    def scandir(path):
        # Whoever removes a folder scans it by its number.
        if not isinstance(path, int) and Path(path).name in names:
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    return names


def test_a_folder_that_cannot_be_opened_is_said_and_the_others_load(shop, closed):
    shop.drop("orders/a.csv", GOOD)
    shop.drop("orders/late/b.csv", GOOD + "L2,O2\n")
    shop.drop("refunds/c.csv", GOOD)
    closed |= {"late", "refunds"}
    assert {file.path: (file.feed, file.status) for file in shop.load().files} == {
        "orders/a.csv": ("orders", "loaded"),
        "orders/late": ("orders", "refused"),
        "refunds": ("refunds", "refused"),
    }
    [(error,)] = shop.rows("select error from control.load_audit where path = 'refunds'")
    assert error == "refunds: is a folder that cannot be opened (Permission denied); check its permissions"


def test_a_landing_folder_that_cannot_be_opened_ends_the_load(shop, closed):
    shop.drop("orders/a.csv", GOOD)
    closed.add(shop.landing.name)
    with pytest.raises(QuanyuError, match=r"landing: cannot be opened \(Permission denied\); check its permissions"):
        shop.load()


def test_export_times_in_names():
    assert export_time("1780818387_ab12.csv") == 1780818387 * 10**9
    assert export_time("1780818387123_ab12.csv") == 1780818387123 * 10**6
    assert export_time("0000000001_x.csv") is None
    assert export_time("17808183871_x.csv") is None
    assert export_time("2026_06_16~2026_07_15.csv") is None


def test_extensions_in_any_case():
    assert [kind_of(name) for name in ("a.CSV", "b.csv.GZ", "c.Parquet", "d.xlsx", "e.gz", "f")] == [
        "csv", "csv.gz", "parquet", "xlsx", None, None,
    ]  # fmt: skip


def test_another_hash_key_stops_the_load(shop, monkeypatch):
    shop.drop("orders/1.csv", GOOD)
    shop.load()
    monkeypatch.setenv("QUANYU_HASH_KEY", "another key")
    with pytest.raises(QuanyuError, match="hash key is not the one earlier loads used"):
        shop.load()


def test_a_key_is_made_once_and_readable_by_its_owner_alone(shop, monkeypatch):
    monkeypatch.delenv("QUANYU_HASH_KEY")
    shop.drop("orders/1.csv", GOOD)
    shop.load()
    key = shop.state / "hash.key"
    made = key.read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600
    shop.drop("orders/2.csv", csv_text(ORDER_HEADER, [order("L1"), order("L2")]))
    shop.load()
    assert key.read_bytes() == made
    assert shop.one("select count(*) from control.user_keys") == 2


def test_inspect_says_what_a_load_would_do(tmp_path):
    path = tmp_path / "export.csv"
    path.write_text(csv_text(ORDER_HEADER + ",phone", [order("L1") + ",1", order("L2", quantity="0") + ",2", "short"]))
    found = inspect_file(path)
    assert (found.feed, found.encoding, found.rows, found.left_out) == ("orders", "utf-8", 3, ("phone",))
    assert found.problems == (
        "1 rows: below_minimum in quantity, first in line 3",
        "1 rows: column_count, first in line 4",
    )


def test_inspect_refuses_in_one_line(tmp_path):
    path = tmp_path / "export.csv"
    path.write_text("a,b\n1,2\n")
    (problem,) = inspect_file(path).problems
    assert problem.startswith("its header fits no feed")


def test_a_name_that_no_terminal_can_show_is_escaped_and_its_file_loads(shop):
    folder = shop.landing / "orders"
    folder.mkdir()
    text = csv_text(ORDER_HEADER, [order("L1")])
    (folder / os.fsdecode(b"bad\xff.csv")).write_text(text)
    (folder / "two\nlines\x1b[2J.csv").write_text(text.replace("L1", "L2"))
    shop.load()
    assert shop.rows("select path, status, rows_loaded from control.load_audit order by path") == [
        ("orders/bad\\udcff.csv", "loaded", 1),
        ("orders/two\\nlines\\x1b[2J.csv", "loaded", 1),
    ]
