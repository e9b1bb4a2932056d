"""Cell for cell, our reader of workbooks and two independent ones (openpyxl, calamine) read the same, whoever wrote the workbook.

`QUANYU_FUZZ_EXAMPLES` sets how long to look. A case that is found becomes an `@example` or a test of its own.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import re
import zipfile

import openpyxl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.utils import get_column_letter
from python_calamine import CalamineWorkbook

from pipelines.landing import sheets
from pipelines.landing.decoding import Unreadable
from pipelines.landing.sheets import Workbook

QUICK = 60
EXAMPLES = int(os.environ.get("QUANYU_FUZZ_EXAMPLES", "600"))


def looking(examples: int) -> settings:
    return settings(
        max_examples=examples, deadline=None, phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


# --- what stands in a workbook -------------------------------------------------------------------------------------

# Nothing that XML 1.0 cannot hold; `_x` would be an escape of the format's own.
TEXTS = st.one_of(
    st.sampled_from(
        ["直播", " 空 ", "6900000000000000001\t", "'691", "1,299.00", "a&b<c>\"d'", "]]>", "a\nb", "\t", "  ", "=_=", "</row>", "<f>", "&amp;lt;"]
    ),
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]), max_size=12).filter(lambda t: "_x" not in t and "\ufffe" not in t),
)  # fmt: skip
NUMBERS = st.one_of(
    st.integers(-(10**15) + 1, 10**15 - 1), st.floats(-1e15, 1e15, allow_nan=False).map(lambda f: float(f"{f:.15g}"))
)
MOMENTS = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2100, 1, 1)).map(lambda t: t.replace(microsecond=0))
ERRORS = ("#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NULL!", "#NUM!")
FORMATS = {
    "moment": ("yyyy-mm-dd hh:mm:ss", "yyyy/m/d h:mm", 'yyyy"年"m"月"d"日" hh:mm', "[$-804]yyyy-mm-dd hh:mm;@"),
    "day": ("yyyy-mm-dd", 'yyyy"年"m"月"d"日"', "mm-dd-yy", "d-mmm-yy"),
    "number": ("General", "0.00", "#,##0.00", "0.00%", '0.0"days"', "¥#,##0.00", "[Red]0.00"),
}
STYLED = st.one_of(
    st.tuples(st.just("moment"), MOMENTS), st.tuples(st.just("day"), MOMENTS.map(lambda t: t.date())),
    st.tuples(st.just("number"), NUMBERS),
).flatmap(lambda kind: st.tuples(st.sampled_from(FORMATS[kind[0]]), st.just(kind[1])))  # fmt: skip
CELLS = st.one_of(st.none(), st.none(), TEXTS, NUMBERS, st.booleans(), st.sampled_from(ERRORS), STYLED)
ROWS = st.lists(st.lists(CELLS, max_size=7), max_size=8)


def text_of(value: object, code: str = "") -> str | None:
    """What a cell of this value reads as in a CSV."""
    match value:
        case None | "":
            return None
        case bool():
            return str(value).lower()
        case dt.datetime() if value.time() == dt.time() and not re.search("[hs]", code):
            return value.date().isoformat()
        case dt.datetime():
            return value.isoformat(" ", "auto" if value.microsecond == 0 else "milliseconds")
        case dt.date() | dt.time():
            return value.isoformat()
        case int() | float() if float(value).is_integer():
            return str(int(value))
        case int() | float():
            return format(value, ".15g")
        case _:
            return str(value)


Table = dict[str, dict[int, list[str | None]]]


def squared(table: Table) -> Table:
    """Without the empty cells at the end of a row, and rows of nothing else."""
    cut = {name: {n: row[: max((i + 1 for i, t in enumerate(row) if t is not None), default=0)] for n, row in rows.items()}
           for name, rows in table.items()}  # fmt: skip
    return {name: {number: row for number, row in rows.items() if row} for name, rows in cut.items()}


def ours(content: bytes, tmp_path) -> Table:
    path = tmp_path / "book.xlsx"
    path.write_bytes(content)
    with Workbook(path) as book:
        return squared({s.name: {row.number: s.all_texts(row) for row in s.rows()} for s in book.sheets()})


def of_openpyxl(content: bytes) -> Table:
    book = openpyxl.load_workbook(io.BytesIO(content))
    return squared({
        sheet.title: {
            row[0].row: [text_of(cell.value, getattr(cell, "number_format", "")) for cell in row] for row in sheet.iter_rows()
        }
        for sheet in book.worksheets
    })  # fmt: skip


def of_calamine(content: bytes) -> Table:
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return squared({
        name: {
            number: [text_of(cell) for cell in row]
            for number, row in enumerate(book.get_sheet_by_name(name).to_python(skip_empty_area=False), 1)
        }
        for name in book.sheet_names
    })  # fmt: skip


# --- workbooks that a library wrote: shared strings, styles, rich text, merged cells -------------------------------

BOOKS = st.fixed_dictionaries({
    "rows": ROWS, "skip": st.integers(0, 3), "rich": st.booleans(), "merged": st.booleans(), "second": ROWS,
    "since_1904": st.booleans(), "title": st.sampled_from(["Sheet", "成交概览", "a & b", "'x'"]),
})  # fmt: skip


def written(plan: dict) -> bytes:
    book = openpyxl.Workbook()
    if plan["since_1904"]:
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    for title, rows in ((plan["title"], plan["rows"]), ("第二", plan["second"])):
        sheet = book.active if title == plan["title"] else book.create_sheet()
        sheet.title = title
        for number, row in enumerate(rows, 1 + plan["skip"]):
            for place, cell in enumerate(row, 1):
                code, value = cell if isinstance(cell, tuple) else (None, cell)
                there = sheet.cell(number, place)
                there.value = value
                if isinstance(value, str):
                    # Not taken for a formula, which `=` would make of it.
                    there.data_type = "e" if value in ERRORS else "s"
                if code:
                    there.number_format = code
        if plan["rich"]:
            sheet.cell(12, 2).value = CellRichText("多", TextBlock(InlineFont(b=True), " 彩 "), "\nx")
        if plan["merged"]:
            sheet.merge_cells("B10:C11")
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def check_library(tmp_path, plan):
    content = written(plan)
    mine = ours(content, tmp_path)
    assert mine == of_openpyxl(content)


@looking(QUICK)
@given(plan=BOOKS)
def test_a_workbook_that_a_library_wrote(tmp_path_factory, plan):
    check_library(tmp_path_factory.getbasetemp(), plan)


@pytest.mark.slow
@looking(EXAMPLES)
@given(plan=BOOKS)
def test_any_workbook_that_a_library_wrote(tmp_path_factory, plan):
    check_library(tmp_path_factory.getbasetemp(), plan)


# --- workbooks in every spelling that the format allows ------------------------------------------------------------

ESCAPES = {
    "&": ("&amp;", "&#38;"),
    "<": ("&lt;", "&#x3c;"),
    ">": ("&gt;", "&#62;"),
    '"': ("&quot;", '"'),
    "\r": ("&#13;",),
}


@st.composite
def spelled(draw, value: object, shared: list[str]) -> str:
    """The rest of a `<c` behind its place: type, and one of the ways to write the value."""
    if value is None:
        return draw(
            st.sampled_from(["/>", "></c>", "><v/></c>", "><v></v></c>", ' t="s"/>', ' t="inlineStr"><is/></c>'])
        )
    if isinstance(value, bool):
        return f' t="b"><v>{int(value)}</v></c>'
    if value in ERRORS:
        return f' t="e"><v>{value}</v></c>'
    if isinstance(value, (int, float)):
        kind = draw(st.sampled_from(["", ' t="n"', ' s="0"', ' s="0" t="n"']))
        return f"{kind}><v>{value!r}</v></c>"
    text = "".join(draw(st.sampled_from(ESCAPES.get(c, (c,)))) for c in str(value))
    keep = draw(st.sampled_from([' xml:space="preserve"', " xml:space='preserve'", ' xml:space="preserve" ']))
    whole = f"<t{keep}>{text}</t>"
    cut = draw(st.integers(0, len(str(value))))
    parts = [
        "".join(draw(st.sampled_from(ESCAPES.get(c, (c,)))) for c in part)
        for part in (str(value)[:cut], str(value)[cut:])
    ]
    rich = "".join(
        f'<r><rPr><b/><color rgb="FF0000"/><rFont val="宋体"/></rPr><t{keep}>{part}</t></r>' for part in parts
    )
    item = draw(
        st.sampled_from(
            [whole, rich, whole + '<phoneticPr fontId="1"/>', rich + '<rPh sb="0" eb="1"><t>よみ</t></rPh>']
        )
    )
    how = draw(st.sampled_from(["s", "inlineStr", "str"]))
    if how == "s":
        shared.append(item)
        return f' t="s"><v>{len(shared) - 1}</v></c>'
    return f' t="str"><v{keep}>{text}</v></c>' if how == "str" else f' t="inlineStr"><is>{item}</is></c>'


@st.composite
def spellings(draw) -> bytes:
    shared: list[str] = []
    p = draw(st.sampled_from(["", "", "x:"]))
    blank = draw(st.sampled_from([" ", " ", "  ", "\n", "\t"]))
    lines = draw(
        st.lists(
            st.lists(st.one_of(st.none(), TEXTS, NUMBERS, st.booleans(), st.sampled_from(ERRORS)), max_size=6),
            max_size=7,
        )
    )
    body, number = [], 0
    for line in lines:
        gap = draw(st.sampled_from([0, 0, 0, 1, 5]))
        number += 1 + gap
        says_row = gap or draw(st.booleans())
        opened = f'<row{blank}r="{number}"' if says_row else "<row"
        opened += draw(st.sampled_from(["", ' spans="1:3"', ' ht="15" customHeight="1"']))
        if not line and draw(st.booleans()):
            body.append(opened + "/>")
            continue
        cells = []
        says_place = True
        for place, value in enumerate(line, 1):
            if value is None and says_place and draw(st.booleans()):
                # Left out: then the next one has to say where it is.
                continue
            where = f'{blank}r="{get_column_letter(place)}{number}"'
            is_next = len(cells) == place - 1
            cells.append(f"<c{where if not is_next or draw(st.booleans()) else ''}" + draw(spelled(value, shared)))
        body.append(f"{opened}>{''.join(cells)}</row>")
    between = draw(st.sampled_from(["", "", "\n", "\r\n  "]))
    after = draw(
        st.sampled_from(
            [
                "",
                '<mergeCells count="1"><mergeCell ref="H40:I41"/></mergeCells>',
                '<rowBreaks count="1"><brk id="1"/></rowBreaks>',
            ]
        )
    )
    dimension = draw(st.sampled_from(["", '<dimension ref="A1"/>', '<dimension ref="A1:XFD1048576"/>']))
    columns = draw(st.sampled_from(["", '<cols><col min="1" max="3" width="9"/></cols>']))
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"

    def named(xml: str) -> str:
        return re.sub(r"<(/?)(?=[a-zA-Z])", rf"<\1{p}", xml)

    space = f'xmlns:{p[:-1]}="{main}"' if p else f'xmlns="{main}"'
    data = f"<sheetData>{between}{between.join(body)}{between}</sheetData>" if body else "<sheetData/>"
    quote = draw(st.sampled_from(['"', '"', "'"]))
    sheet = named(dimension + columns) + _quoted(named(data), quote) + named(after)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        '<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/>'
        '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="一" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{office}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f"<{p}worksheet {space}>{sheet}</{p}worksheet>",
        "xl/sharedStrings.xml": f"<{p}sst {space}>"
        + named("".join(f"<si>{item}</si>" for item in shared))
        + f"</{p}sst>",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + text)
    return buffer.getvalue()


def _quoted(xml: str, quote: str) -> str:
    """Attributes between these quotes."""
    return (
        re.sub(r"<[^<>]*>", lambda tag: tag.group().replace('"', quote).replace("'", quote), xml)
        if quote == "'"
        else xml
    )


def check_spelling(tmp_path, content):
    mine = ours(content, tmp_path)
    assert mine == of_openpyxl(content)
    # Calamine gives no errors, and blanks only where they are said to count.
    bare = {name: {n: [None if t in ERRORS or not (t or "").strip() else t for t in row] for n, row in rows.items()}
            for name, rows in mine.items()}  # fmt: skip
    theirs = {name: {n: [t if (t or "").strip() else None for t in row] for n, row in rows.items()}
              for name, rows in of_calamine(content).items()}  # fmt: skip
    assert squared(bare) == squared(theirs)


@looking(QUICK)
@given(content=spellings())
def test_a_workbook_in_another_spelling(tmp_path_factory, content):
    check_spelling(tmp_path_factory.getbasetemp(), content)


@pytest.mark.slow
@looking(EXAMPLES)
@given(content=spellings(), chunk=st.integers(256, 700))
def test_any_spelling_in_pieces_of_any_size(tmp_path_factory, content, chunk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sheets, "_CHUNK", chunk)
        check_spelling(tmp_path_factory.getbasetemp(), content)


@looking(20)
@given(plan=BOOKS, row=st.integers(1, 12), column=st.integers(1, 30))
def test_a_formula_anywhere_is_refused_by_its_place(tmp_path_factory, plan, row, column):
    book = openpyxl.load_workbook(io.BytesIO(written(plan | {"rich": False, "merged": False})))
    book.worksheets[0].cell(row, column).value = "=1+1"
    buffer = io.BytesIO()
    book.save(buffer)
    with pytest.raises(Unreadable, match=rf"has a formula in {get_column_letter(column)}{row};"):
        ours(buffer.getvalue(), tmp_path_factory.getbasetemp())
