"""What cells mean, case by case, derived by hand from the contract's rules for every feed."""

import inspect
import re
from datetime import date, datetime
from decimal import Decimal

import duckdb
import pytest

from pipelines.landing import applying, grammar, reading
from pipelines.landing.declarations import ColumnSpec
from pipelines.landing.grammar import REASONS, Clock, typing_query
from pipelines.report.labels import words

CLOCK = Clock(datetime(2026, 6, 30, 12), "Asia/Shanghai")


def read(cell, kind, **rules):
    """(value, reason, values nulled, values rounded) of one cell."""
    column = ColumnSpec(name="x", type=kind, label_zh="x", description="x", **rules)
    con = duckdb.connect()
    con.execute("create table cells (line bigint, x varchar)")
    con.execute("insert into cells values (1, ?)", [cell])
    return con.execute(
        f"select x_value, x_error, x_nulled, x_rounded from ({typing_query('cells', [column], CLOCK)})"
    ).fetchone()


@pytest.mark.parametrize("kind", ["id", "text", "ts", "date", "int", "money", "number", "rate", "bool"])
@pytest.mark.parametrize("cell", ["", "-", "--", "/", "  ", "\t-\t", None])
def test_null_words(kind, cell):
    assert read(cell, kind) == (None, None, 0, 0)
    assert read(cell, kind, required=True)[:2] == (None, "missing_required")


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("6917930000000000001", "6917930000000000001"),
        ("\t6917930000000000001", "6917930000000000001"),
        ("6917930000000000001\t", "6917930000000000001"),
        ("'6917930000000000001", "6917930000000000001"),
        ("  AbC  ", "AbC"),
        ("\u3000x\u00a0", "x"),
        ("12E5", "12E5"),
        ("0001", "0001"),
        ("10.0", "10.0"),
    ],
)
def test_ids_keep_every_character_but_the_wrapping(cell, value):
    assert read(cell, "id")[:2] == (value, None)


@pytest.mark.parametrize("cell", ["=1+1", "#REF!", "#N/A", "\t#NAME?"])
def test_no_id_is_what_a_spreadsheet_computes(cell):
    assert read(cell, "id")[1] == "formula"
    assert read("#1 礼盒", "id")[:2] == ("#1 礼盒", None)


@pytest.mark.parametrize("cell", ["6.91793E+18", "6.91793e+18", "7E+18", "6917930000000000000.0"])
def test_mangled_ids(cell):
    assert read(cell, "id")[1] == "mangled_id"


@pytest.mark.parametrize(
    ("cell", "value", "rounded"),
    [
        ("28.90", "28.90", 0),
        ("1,299.00", "1299.00", 0),
        ("¥28.90", "28.90", 0),
        ("￥28.90", "28.90", 0),
        ("¥1,299.00", "1299.00", 0),
        ("7.5万", "75000.00", 0),
        ("7.5w", "75000.00", 0),
        ("1.2亿", "120000000.00", 0),
        ("9.9元", "9.90", 0),
        (" 12 ", "12.00", 0),
        ("９９．５", "99.50", 0),
        (".5", "0.50", 0),
        ("5.", "5.00", 0),
        ("+3", "3.00", 0),
        ("1.5E+3", "1500.00", 0),
        ("1.004", "1.00", 1),
        ("1.005", "1.01", 1),
        ("2.675", "2.68", 1),
        ("1.0049999999999", "1.00", 1),
        ("1.000", "1.00", 0),
        ("999999999999.99", "999999999999.99", 0),
        ("0", "0.00", 0),
    ],
)
def test_money(cell, value, rounded):
    assert read(cell, "money", min=0) == (Decimal(value), None, 0, rounded)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("-0.01", "below_minimum"),
        ("-¥5", "below_minimum"),
        ("1000000000000", "overflow"),
        ("9999999999999999.99", "overflow"),
        ("10000000000000000.00", "overflow"),
        ("123456789012345678901234567890123456789012", "overflow"),
        ("32.00%", "not_a_number"),
        ("1,29", "not_a_number"),
        ("12,34,567", "not_a_number"),
        ("abc", "not_a_number"),
        ("=1+1", "not_a_number"),
        ("7.5w~10w", "a_range"),
        ("1万-2.5万", "a_range"),
        ("1,000 ～ 2,000", "a_range"),
        ("10%~15%", "a_range"),
        ("2026-06-01", "not_a_number"),
        ("7.5w~", "not_a_number"),
        ("nan", "not_a_number"),
        ("inf", "not_a_number"),
        ("1_000", "not_a_number"),
    ],
)
def test_no_money(cell, reason):
    assert read(cell, "money", min=0)[1] == reason


@pytest.mark.parametrize(
    ("cell", "value", "reason"),
    [
        ("12", 12, None),
        ("12.0", 12, None),
        ("１２", 12, None),
        ("1,200", 1200, None),
        ("6万", 60000, None),
        ("999999999999", 10**12 - 1, None),
        ("1,000,000,000,000", 10**12, "overflow"),
        ("1768000000000", 1768000000000, "overflow"),
        ("9223372036854775807", 2**63 - 1, "overflow"),
        ("9223372036854775808", None, "overflow"),
        ("12.7", None, "not_an_integer"),
        ("1分30秒", None, "not_a_number"),
        ("0", 0, "below_minimum"),
    ],
)
def test_whole_numbers(cell, value, reason):
    assert read(cell, "int", min=1)[:2] == (value, reason)


