"""Whatever lies in the landing folder, a load ends, every file is loaded or refused in one line, and the books balance.

`QUANYU_FUZZ_EXAMPLES` sets how long to look. A case that is found becomes an `@example`.
"""

from __future__ import annotations

import io
import itertools
import os
import shutil
import zipfile

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from pipelines.landing import inspect_file
from pipelines.landing.layouts import load_layouts
from pipelines.landing.recognition import recognise
from pipelines.landing.translating import period_in_name
from tests.fixtures.exports import plain_csv, sheet
from tests.fixtures.landing import Shop

EXAMPLES = int(os.environ.get("QUANYU_FUZZ_EXAMPLES", "120"))
RELAXED = settings(
    max_examples=EXAMPLES, deadline=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip

PLAUSIBLE = (
    "", "-", "--", "/", "0", "1", "12,345", "¥1,299.00", "7.5万", "7.5w~10w", "10%~15%", "108.80%", "1分30秒", "2天3.5小时", "-3",
    "\t6900000000000000001", "'6900000000000000001", "6.91E+18", "690,691", "9" * 40, "1e400", "-0.0", "٣", "２０２６年６月１日",
    "2026-06-01", "2026/6/1 8:00", "20260601", "2026-06-01T10:00:00Z", "0000-00-00", "9999-12-31 23:59:59", "2026-02-30",
    "全部", "合计", "直播", "商品卡", "数据将于第二天更新", "待发货", "已完成", "同意退款，退款成功", "=1+1", '"', '""', "a\nb", "a\rb",
    "\x00", "\ufeff", "\u3000", "𠮷", "é", "null", "true", "5", "NaN", "inf",
)  # fmt: skip
CELLS = st.one_of(st.sampled_from(PLAUSIBLE), st.text(max_size=12))
NAMES = st.sampled_from(
    ["a", "2026_06_01~2026_06_01", "2026_06_01~2026_06_30", "1780318387_x", "导出 (1)", "9999_99_99~1_1_1"]
)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le"])


@st.composite
def tables(draw):
    """(file name, header, rows): a layout's columns, some lost, some more, some spelled otherwise."""
    layout = draw(st.sampled_from(list(load_layouts().values())))
    kept = draw(st.sampled_from([1.0, 1.0, 1.0, 0.9, 0.5]))
    columns = [
        name
        for name in draw(st.permutations(layout.columns))
        if name in layout.required or draw(st.floats(0, 1)) < kept
    ]
    columns += draw(st.lists(CELLS, max_size=2))
    if draw(st.booleans()):
        columns = [name.replace("(", "（") + draw(st.sampled_from(["", "\t", " "])) for name in columns]
    rows = draw(st.lists(st.lists(CELLS, min_size=len(columns), max_size=len(columns)), max_size=6))
    return draw(NAMES), columns, [dict(zip(columns, row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUANYU_HASH_KEY", "a key for tests")
        yield Shop(tmp_path_factory.mktemp("fuzz"))


NUMBERS = itertools.count()


def drop_and_check(shop: Shop, name: str, content: bytes) -> None:
    shutil.rmtree(shop.landing)
    shop.landing.mkdir()
    path = shop.drop(f"{next(NUMBERS)}/{name}", content)
    inspect_file(path)
    report = shop.load()
    assert report.files
    for file in report.files:
        assert file.status in ("loaded", "already_loaded", "refused")
        if file.status == "refused":
            assert file.error and "\n" not in file.error and "defect" not in file.error, file.error
        assert file.books.balance
        if file.load_seq:
            stored = " union all ".join(
                f"select source_line from raw.raw_{file.feed}{more} where load_seq = {file.load_seq}"
                for more in ("", "_superseded")
            )
            assert shop.one(f"select count(distinct source_line) from ({stored})") == file.books.loaded
            held = f"select count(*) from control.quarantine where load_seq = {file.load_seq} and feed = '{file.feed}'"
            assert shop.one(held) == file.books.quarantined


def quoted_csv(columns, rows) -> str:
    quoted = [[str(row[name]).replace('"', '""') for name in columns] for row in rows]
    return "\r\n".join(",".join(f'"{cell}"' for cell in line) for line in [columns, *quoted]) + "\r\n"


@pytest.mark.slow
@RELAXED
@given(table=tables(), encoding=ENCODINGS, is_tidy=st.booleans())
def test_any_text_export(shop, table, encoding, is_tidy):
    name, columns, rows = table
    if is_tidy:
        content = quoted_csv(columns, rows).encode(encoding, "replace")
    else:
        content = plain_csv(rows, columns).decode("utf-8", "replace").encode(encoding, "replace")
    drop_and_check(shop, f"{name}.csv", content)


@pytest.mark.slow
@RELAXED
@given(table=tables())
def test_any_workbook_export(shop, table):
    name, columns, rows = table
    legal = [{k: "".join(c for c in v if c >= " " or c in "\t\n") for k, v in row.items()} for row in rows]
    drop_and_check(
        shop, f"{name}.xlsx", sheet(legal, ["".join(c for c in n if c >= " " or c == "\t") for n in columns])
    )


@pytest.mark.slow
@RELAXED
@given(data=st.binary(max_size=400), kind=st.sampled_from(["csv", "csv.gz", "xlsx", "parquet"]))
def test_any_bytes(shop, data, kind):
    drop_and_check(shop, f"x.{kind}", data or b" ")


@pytest.mark.slow
@RELAXED
@given(
    table=tables(),
    cuts=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=12)), min_size=1, max_size=6),
)
def test_any_damage_to_the_xml_of_a_workbook(shop, table, cuts):
    name, columns, rows = table
    legal = [{k: "".join(c for c in v if c >= " ") for k, v in row.items()} for row in rows]
    whole = sheet(legal, ["".join(c for c in n if c >= " ") for n in columns])
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as source, zipfile.ZipFile(buffer, "w") as target:
        for part in source.namelist():
            data = source.read(part)
            if "sheet1" in part:
                for where, length, patch in cuts:
                    at = int(where * len(data))
                    data = data[:at] + patch + data[at + length :]
            target.writestr(part, data)
    drop_and_check(shop, f"{name}.xlsx", buffer.getvalue())


@pytest.mark.slow
@RELAXED
@given(
    table=tables(),
    cuts=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=12)), min_size=1, max_size=6),
)
def test_any_damage_to_a_text_export(shop, table, cuts):
    name, columns, rows = table
    data = quoted_csv(columns, rows).encode("utf-8", "replace")
    for where, length, patch in cuts:
        at = int(where * len(data))
        data = data[:at] + patch + data[at + length :]
    drop_and_check(shop, f"{name}.csv", data or b" ")


@settings(max_examples=200, deadline=None)
@given(cells=st.lists(st.one_of(CELLS, st.sampled_from(load_layouts()["doudian_orders"].columns)), max_size=90))
def test_any_header(cells):
    found = recognise(cells, load_layouts().values())
    assert found.layout is None or not found.refusal
    assert "\n" not in found.refusal


@settings(max_examples=200, deadline=None)
@given(name=st.text(alphabet="0123456789_-~年月日.至 x", max_size=40))
@example("2026_06_16~2026_07_15")
def test_any_name(name):
    period = period_in_name(name)
    assert period is None or period[0] <= period[1]
