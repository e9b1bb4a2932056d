"""Cells of a workbook become the texts a CSV would have, whatever program wrote it."""

from __future__ import annotations

import datetime as dt
import io
import random
import zipfile

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from python_calamine import CalamineWorkbook

from pipelines.landing import sheets
from pipelines.landing.decoding import Unreadable
from pipelines.landing.sheets import Workbook
from tests.fixtures.exports import workbook


def read(path, *, ids=None):
    with Workbook(path) as book:
        return {
            sheet.name: {
                row.number: sheet.texts(row, range(6), [True] * 6) if ids else sheet.all_texts(row)
                for row in sheet.rows()
            }
            for sheet in book.sheets()
        }


def saved(tmp_path, fill):
    book = openpyxl.Workbook()
    fill(book)
    path = tmp_path / "book.xlsx"
    book.save(path)
    return path


def raw(tmp_path, rows: str, *, shared: str = "", styles: str = "", book: str = "", prefix: str = "") -> object:
    """A workbook of hand-written rows."""
    buffer = io.BytesIO(workbook([]))
    out = tmp_path / "raw.xlsx"
    p = f"{prefix}:" if prefix else ""
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            data = source.read(name).decode()
            if name.endswith("sheet1.xml"):
                data = f"<{p}worksheet><{p}sheetData>{rows}</{p}sheetData></{p}worksheet>"
            elif name == "xl/workbook.xml":
                data = data.replace("<sheets>", book + "<sheets>")
            target.writestr(name, data)
        if shared:
            target.writestr("xl/sharedStrings.xml", f"<{p}sst>{shared}</{p}sst>")
        if styles:
            target.writestr("xl/styles.xml", f"<styleSheet>{styles}</styleSheet>")
    return out


def test_days_times_and_durations(tmp_path):
    def fill(book):
        sheet = book.active
        sheet.title = "一月"
        sheet.append([
            dt.datetime(2026, 6, 1, 10, 0), dt.date(2026, 6, 1), dt.time(10, 30), dt.timedelta(minutes=90), True, None, "文字",
        ])  # fmt: skip
        sheet.append([dt.datetime(2026, 6, 1), 0.1, 9.9, 123456789012345, 1e20, -3, "a\nb"])
        sheet["B2"].number_format = "0.00%"
        book.create_sheet("空").append([])

    path = saved(tmp_path, fill)
    assert read(path) == {
        "一月": {
            1: ["2026-06-01 10:00:00", "2026-06-01", "10:30:00", "5400", "true", None, "文字"],
            2: ["2026-06-01 00:00:00", "0.1", "9.9", "123456789012345", "1e+20", "-3", "a\nb"],
        },
        "空": {},
    }


def test_a_long_number_in_an_id_shows_that_it_lost_digits(tmp_path):
    path = saved(
        tmp_path, lambda book: book.active.append([6917930000000000001, 42, "6917930000000000001", 7.0, 2**53, 1.5])
    )
    assert read(path, ids=True)["Sheet"][1] == [
        "6.91793E+18", "42", "6917930000000000001", "7", "9.00720E+15", "1.5"
    ]  # fmt: skip


def test_texts_of_every_kind(tmp_path):
    shared = (
        "<si><t>plain</t></si><si><r><t>rich </t></r><r><t xml:space='preserve'>&amp; bold</t></r><rPh><t>よみ</t></rPh></si>"
        "<si><t/></si><si><t>line_x000D_end_xD800_</t></si>"
    )
    rows = (
        '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="s"><v>1</v></c><c r="C2" t="s"><v>2</v></c>'
        '<c r="D2" t="s"><v>3</v></c><c r="E2" t="e"><v>#N/A</v></c><c r="F2" t="b"><v>0</v></c></row>'
        '<row r="4" spans="1:9"><c r="C4" t="str"><v>&lt;a&gt;</v></c><c r="F4" t="d"><v>2026-06-01</v></c></row>'
    )
    assert read(raw(tmp_path, rows, shared=shared))["Sheet1"] == {
        2: ["plain", "rich & bold", None, "line\rend\ufffd", "#N/A", "false"], 4: [None, None, "<a>", None, None, "2026-06-01"],
    }  # fmt: skip


def test_rows_and_cells_that_do_not_say_where_they_are_follow_each_other(tmp_path):
    rows = '<row/><row><c><v>1</v></c><c t="inlineStr"><is><t>x</t></is></c></row><row r="7"/><row r="9"><c r="B9"><v>2</v></c></row>'
    assert read(raw(tmp_path, rows))["Sheet1"] == {2: ["1", "x"], 9: [None, "2"]}


def test_a_prefix_and_other_quotes_do_not_matter(tmp_path):
    rows = (
        '<x:row r="1"><x:c r="A1" t="inlineStr"><x:is><x:t>一</x:t></x:is></x:c><x:c r="B1"><x:v>2</x:v></x:c></x:row>'
    )
    assert read(raw(tmp_path, rows, prefix="x"))["Sheet1"] == {1: ["一", "2"]}
    rows = "<row r='3'><c r='B3' t='inlineStr'><is><t>it ='s'</t></is></c></row>"
    assert read(raw(tmp_path, rows))["Sheet1"] == {3: [None, "it ='s'"]}


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ('yyyy"年"m"月"d"日"', "2026-06-01"), ("yyyy/m/d h:mm", "2026-06-01 00:00:00"), ("[h]:mm:ss", "3989433600"), ("0.00", "46174"),
        ("General", "46174"), ("#,##0", "46174"), ('0.0"days"', "46174"), ("[$-804]yyyy-mm-dd;@", "2026-06-01"),
    ],
)  # fmt: skip
def test_a_format_says_whether_a_number_is_a_day(tmp_path, code, text):
    escaped = code.replace('"', "&quot;")
    styles = f'<numFmts><numFmt numFmtId="164" formatCode="{escaped}"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs>'
    rows = '<row r="1"><c r="A1" s="1"><v>46174</v></c></row>'
    assert read(raw(tmp_path, rows, styles=styles))["Sheet1"][1] == [text]


