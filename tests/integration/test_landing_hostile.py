"""Files that mean harm or are out of all proportion: refused in one line, nothing executed, nothing written elsewhere."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pipelines.landing import decoding, reading, sheets
from tests.fixtures.exports import columns_of, order_csv, order_row, sheet, workbook
from tests.fixtures.landing import ORDER_HEADER, Shop, csv_text, order

REVIEWS = columns_of("doudian_reviews")
REVIEW = {"评价日期": "2026-06-01", "订单ID": "690", "商品ID": "350", "商品评价得分": "5", "评价内容": "好"}
GOOD = sheet([REVIEW], REVIEWS)


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANYU_HASH_KEY", "a key for tests")
    return Shop(tmp_path)


def repacked(part: str, change, content: bytes = GOOD) -> bytes:
    """The workbook with one part changed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, change(data) if name == part else data)
    return buffer.getvalue()


def in_sheet(old: bytes, new: bytes) -> bytes:
    return repacked("xl/worksheets/sheet1.xml", lambda data: data.replace(old, new, 1))


TEXT = b"<is><t>350</t></is>"
HOSTILE = {
    "macros": (workbook([REVIEWS], extra={"xl/vbaProject.bin": b"x"}), "workbook with macros"),
    "formula": (in_sheet(b'<c r="D2" t="inlineStr">' + TEXT, b'<c r="D2"><f>1+1</f><v>2</v>'), "has a formula in D2"),
    "formula that asks the web": (
        in_sheet(b'<c r="D2" t="inlineStr">' + TEXT, b'<c r="D2" t="str"><f>WEBSERVICE("http://x")</f><v>1</v>'),
        "has a formula in D2",
    ),
    "entities": (
        in_sheet(b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><worksheet'),
        "has declarations that no export has",
    ),
    "an endless row": (in_sheet(TEXT, b"<is><t>" + b"9" * (40 << 20) + b"</t></is>"), "longer than any export has"),
    "a row far away": (in_sheet(b'<row r="2">', b'<row r="99999999999999999999">'), "has row 99999999999999999999 after"),
    "a row twice": (in_sheet(b'<row r="2">', b'<row r="1">'), "has row 1 after row 1"),
    "a column far away": (in_sheet(b'r="D1"', b'r="ZZZZZZ1"'), "not a readable Excel workbook"),
    "no end": (in_sheet(b"</sheetData></worksheet>", b""), "not a readable Excel workbook"),
    "shared text that is not there": (
        in_sheet(b'<c r="D2" t="inlineStr">' + TEXT, b'<c r="D2" t="s"><v>7</v>'), "not a readable Excel workbook",
    ),
    "a number that is none": (in_sheet(b'<c r="D2" t="inlineStr">' + TEXT, b'<c r="D2"><v>many</v>'), "cells cannot be read"),
    "another kind of archive": (repacked("xl/workbook.xml", lambda data: b""), "no rows in any sheet"),
    "a part outside of it": (workbook([REVIEWS], extra={"../../../outside.txt": b"x"}), "name a place outside of it"),
    "a part outside of it, with backslashes": (
        workbook([REVIEWS], extra={"..\\outside.txt": b"x"}), "name a place outside of it",
    ),
    "two parts of one name": (workbook([REVIEWS], extra={"XL/workbook.xml": b"x"}), "has two parts of one name"),
    "cut off": (GOOD[:-40], "not a readable Excel workbook"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_workbook_is_refused_in_one_line_and_its_neighbour_loads(shop, tmp_path, name):
    content, why = HOSTILE[name]
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    shop.drop("评价.xlsx", content)
    shop.drop("orders/good.csv", csv_text(ORDER_HEADER, [order("L1")]))
    report = shop.load()
    (refused,) = report.refused
    assert why in refused.error and "\n" not in refused.error
    assert shop.one("select count(*) from raw.raw_orders") == 1
    assert shop.one("select count(*) from raw.raw_reviews") == 0
    left = {path for path in tmp_path.rglob("*") if path.is_file() and "build.duckdb" not in path.name} - set(before)
    assert left <= {shop.landing / "评价.xlsx", shop.landing / "orders/good.csv", shop.state / "hash.fingerprint"}


def test_a_bomb_is_refused_before_it_goes_off(shop, monkeypatch):
    monkeypatch.setattr(sheets, "BOMB_BYTES", 1 << 20)
    monkeypatch.setattr(sheets, "BOMB_RATIO", 2)
    monkeypatch.setattr(decoding, "BOMB_BYTES", 1 << 20)
    monkeypatch.setattr(decoding, "BOMB_RATIO", 2)
    shop.drop("bomb.xlsx", sheet([REVIEW] * 20_000, REVIEWS))
    shop.drop("orders/bomb.csv.gz", gzip.compress(csv_text(ORDER_HEADER, [order("L1")] * 20_000).encode()))
    errors = {file.path: file.error for file in shop.load().refused}
    assert set(errors) == {"bomb.xlsx", "orders/bomb.csv.gz"}
    assert all("unpacks to more than" in error for error in errors.values())


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_of_blank_lines_costs_no_night(shop, monkeypatch, end):
    monkeypatch.setattr(reading, "_MANY_LINES", 100)
    text = csv_text(ORDER_HEADER, [order("L1"), order("L2")])
    shop.drop("orders/blank.csv", text + end * 1000)
    shop.drop("orders/spaced.csv", csv_text(ORDER_HEADER, [order(f"M{n}") + end for n in range(200)]))
    errors = {file.path: file.error for file in shop.load().refused}
    assert list(errors) == ["orders/blank.csv"] and "most of them blank" in errors["orders/blank.csv"]
    assert shop.one("select count(*) from raw.raw_orders") == 200


def test_a_name_inside_an_archive_leads_nowhere(shop):
    shop.drop("名.xlsx", workbook([REVIEWS, ["-"] * 15], extra={"/etc/quanyu": b"x"}))
    shop.load()
    assert not Path("/etc/quanyu").exists()


def test_more_rows_than_a_sheet_can_have_are_refused(shop, monkeypatch):
    monkeypatch.setattr(sheets, "_MOST_ROWS", 1000)
    shop.drop("most.xlsx", sheet([REVIEW] * 999, REVIEWS))
    row = b"<row><c><v>1</v></c></row>"
    shop.drop("bomb.xlsx", in_sheet(b"</sheetData>", row * 2000 + b"</sheetData>"))
    assert [(file.path, file.error) for file in shop.load().refused] == [
        ("bomb.xlsx", "sheet Sheet1 has more rows than a workbook can have; save it as CSV")
    ]


def test_a_field_of_megabytes_spoils_its_own_row_alone(shop):
    text = order_csv([order_row(1), order_row(2, 选购商品="长" * 700_000), order_row(3)])
    shop.drop("orders.csv", text)
    shop.load()
    shop.check_books()
    assert shop.rows("select line, reason from control.quarantine") == [(3, "line_too_long")]
    assert shop.one("select count(*) from raw.raw_orders") == 2


@pytest.mark.parametrize("name", ["orders.xlsm", "orders.xls", "orders.csv.exe", "orders.zip"])
def test_other_kinds_of_files_are_not_opened(shop, name):
    shop.drop(name, GOOD)
    (refused,) = shop.load().refused
    assert "has an extension that is not read" in refused.error


def test_formulas_and_joined_ids_in_text_are_held_back(shop):
    shop.drop("orders.csv", order_csv([
        order_row(1, 达人ID="=cmd|'/C calc'!A0"), order_row(2, 主订单编号="6910000000000000001,6910000000000000002"),
        order_row(3, 选购商品="=_= 可爱"), order_row(4, 商品数量="=1+1"),
    ]))  # fmt: skip
    shop.load()
    shop.check_books()
    assert shop.rows("select line, column_name, reason from control.quarantine order by line") == [
        (2, "达人ID", "formula"), (3, "主订单编号", "several_ids"), (5, "商品数量", "not_a_number"),
    ]  # fmt: skip
    assert shop.one("select product_name from raw.raw_orders") == "=_= 可爱"


# Of the process itself: what getrusage says is inherited from the process that started it.
MEASURED = """
import sys
from pathlib import Path
from tests.fixtures.landing import Shop
shop = Shop(Path(sys.argv[1]))
Path(sys.argv[2]).rename(shop.landing / "big.xlsx")
(result,) = shop.load().files
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(result.books.loaded, int(status["VmHWM"].split()[0]) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is read from /proc")
def test_a_workbook_of_two_hundred_thousand_rows_takes_little_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANYU_HASH_KEY", "a key for tests")
    columns = columns_of("buyin_alliance_orders")
    rows = (
        [
            f"69100000000000{n:05d}\t" if c == "订单id" else "2026-06-01 10:00:00" if c.endswith("时间") else "12.34"
            for c in columns
        ]
        for n in range(200_000)
    )
    (tmp_path / "big.xlsx").write_bytes(workbook(_after(columns, rows)))
    answer = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path / "home"), str(tmp_path / "big.xlsx")],
        capture_output=True, text=True, check=True, cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    loaded, megabytes = answer.stdout.split()
    assert int(loaded) == 200_000
    assert int(megabytes) < 500, answer.stdout


def _after(first, rest):
    yield first
    yield from rest
