"""Dirty files: never a crash, never a silent loss, books that balance, one clear line each.

Every case knows by construction how many records its file holds and what has to become of each.
"""

from __future__ import annotations

import codecs
import datetime as dt
import gzip
import io
import random
import zipfile
from dataclasses import dataclass, field

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.fixtures.landing import EVENT_HEADER, ORDER_HEADER, Shop, csv_text, event, order

GOOD = [order("L1"), order("L2"), order("L3")]


@dataclass
class Case:
    """A file and its fate. `quarantined` maps a line to (column, reason); `refused` is a part of the refusal."""

    name: str
    content: bytes | str
    read: int = 3
    loaded: int = 3
    quarantined: dict[int, tuple[str | None, str]] = field(default_factory=dict)
    duplicate: int = 0
    refused: str | None = None
    feed: str = "orders"
    file: str = "file.csv"
    encoding: str = "utf-8"
    nulled: int = 0
    rounded: int = 0
    holds: tuple[str, object] | None = None


def orders(*rows: str, newline: str = "\n") -> str:
    return csv_text(ORDER_HEADER, rows, newline)


def events(*rows: str) -> str:
    return csv_text(EVENT_HEADER, rows)


def bad_cell(name: str, reason: str, **cells: str) -> Case:
    """Three rows, the second with one bad cell (line 3)."""
    column = next(iter(cells))
    return Case(name, orders(order("L1"), order("L2", **cells), order("L3")), 3, 2, {3: (column, reason)})


def bad_event(name: str, reason: str, **cells: str) -> Case:
    column = next(iter(cells))
    content = events(event(1), event(2, **cells), event(3))
    return Case(name, content, 3, 2, {3: (column, reason)}, feed="traffic_events")


def fine(name: str, holds: tuple[str, object], **cells: str) -> Case:
    """Three rows, the second unusual but fine."""
    return Case(name, orders(order("L1"), order("L2", **cells), order("L3")), holds=holds)


def refused(name: str, content: bytes | str, why: str, **rest: str) -> Case:
    return Case(name, content, 0, 0, refused=why, **rest)