def test_days_may_be_counted_from_1904(tmp_path):
    styles = '<cellXfs><xf numFmtId="14"/></cellXfs>'
    rows = '<row r="1"><c r="A1" s="0"><v>44712</v></c></row>'
    assert read(raw(tmp_path, rows, styles=styles, book='<workbookPr date1904="1"/>'))["Sheet1"][1] == ["2026-06-01"]


def test_an_independent_reader_reads_the_same(tmp_path):
    drawn = random.Random(3)
    words = ["直播", "", "6900000000000000001\t", "1,299.00", "a&b<c>", None, 3, 2.5, True, "'691", " 空 "]

    def fill(book):
        for _ in range(200):
            book.active.append([drawn.choice(words) for _ in range(9)])
        book.active["K7"] = CellRichText("rich", TextBlock(InlineFont(b=True), " text"))

    path = saved(tmp_path, fill)
    theirs = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python(skip_empty_area=False)

    def plain(cell):
        number = isinstance(cell, (int, float)) and not isinstance(cell, bool)
        return format(cell, ".15g") if number else str(cell).lower() if isinstance(cell, bool) else cell or None

    ours = read(path)["Sheet"]
    for number, row in enumerate(theirs, 1):
        expected = [plain(cell) for cell in row]
        mine = ours.get(number, [])
        assert mine + [None] * (len(expected) - len(mine)) == expected, number


@pytest.mark.parametrize("name", ["xl/workbook.xml", "xl/_rels/workbook.xml.rels"])
def test_a_workbook_without_its_parts_is_none(tmp_path, name):
    whole = io.BytesIO(workbook([["a"]]))
    path = tmp_path / "x.xlsx"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w") as target:
        for part in source.namelist():
            if part != name:
                target.writestr(part, source.read(part))
    with pytest.raises(Unreadable, match="not a readable Excel workbook"):
        read(path)


def test_an_empty_cell_without_a_place_keeps_its_own(tmp_path):
    cells = '<c t="inlineStr"><is><t>a</t></is></c><c/><c><v>2</v></c><c></c><c t="inlineStr"><is><t>e</t></is></c>'
    assert read(raw(tmp_path, f"<row>{cells}</row>")) == {"Sheet1": {1: ["a", None, "2", None, "e"]}}


def test_blanks_inside_a_tag_lose_no_cell(tmp_path):
    rows = '<row\nr="2">\n<c\n r="A2"><v>1</v></c>\n<c\tr="C2" t="str"><v\n> x </v></c></row><row r="3"><c r="A3"><v/></c></row>'
    assert read(raw(tmp_path, rows))["Sheet1"] == {2: ["1", None, " x "], 3: [None]}
    with pytest.raises(Unreadable, match="not a readable Excel workbook"):
        read(raw(tmp_path, '<row r="1"><c r="A1"><v>1</v></c></row ><row r="2"><c r="A2"><v>1</v></c></row >'))


def test_breaks_between_pages_are_no_rows(tmp_path):
    path = raw(
        tmp_path, '<row r="1"><c r="A1"><v>1</v></c></row></sheetData><rowBreaks><brk id="1"/></rowBreaks><sheetData>'
    )
    assert read(path)["Sheet1"] == {1: ["1"]}


@pytest.mark.parametrize("size", range(256, 290))
def test_a_tag_in_two_chunks_is_one(tmp_path, monkeypatch, size):
    monkeypatch.setattr(sheets, "_CHUNK", size)
    cells = '<x:row r="{0}"><x:c r="A{0}" t="inlineStr"><x:is><x:t>一{0}</x:t></x:is></x:c><x:c r="B{0}"><x:v>{0}</x:v></x:c></x:row>'
    rows = "".join(cells.format(number) for number in range(1, 30))
    assert read(raw(tmp_path, rows, prefix="x"))["Sheet1"] == {n: [f"一{n}", str(n)] for n in range(1, 30)}
    with pytest.raises(Unreadable, match="declarations"):
        read(
            raw(tmp_path, '<row r="1"><c r="A1" t="inlineStr"><is><t>' + "x" * 120 + "<![CDATA[y]]></t></is></c></row>")
        )


def test_an_empty_row_that_says_where_it_is_counts(tmp_path):
    assert read(raw(tmp_path, "<row r='4'/><row><c><v>1</v></c></row><row/><row><c><v>2</v></c></row>")) == {
        "Sheet1": {5: ["1"], 7: ["2"]}
    }


def test_a_cell_that_was_cut_off_in_its_place_is_no_cell(tmp_path):
    rows = '<row r="1"><c r="A<c r="A1" t="str"><v>one</v></c><c r="B1"><v>2</v></c></row>'
    assert read(raw(tmp_path, rows)) == {"Sheet1": {1: ["one", "2"]}}
    assert read(raw(tmp_path, '<row r="1"><c r="A1"><v>1</v></c><c r="B</row>'))["Sheet1"][1][0] == "1"