# As a program writes 1/24: a rate keeps twelve places (R98 rounds no share).
SHARES_OF_FLOATS = [("0.041666666666666664", "0.041666666667"), ("4.1666666666666664%", "0.041666666667")]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("32.00%", "0.32"),
        ("0.32", "0.32"),
        ("132%", "1.32"),
        ("32.00％", "0.32"),
        ("1e-5", "0.00001"),
        *SHARES_OF_FLOATS,
    ],
)
def test_rates(cell, value):
    assert read(cell, "rate")[:2] == (Decimal(value), None)


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [("1分30秒", "90"), ("90", "90"), ("1小时2分3秒", "3723"), ("30秒", "30"), ("01:30", "90"), ("00:01:30.5", "90.5")],
)
def test_durations(cell, seconds):
    assert read(cell, "number", duration=True)[:2] == (Decimal(seconds), None)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("2026-06-01 10:00:00", "2026-06-01 10:00:00"),
        ("2026-06-01T10:00:00", "2026-06-01 10:00:00"),
        ("2026-06-01T10:00:00Z", "2026-06-01 18:00:00"),
        ("2026-06-01T10:00:00+08:00", "2026-06-01 10:00:00"),
        ("2026-06-01 10:00:00+0000", "2026-06-01 18:00:00"),
        ("2026-06-01 22:30:00-05", "2026-06-02 11:30:00"),
        ("2026-06-01 10:00:00.25", "2026-06-01 10:00:00.250000"),
        ("2026/06/01 10:00", "2026-06-01 10:00:00"),
        ("2026/06/01 10:00:07", "2026-06-01 10:00:07"),
        ("2026/6/1 1:02", "2026-06-01 01:02:00"),
        ("2026-06-01 10", "2026-06-01 10:00:00"),
        ("20260601", "2026-06-01 00:00:00"),
        ("20260601T100000Z", "2026-06-01 18:00:00"),
        ("20260601T100000.25+0800", "2026-06-01 10:00:00.250000"),
        ("20260601 223000-05", "2026-06-02 11:30:00"),
        ("2026-06-01", "2026-06-01 00:00:00"),
        ("2026年06月01日 03:04:05", "2026-06-01 03:04:05"),
        ("2026年6月1日", "2026-06-01 00:00:00"),
        ("2026年6月1日3时4分5秒", "2026-06-01 03:04:05"),
        ("\t2026-06-01 10:00:00\t", "2026-06-01 10:00:00"),
        ("2010-01-01 00:00:00", "2010-01-01 00:00:00"),
        ("2026-07-01 12:00:00", "2026-07-01 12:00:00"),
    ],
)
def test_moments(cell, value):
    assert read(cell, "ts")[:2] == (datetime.fromisoformat(value), None)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("10:00:00", "time_only"),
        ("10:00", "time_only"),
        ("2026-02-30", "not_a_time"),
        ("2026-13-01 00:00:00", "not_a_time"),
        ("2026-06-01 25:00:00", "not_a_time"),
        ("2026-06", "not_a_time"),
        ("45678", "not_a_time"),
        ("06/01/2026", "not_a_time"),
        ("yesterday", "not_a_time"),
        ("0000-00-00 00:00:00", "not_a_time"),
        ("2009-12-31 23:59:59", "before_2010"),
        ("1970-01-01", "before_2010"),
        ("2026-07-01 12:00:01", "in_the_future"),
    ],
)
def test_no_moments(cell, reason):
    assert read(cell, "ts")[1] == reason


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("2026-06-01", "2026-06-01 23:59:59"),
        ("20260601", "2026-06-01 23:59:59"),
        ("2026/06/01", "2026-06-01 23:59:59"),
        ("2026年6月1日", "2026-06-01 23:59:59"),
        ("2026-06-01 00:00", "2026-06-01 00:00:00"),
        ("2026-06-01 08:00:00", "2026-06-01 08:00:00"),
    ],
)
def test_a_deadline_given_as_a_date_is_the_end_of_that_day(cell, value):
    assert read(cell, "ts", end_of_day=True)[:2] == (datetime.fromisoformat(value), None)


def test_a_promise_may_lie_in_the_future():
    assert read("2026-09-01", "ts", planned=True)[:2] == (datetime(2026, 9, 1), None)


def test_the_day_of_a_moment_with_an_offset_is_the_business_day():
    assert read("2026-06-01T20:00:00Z", "date")[:2] == (date(2026, 6, 2), None)


def test_enums():
    values = ("paid", "closed")
    assert read("paid", "enum", values=values) == ("paid", None, 0, 0)
    assert read("refunding", "enum", values=values) == (None, None, 1, 0)
    assert read("refunding", "enum", values=values, required=True)[1] == "unknown_value"
    assert read("refunding", "enum", values=values, strict=True)[1] == "unknown_value"
    assert read("", "enum", values=values, strict=True) == (None, None, 0, 0)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("true", True),
        ("FALSE", False),
        ("1", True),
        ("0", False),
        ("1.0", True),
        ("0.0", False),
        ("是", True),
        ("否", False),
    ],
)
def test_booleans(cell, value):
    assert read(cell, "bool")[:2] == (value, None)


def test_no_boolean():
    assert read("maybe", "bool")[1] == "not_a_boolean"


def test_a_nul_character_spoils_the_cell():
    assert read("a\0b", "text")[1] == "nul_character"


def test_every_reason_is_listed_and_has_a_word():
    given = re.findall(
        r"(?:then|else) '([a-z0-9]+(?:_[a-z0-9]+)*)'", inspect.getsource(grammar) + inspect.getsource(applying)
    )
    given += re.findall(r'"((?:unclosed|broken)_quote|column_count|line_too_long)"', inspect.getsource(reading))
    assert len(set(given)) > 15
    assert (
        set(given) - {"null"}
        <= set(REASONS)
        == set(words("zh")["terms"]["reason"])
        == set(words("en")["terms"]["reason"])
    )