def workbook(rows: list[list[object]], *, dimension: str | None = None, above: int = 0) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    for number, row in enumerate(rows, start=above + 1):
        for place, cell in enumerate(row, start=1):
            sheet.cell(number, place, cell)
    buffer = io.BytesIO()
    book.save(buffer)
    if dimension is None:
        return buffer.getvalue()
    changed = io.BytesIO()
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(changed, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == "xl/worksheets/sheet1.xml":
                before = content.index(b'<dimension ref="')
                after = content.index(b"/>", before)
                content = content[:before] + f'<dimension ref="{dimension}"'.encode() + content[after:]
            new.writestr(entry, content)
    return changed.getvalue()


def parquet(columns: dict[str, object]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


SHEET = ["order_line_id", "order_id", "product_id", "quantity", "paid_amount", "created_at"]
MOMENT = dt.datetime(2026, 6, 1, 10, 0, 0)
COLUMNS = {
    "order_line_id": ["L1", "L2", "L3"],
    "order_id": ["O1", "O2", "O3"],
    "product_id": ["P1", "P1", "P1"],
    "quantity": [1, 1, 1],
    "paid_amount": ["9.90", "9.90", "9.90"],
    "created_at": ["2026-06-01 10:00:00"] * 3,
}
WIDE = orders(*GOOD)
PARQUET = parquet(COLUMNS)
PACKED = gzip.compress(WIDE.encode())
NOISE = random.Random(7).randbytes(4000)
CHINESE = csv_text(
    ORDER_HEADER + ",product_name",
    [order("L1") + ",护肤礼盒", order("L2") + ",面膜", order("L3") + ",𠮷野家🎁"],
)
NAME_OF_1 = "select product_name from raw.raw_orders where order_line_id = 'L1'"
NAME_OF_3 = "select product_name from raw.raw_orders where order_line_id = 'L3'"
AMOUNTS = "select cast(sum(paid_amount) as varchar) from raw.raw_orders"
CREATED = "select cast(created_at as varchar) from raw.raw_orders where order_line_id = 'L2'"
IDS = "select string_agg(order_line_id, ' ' order by source_line) from raw.raw_orders"


def review(number: int, content: str, product: str = "P1") -> str:
    return f"R{number},{product},5,{content},2026-06-01 10:00:00"


REVIEWS = "review_id,product_id,rating,content,created_at"
TEXT_OF_2 = "select content from raw.raw_reviews where review_id = 'R2'"

CASES = [
    # encodings
    Case("utf-8", CHINESE, holds=(NAME_OF_3, "𠮷野家🎁")),
    Case("utf-8 with mark", codecs.BOM_UTF8 + CHINESE.encode(), encoding="utf-8-sig", holds=(NAME_OF_1, "护肤礼盒")),
    Case("utf-16 little endian", CHINESE.encode("utf-16"), encoding="utf-16-le", holds=(NAME_OF_3, "𠮷野家🎁")),
    Case(
        "utf-16 big endian",
        codecs.BOM_UTF16_BE + CHINESE.encode("utf-16-be"),
        encoding="utf-16-be",
        holds=(NAME_OF_1, "护肤礼盒"),
    ),
    Case("utf-16 without mark", CHINESE.encode("utf-16-le"), encoding="utf-16-le", holds=(NAME_OF_1, "护肤礼盒")),
    Case("gb18030", CHINESE.encode("gb18030"), encoding="gb18030", holds=(NAME_OF_3, "𠮷野家🎁")),
    Case("gbk", CHINESE.replace("𠮷野家🎁", "手霜").encode("gbk"), encoding="gb18030", holds=(NAME_OF_3, "手霜")),
    refused("utf-8 with a broken character", CHINESE.encode().replace("膜".encode(), b"\xe8\x86"), "broken character"),
    refused("utf-16 cut off", CHINESE.encode("utf-16")[:-1], "is not valid utf-16-le"),
    refused("utf-32", CHINESE.encode("utf-32"), "is UTF-32"),
    refused("random bytes", b"\xff" + NOISE, "save it as UTF-8"),
    # line ends, blank lines, NUL
    Case("crlf", orders(*GOOD, newline="\r\n")),
    Case("crlf and lf mixed", orders(*GOOD).replace("\n", "\r\n", 2)),
    Case("cr alone", orders(*GOOD, newline="\r"), holds=(IDS, "L1 L2 L3")),
    Case("cr alone and no line end at the end", orders(*GOOD, newline="\r").rstrip("\r"), holds=(IDS, "L1 L2 L3")),
    Case("cr alone in gb18030", CHINESE.replace("\n", "\r").encode("gb18030"), encoding="gb18030",
         holds=(NAME_OF_3, "𠮷野家🎁")),
    Case("no line end at the end", WIDE.rstrip("\n")),
    Case("blank lines", WIDE.replace("\n", "\n\n")),
    Case("blank lines with spaces", WIDE.replace("\n", "\n   \n\t\n")),
    Case("blank line before the header", "\n" + WIDE),
    Case("stray return in a value", orders(order("L1"), order("L2", order_id="O\r2"), order("L3"))),
    Case("stray return at the end of a line", orders(order("L1"), order("L2") + "\r\r", order("L3"))),
    Case("nul in a value", orders(order("L1"), order("L2", order_id="O\0"), order("L3")), 3, 2,
         {3: ("order_id", "nul_character")}),
    # quotes
    Case("quoted cells", orders(order("L1"), order("L2", order_id='"O,2"'), order("L3"))),
    Case("doubled quotes", csv_text(REVIEWS, [review(1, "a"), review(2, '"say ""hi"""'), review(3, "c")]),
         feed="reviews", holds=(TEXT_OF_2, 'say "hi"')),
    Case("line end within quotes", csv_text(REVIEWS, [review(1, "a"), review(2, '"two\nlines"'), review(3, "c")]),
         feed="reviews", holds=(TEXT_OF_2, "two\nlines")),
    Case("quote in the middle of a cell", csv_text(REVIEWS, [review(1, "a"), review(2, 'a 5" screen'), review(3, "c")]),
         feed="reviews", holds=(TEXT_OF_2, 'a 5" screen')),
    Case("unclosed quote", csv_text(REVIEWS, [review(1, "a"), review(2, '"never closed'), review(3, "c")]), 3, 2,
         {3: (None, "unclosed_quote")}, feed="reviews"),
    Case("unclosed quote before a quoted cell",
         csv_text(REVIEWS, [review(1, "a"), review(2, '"never closed'), review(3, "c"), review(4, '"fine"')]), 4, 3,
         {3: (None, "unclosed_quote")}, feed="reviews"),
    Case("unclosed quote in the last line", csv_text(REVIEWS, [review(1, "a"), review(2, "b"), review(3, '"c')]), 3, 2,
         {4: (None, "unclosed_quote")}, feed="reviews"),
    Case("text after a closing quote", csv_text(REVIEWS, [review(1, "a"), review(2, '"b"c'), review(3, "c")]), 3, 2,
         {3: (None, "broken_quote")}, feed="reviews"),
    # columns
    Case("too few columns", orders(order("L1"), "L2,O2", order("L3")), 3, 2, {3: (None, "column_count")}),
    Case("too many columns", orders(order("L1"), order("L2") + ",x", order("L3")), 3, 2, {3: (None, "column_count")}),
    Case("delimiter at the end of rows", orders(*(row + "," for row in GOOD))),
    Case("delimiter at the end of every line", csv_text(ORDER_HEADER + ",", [row + "," for row in GOOD])),
    Case("semicolons", WIDE.replace(",", ";")),
    Case("tabs between cells", WIDE.replace(",", "\t")),
    Case("unknown columns", csv_text(ORDER_HEADER + ",收件人,phone", [row + ",张三,13800000000" for row in GOOD])),
    Case("header in capitals with blanks", csv_text(" " + ORDER_HEADER.upper().replace(",", " ,\t"), GOOD)),
    Case("columns in another order", csv_text(",".join(reversed(ORDER_HEADER.split(","))),
                                              [",".join(reversed(row.split(","))) for row in GOOD])),
    Case("header only", ORDER_HEADER + "\n", 0, 0),
    Case("header only without line end", ORDER_HEADER, 0, 0),
    refused("empty file", b"", "is empty"),
    refused("only blank lines", "\n\n\n", "only blank lines"),
    refused("no header", "\n".join(GOOD), "lacks required columns order_line_id"),
    refused("missing required column", csv_text("order_line_id,order_id,product_id,quantity,created_at", ["1,1,1,1,"]),
            "lacks required columns paid_amount"),
    refused("misspelt required column", WIDE.replace("paid_amount", "payed_amount"), "is 'payed_amount' meant?"),
    refused("column named twice", csv_text(ORDER_HEADER + ",status", [row + ",paid" for row in GOOD]),
            "two columns named status"),
    refused("another feed's file", events(event(1)), "lacks required columns order_line_id"),
    refused("html page saved as csv", "<html><body>login</body></html>\n", "lacks required columns"),
    # ids
    fine("id of 19 digits", (IDS, "L1 6917930000000000001 L3"), order_line_id="6917930000000000001"),
    fine("id behind a tab", (IDS, "L1 6917930000000000001 L3"), order_line_id="\t6917930000000000001"),
    fine("id behind an apostrophe", (IDS, "L1 6917930000000000001 L3"), order_line_id="'6917930000000000001"),
    fine("ids differ by case", (IDS, "L1 l1 L3"), order_line_id="l1"),
    bad_cell("mangled id", "mangled_id", order_line_id="6.91793E+18"),
    bad_cell("mangled user id", "mangled_id", user_id="6.91793E+18"),
    bad_cell("missing key", "missing_required", order_line_id=""),
    # numbers
    bad_cell("quantity of zero", "below_minimum", quantity="0"),
    bad_cell("negative amount", "below_minimum", paid_amount="-1.00"),
    bad_cell("amount overflow", "overflow", paid_amount="99999999999999999999"),
    bad_cell("id in the amount", "overflow", paid_amount="6917930000000000"),
    bad_cell("quantity overflow", "overflow", quantity="9999999999999999999"),
    bad_cell("id in the quantity", "overflow", quantity="691793000000000001"),
    bad_cell("time stamp in the quantity", "overflow", quantity="1768000000000"),
    bad_event("id in the seconds", "overflow", watch_seconds="691793000000000"),
    Case(
        "share in percent without its sign",
        "author_id,snapshot_on,gender,share\nA1,2026-06-01,f,0.3\nA1,2026-06-01,m,32\nA2,2026-06-01,f,1\n",
        3, 2, {3: ("share", "above_maximum")}, feed="author_audience",
    ),
    bad_cell("fraction of a unit", "not_an_integer", quantity="1.5"),
    bad_cell("formula text", "not_a_number", paid_amount="=SUM(A1:A9)"),
    bad_cell("spreadsheet error", "not_a_number", paid_amount="#REF!"),
    bad_cell("missing amount", "missing_required", paid_amount="--"),
    fine("yen sign", (AMOUNTS, "48.70"), paid_amount="￥28.90"),
    fine("thousands", (AMOUNTS, "1318.80"), paid_amount='"1,299.00"'),
    fine("full-width digits", (AMOUNTS, "29.80"), paid_amount="１０．００"),
    fine("ten thousands", (AMOUNTS, "75019.80"), paid_amount="7.5w"),
    Case("third decimal", orders(order("L1"), order("L2", paid_amount="1.005"), order("L3")), rounded=1,
         holds=(AMOUNTS, "20.81")),
    # times
    bad_cell("time without a day", "time_only", created_at="10:00:00"),
    bad_cell("impossible day", "not_a_time", created_at="2026-02-30 10:00:00"),
    bad_cell("ancient", "before_2010", created_at="1970-01-01 00:00:00"),
    bad_cell("future", "in_the_future", created_at="2026-07-03 00:00:00"),
    bad_cell("serial number for a day", "not_a_time", created_at="46174.5"),
    fine("offset", (CREATED, "2026-06-01 18:00:00"), created_at="2026-06-01T10:00:00Z"),
    fine("chinese date", (CREATED, "2026-06-01 03:04:05"), created_at="2026年06月01日 03:04:05"),
    fine("compact date", (CREATED, "2026-06-01 00:00:00"), created_at="20260601"),
    fine("merely out of order", (CREATED, "2026-06-05 00:00:00"), created_at="2026-06-05 00:00:00"),
    # enums
    bad_cell("unknown status", "unknown_value", status="refunding"),
    Case("unknown optional value", orders(order("L1"), order("L2", scene="metaverse"), order("L3")), nulled=1),
    bad_event("unknown required value", "unknown_value", event_type="teleport"),
    bad_event("unknown scene of an event", "unknown_value", scene="metaverse"),
    bad_event("event without an id", "missing_required", event_id=""),
    bad_event("mangled event id", "mangled_id", event_id="6.9E+18"),
    bad_event("event tomorrow but one", "in_the_future", occurred_at="2026-07-03 00:00:00"),
    bad_event("negative seconds", "below_minimum", watch_seconds="-1"),
    Case("unknown optional value of an event", events(event(1), event(2, traffic_source="psychic"), event(3)),
         feed="traffic_events", nulled=1),
    # several at once, keys
    Case("two bad cells in one row",
         orders(order("L1"), order("L2", quantity="0", paid_amount="-1"), order("L3")), 3, 2,
         {3: ("quantity", "below_minimum")}),
    Case("key twice in a file", orders(order("L1"), order("L2"), order("L2", paid_amount="5.00")), 3, 2, {}, 1,
         holds=(AMOUNTS, "14.90")),
    Case("older version later in the file",
         orders(order("L1"), order("L2", paid_amount="5.00"), order("L2", updated_at="2026-05-01 00:00:00")), 3, 2, {}, 1,
         holds=(AMOUNTS, "14.90")),
    Case("event twice in a file", events(event(1), event(2), event(2, scene="mall")), 3, 2, {}, 1,
         feed="traffic_events", holds=("select count(*) from raw.raw_traffic_events where scene = 'live'", 2)),
    Case("review that names nothing", csv_text("review_id,order_id,product_id,rating,created_at",
                                               ["R1,O1,,5,2026-06-01", "R2,,,5,2026-06-01", "R3,,P1,5,2026-06-01"]),
         3, 2, {3: ("product_id", "missing_required")}, feed="reviews"),
    Case("rating of six", csv_text(REVIEWS, [review(1, "a"), review(2, "b").replace(",5,", ",6,"), review(3, "c")]),
         3, 2, {3: ("rating", "above_maximum")}, feed="reviews"),
    # size
    Case("huge cell", orders(order("L1"), order("L2", order_id="x" * 3_000_000), order("L3")), 3, 2,
         {3: (None, "line_too_long")}),
    refused("huge header", "x" * 3_000_000, "first line of more than"),
    # gzip
    Case("gzip", PACKED, file="file.csv.gz"),
    Case("gzip in two members", gzip.compress(WIDE[:100].encode()) + gzip.compress(WIDE[100:].encode()),
         file="FILE.CSV.GZ"),
    refused("gzip cut off", PACKED[:-12], "cut off", file="file.csv.gz"),
    refused("gzip of nothing", b"", "is empty", file="file.csv.gz"),
    refused("gzip that is none", b"not gzip at all", "not valid gzip", file="file.csv.gz"),
    refused("gzip of garbage", gzip.compress(b"\xff" + NOISE), "save it as UTF-8", file="file.csv.gz"),
    refused("gzip damaged", PACKED[:40] + b"\0\0\0\0" + PACKED[44:], "gzip", file="file.csv.gz"),
    # parquet
    Case("parquet", PARQUET, file="file.parquet", encoding="parquet"),
    Case("parquet with ids as floats",
         parquet({**COLUMNS, "order_line_id": [1.0, 6.91793e18, 3.0]}), 3, 2, {2: ("order_line_id", "mangled_id")},
         file="file.parquet", encoding="parquet", holds=(IDS, "1 3")),
    Case("parquet with types",
         parquet({**COLUMNS, "created_at": pa.array([MOMENT] * 3, pa.timestamp("us", "UTC")),
                  "paid_amount": [1.5, 2.25, 3.125]}),
         file="file.parquet", encoding="parquet", rounded=1, holds=(CREATED, "2026-06-01 18:00:00")),
    refused("parquet cut off", PARQUET[:-50], "not a readable Parquet file", file="file.parquet"),
    refused("parquet that is none", b"PAR1 nothing", "not a readable Parquet file", file="file.parquet"),
    refused("parquet with lists", parquet({**COLUMNS, "order_line_id": [["1"], ["2"], ["3"]]}),
            "column order_line_id holds lists or records (VARCHAR[])", file="file.parquet"),
    refused("parquet with records", parquet({**COLUMNS, "product_id": [{"a": 1}] * 3}),
            "column product_id holds lists or records (STRUCT(a BIGINT))", file="file.parquet"),
    refused("parquet without a required column", parquet({k: v for k, v in COLUMNS.items() if k != "quantity"}),
            "lacks required columns quantity", file="file.parquet"),
    # workbooks
    Case("workbook", workbook([SHEET, *(["L" + str(n), "O1", "P1", 1, 9.9, MOMENT] for n in (1, 2, 3))]),
         file="file.xlsx", encoding="xlsx", holds=(CREATED, "2026-06-01 10:00:00")),
    Case("workbook with numbers for ids",
         workbook([SHEET, *([n, 7, 8, 1, 9.9, MOMENT] for n in (1, 6917930000000000001, 3))]), 3, 2,
         {3: ("order_line_id", "mangled_id")}, file="file.xlsx", encoding="xlsx", holds=(IDS, "1 3")),
    Case("workbook with a wrong dimension",
         workbook([SHEET, *(["L" + str(n), "O1", "P1", 1, 9.9, MOMENT] for n in (1, 2, 3))], dimension="A1"),
         file="file.XLSX", encoding="xlsx"),
    Case("workbook that starts lower",
         workbook([SHEET, ["L1", "O1", "P1", 0, 9.9, MOMENT], ["L2", "O1", "P1", 1, 9.9, MOMENT]], above=3), 2, 1,
         {5: ("quantity", "below_minimum")}, file="file.xlsx", encoding="xlsx"),
    Case("workbook with a time alone",
         workbook([SHEET, ["L1", "O1", "P1", 1, 9.9, dt.time(10, 0)], ["L2", "O1", "P1", 1, 9.9, MOMENT]]), 2, 1,
         {2: ("created_at", "time_only")}, file="file.xlsx", encoding="xlsx"),
    refused("workbook cut off", workbook([SHEET])[:-100], "not a readable Excel workbook", file="file.xlsx"),
    refused("workbook that is none", b"PK nothing", "not a readable Excel workbook", file="file.xlsx"),
    refused("empty workbook", workbook([]), "no rows in any sheet", file="file.xlsx"),
    # places
    refused("unknown extension", WIDE, "extension that is not read", file="file.txt"),
    refused("packed otherwise", PACKED, "extension that is not read", file="file.csv.zip"),
    Case("odd file name", WIDE, file="六月 [订单] *'\".csv"),
    Case("deep folder", WIDE, file="2026/06/01/file.CSV"),
]  # fmt: skip


def test_there_are_many_kinds_of_dirt():
    assert len({case.name for case in CASES}) == len(CASES) >= 60


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_dirt(case: Case, tmp_path, monkeypatch):
    monkeypatch.setenv("QUANYU_HASH_KEY", "a key for tests")
    shop = Shop(tmp_path)
    # The neighbour loads whatever is wrong with the file at hand.
    shop.drop("products/good.csv", "product_id,title\nP1,礼盒\n")
    shop.drop(f"{case.feed}/{case.file}", case.content)
    report = shop.load()
    shop.check_books()
    assert shop.one("select count(*) from raw.raw_products") == 1
    (result,) = [result for result in report.files if result.feed == case.feed]
    (audit,) = shop.rows(
        "select status, rows_read, rows_loaded, rows_duplicate, rows_quarantined, rows_set_aside, values_nulled, "
        f"values_rounded, encoding, error from control.load_audit where feed = '{case.feed}'"
    )
    told = [line for line in shop.said if line.startswith(f"{case.feed}/{case.file}: ")]
    assert told and all("\n" not in line for line in told)
    if case.refused is not None:
        assert result.status == audit[0] == "refused"
        assert audit[1:6] == (0, 0, 0, 0, 0)
        assert case.refused in audit[9] and case.file in audit[9] and "\n" not in audit[9]
        assert shop.one(f"select count(*) from raw.raw_{case.feed}") == 0
        return
    held = {
        line: (column, reason)
        for line, column, reason in shop.rows("select line, column_name, reason from control.quarantine")
    }
    assert held == case.quarantined
    assert audit == (
        "loaded", case.read, case.loaded, case.duplicate, len(case.quarantined), 0, case.nulled, case.rounded,
        case.encoding, None,
    )  # fmt: skip
    assert shop.one(f"select count(*) from raw.raw_{case.feed}") == case.loaded
    if case.holds:
        query, expected = case.holds
        assert shop.one(query) == expected
