"""What a cell means: SQL from the text of a cell to its typed value, or to the reason why it has none.

The expressions of a column come in steps, each a projection over the one before, so that no text is written twice.
A value in canonical form is settled in the first step; the later ones then work on NULL, which costs next to nothing.
No file, table or key is known here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipelines.landing.declarations import ColumnSpec

NULL_WORDS = ("", "-", "--", "/")
# TAB, LF, CR, space, no-break space, ideographic space, byte order mark.
BLANKS = "chr(9) || chr(10) || chr(13) || ' ' || chr(160) || chr(12288) || chr(65279)"
# 1.0 and 0.0: what a table tool writes where a column of ones and zeros has gaps.
TRUE_WORDS = ("true", "1", "1.0", "yes", "y", "t", "是")
FALSE_WORDS = ("false", "0", "0.0", "no", "n", "f", "否")
EARLIEST = "2010-01-01"
# No count, amount or duration of a shop has more digits before the point.
WHOLE_DIGITS = 12
TOO_BIG = 10**WHOLE_DIGITS

# Why a row is held back: what its cells lack, and what keeps it from having cells.
REASONS = (
    "a_range", "above_maximum", "before_2010", "below_minimum", "broken_quote", "column_count", "formula",
    "in_the_future", "line_too_long", "mangled_id", "missing_required", "not_a_boolean", "not_a_number", "not_a_time",
    "not_an_integer", "nul_character", "overflow", "several_ids", "time_only", "unclosed_quote", "unknown_value",
)  # fmt: skip

_FULL_WIDTH = "０１２３４５６７８９．，％－＋：／"
_HALF_WIDTH = "0123456789.,%-+:/"
# A spreadsheet's rendering of a number too long for it, or a whole number kept as a float beyond 2^53.
MANGLED_ID = r"[+-]?\d(\.\d+)?[eE]\+\d+|\d{16,}\.0"
SEVERAL_IDS = r"\d{6,}(\s*,\s*\d{6,})+,?"
# What a spreadsheet shows where it could not compute.
SHEET_ERRORS = ("#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NULL!", "#NUM!")
# `7.5w~10w`, `10%~15%`: estimates of a third party. Neither end nor the middle is what happened.
_RANGE = r"[+-]?[\d.,]+(万|w|W|亿|%)?[~～—-][\d.,]+(万|w|W|亿|%)?"
_PLAIN_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)"
_SCIENTIFIC = r"[+-]?\d+(\.\d+)?[eE][+-]?\d{1,3}"
_NUMBER_PARTS = r"^([+-]?(?:\d+\.?\d*|\.\d+))(万|w|W|亿|%)?$"
_GROUPED = r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?(万|w|W|亿|%)?"
_DECIMAL = r"\d{1,9}(?:\.\d+)?"
_CHINESE_DURATION = rf"^(?:({_DECIMAL})天)?(?:({_DECIMAL})(?:小时|时))?(?:({_DECIMAL})(?:分钟|分))?(?:({_DECIMAL})秒)?$"
_CLOCK_DURATION = r"^(?:(\d{1,4}):)?(\d{1,3}):(\d{2}(?:\.\d+)?)$"
_CANONICAL_TIME = r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}"
_TIME_PARTS = (
    r"^(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[ Tt]+(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,9}))?)?)?)?"
    r"\s*(Z|z|[+-]\d{2}(?::?\d{2})?)?$"
)
_COMPACT_TIME = (
    r"^(\d{4})(\d{2})(\d{2})"
    r"(?:[ Tt]?(\d{2}):?(\d{2})(?::?(\d{2})((?:[.,]\d{1,9})?\s*(?:Z|z|[+-]\d{2}(?::?\d{2})?)?))?)?$"
)
_TIME_ONLY = r"\d{1,2}:\d{1,2}(:\d{1,2}([.,]\d+)?)?:?\s*([AaPp][Mm])?"


@dataclass(frozen=True)
class Clock:
    """The run's wall clock in the business time zone, and that zone."""

    now: datetime
    time_zone: str

    @property
    def latest(self) -> datetime:
        """Later than this is in the future."""
        return self.now + timedelta(days=1)


def quoted(text: str) -> str:
    """SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def listed(values: Iterable[str]) -> str:
    """SQL list of string literals."""
    return ", ".join(quoted(value) for value in values)


def typing_query(source: str, columns: Iterable[ColumnSpec], clock: Clock) -> str:
    """A query over `source` (text columns named like `columns`, and `line`) that types every cell.

    One row a row of `source`: its columns unchanged, and for every column c `c_text` (cleaned text), `c_value` (stored
    type, a user id still as text), `c_error` (reason code or NULL), `c_nulled`, `c_rounded` (0 or 1).
    """
    plans = [_steps(column, clock) for column in columns]
    query = f"select * from {source}"
    for number in range(max(len(plan) for plan in plans)):
        step = [f"{sql} as {identifier(name)}" for plan in plans if number < len(plan) for name, sql in plan[number]]
        query = f"select *, {', '.join(step)} from ({query})"
    return query


Step = list[tuple[str, str]]


def _steps(column: ColumnSpec, clock: Clock) -> list[Step]:
    cell, name = identifier(column.name), column.name
    bare, text = f"{name}_bare", f"{name}_text"
    steps: list[Step] = [[(bare, f"trim({cell}, {BLANKS})")]]
    if column.type != "text":
        # A spreadsheet's mark for "this is text".
        steps.append(
            [(bare, f"case when starts_with({bare}, '''') then trim(substr({bare}, 2), {BLANKS}) else {bare} end")]
        )
        bare_now = f"{name}_bare_"
        steps[-1] = [(bare_now, steps[-1][0][1])]
    else:
        bare_now = bare
    steps.append([(text, f"case when {bare_now} in ({listed(NULL_WORDS)}) then null else {bare_now} end")])
    match column.type:
        case "id" | "text":
            return [*steps, *_text(text, column)]
        case "enum":
            return [*steps, *_enum(text, column)]
        case "bool":
            return [*steps, *_bool(text, column)]
        case "ts" | "date":
            return [*steps, *_time(text, column, clock)]
        case _:
            return [*steps, *_number(text, column)]


def _outcome(column: ColumnSpec, text: str, reasons: Iterable[str], nulled: str = "0", rounded: str = "0") -> Step:
    missing = [f"when {text} is null then {quoted('missing_required') if column.required else 'null'}"]
    # A NUL is no character of any text format: the row was damaged on its way.
    damaged = [f"when contains({text}, chr(0)) then 'nul_character'"]
    return [
        (f"{column.name}_error", f"case {' '.join([*missing, *damaged, *reasons])} end"),
        (f"{column.name}_nulled", nulled),
        (f"{column.name}_rounded", rounded),
    ]


def _text(text: str, column: ColumnSpec) -> list[Step]:
    reasons = []
    if column.type == "id":
        reasons.append(
            f"when (contains({text}, '+') or contains({text}, '.0')) "
            f"and regexp_full_match({text}, {quoted(MANGLED_ID)}) then 'mangled_id'"
        )
        # Parcels of several orders name them all in one cell.
        reasons.append(
            f"when contains({text}, ',') and regexp_full_match({text}, {quoted(SEVERAL_IDS)}) then 'several_ids'"
        )
        # No id is written so; a spreadsheet that opens it later would compute it.
        errors = f"starts_with({text}, '#') and {text} in ({listed(SHEET_ERRORS)})"
        reasons.append(f"when starts_with({text}, '=') or ({errors}) then 'formula'")
    return [[(f"{column.name}_value", text)], _outcome(column, text, reasons)]


def _enum(text: str, column: ColumnSpec) -> list[Step]:
    value = f"{column.name}_value"
    strange = f"{text} is not null and {value} is null"
    steps: list[Step] = [[(value, f"case when lower({text}) in ({listed(column.values)}) then lower({text}) end")]]
    if column.required or column.strict:
        return [*steps, _outcome(column, text, [f"when {strange} then 'unknown_value'"])]
    return [*steps, _outcome(column, text, [], nulled=f"case when {strange} then 1 else 0 end")]


def _bool(text: str, column: ColumnSpec) -> list[Step]:
    value = f"{column.name}_value"
    sql = (
        f"case when lower({text}) in ({listed(TRUE_WORDS)}) then true "
        f"when lower({text}) in ({listed(FALSE_WORDS)}) then false end"
    )
    return [[(value, sql)], _outcome(column, text, [f"when {value} is null then 'not_a_boolean'"])]


def _half_width(text: str) -> str:
    return f"translate({text}, {quoted(_FULL_WIDTH)}, {quoted(_HALF_WIDTH)})"


def _number(text: str, column: ColumnSpec) -> list[Step]:
    n = column.name
    direct, rest, norm, parts = f"{n}_direct", f"{n}_rest", f"{n}_norm", f"{n}_parts"
    exact, value = f"{n}_exact", f"{n}_value"
    if column.type == "int":
        canonical, kind = r"[+-]?\d{1,18}", "bigint"
    else:
        whole_digits, scale = {"money": (16, 2), "number": (15, 3), "rate": (16, 12)}[column.type]
        canonical, kind = rf"[+-]?\d{{1,{whole_digits}}}(\.\d{{0,{scale}}})?", column.sql_type
    # A few places more than the type has are kept, the rest is cut: rounding twice could turn 1.0049999999 into 1.01.
    places = 15 if column.type == "rate" else 9
    cut = f"regexp_replace({rest}, '(\\.\\d{{{places}}})\\d+', '\\1')"
    norm_sql = f"regexp_replace(replace({_half_width(rest)}, ' ', ''), '^([+-]?)[¥￥]|元$', '\\1', 'g')"
    body, unit = f"{parts}.body", f"{parts}.unit"
    scaled = [
        f"when {unit} = '' then try_cast({body} as decimal(38,{places}))",
        f"when {unit} in ('万', 'w', 'W') then try_cast({body} as decimal(28,{places})) * 10000::decimal(5,0)",
        f"when {unit} = '亿' then try_cast({body} as decimal(28,{places})) * 100000000::decimal(9,0)",
    ]
    if column.type == "rate":
        scaled.append(f"when {unit} = '%' then try_cast({body} as decimal(33,{places})) * 0.01::decimal(3,2)")
    ungrouped = f"case when regexp_full_match({norm}, {quoted(_GROUPED)}) then replace({norm}, ',', '') else {norm} end"
    is_scientific = f"regexp_full_match({norm}, {quoted(_SCIENTIFIC)})"
    steps: list[Step] = [
        [(direct, f"case when regexp_full_match({text}, {quoted(canonical)}) then try_cast({text} as {kind}) end")],
        # DECIMAL(38) is dear; from here on there is work for unusual texts only.
        [(rest, f"case when {direct} is null then {text} end")],
        [(norm, f"case when regexp_full_match({rest}, {quoted(_PLAIN_NUMBER)}) then {cut} else {norm_sql} end")],
        [
            (parts, f"regexp_extract({ungrouped}, {quoted(_NUMBER_PARTS)}, ['body', 'unit'])"),
            # 1.5E+03, as spreadsheets and the text of a float write big and small numbers.
            (f"{n}_scientific", f"case when {is_scientific} then try_cast({norm} as decimal(38,{places})) end"),
            (f"{n}_seconds", _seconds(norm) if column.duration else f"null::decimal(38,{places})"),
        ],
        [
            (
                exact,
                f"coalesce(case when {rest} is not null and {body} <> '' "
                f"then try_cast(case {' '.join(scaled)} end as decimal(38,{places})) end, {n}_scientific, {n}_seconds)",
            ),
        ],
    ]
    rounded = "0"
    reasons = []
    if column.type == "int":
        whole = f"case when {exact} = trunc({exact}) then try_cast({exact} as bigint) end"
        steps.append([(value, f"coalesce({direct}, {whole})")])
        reasons.append(f"when {exact} <> trunc({exact}) then 'not_an_integer'")
    else:
        steps.append([(value, f"coalesce({direct}, try_cast({exact} as {kind}))")])
        if column.type == "money":
            lost = f"regexp_matches({rest}, '\\.\\d{{9}}\\d*[1-9]')"
            rounded = f"case when {exact} is not null and ({value} <> {exact} or {lost}) then 1 else 0 end"
    too_big = f"{exact} is not null or ({body} <> '' and {unit} <> '%') or {is_scientific}"
    is_range = f"regexp_full_match({norm}, {quoted(_RANGE)})"
    reasons.append(
        f"when {value} is null then case when {too_big} then 'overflow' when {is_range} then 'a_range' "
        "else 'not_a_number' end"
    )
    if column.type != "rate":
        # Not a figure of a shop but an id or a time stamp in the wrong column; a few thousand of them overflow any sum.
        reasons.append(f"when {value} <= -{TOO_BIG} or {value} >= {TOO_BIG} then 'overflow'")
    # A bound holds for what was delivered, not for what rounding makes of it.
    for bound, sign, reason in ((column.min, "<", "below_minimum"), (column.max, ">", "above_maximum")):
        if bound is not None:
            reasons.append(f"when {direct} {sign} {bound} or {exact} {sign} {bound} then '{reason}'")
    return [*steps, _outcome(column, text, reasons, rounded=rounded)]


def _seconds(norm: str) -> str:
    """Seconds of `1天2小时3分4秒` or `01:02:03`, DECIMAL, NULL where the text is neither."""

    def total(pattern: str, factors: tuple[int, ...]) -> str:
        terms = []
        for group, factor in enumerate(factors, 1):
            found = f"try_cast(nullif(regexp_extract({norm}, {quoted(pattern)}, {group}), '') as decimal(20,9))"
            terms.append(f"coalesce({found}, 0) * {factor}")
        return f"cast({' + '.join(terms)} as decimal(38,9))"

    return (
        f"case when {norm} <> '' and regexp_matches({norm}, {quoted(_CHINESE_DURATION)}) "
        f"then {total(_CHINESE_DURATION, (86_400, 3600, 60, 1))} "
        f"when regexp_matches({norm}, {quoted(_CLOCK_DURATION)}) then {total(_CLOCK_DURATION, (3600, 60, 1))} end"
    )


def _time(text: str, column: ColumnSpec, clock: Clock) -> list[Step]:
    n = column.name
    direct, norm, parts, local, value = f"{n}_direct", f"{n}_norm", f"{n}_parts", f"{n}_local", f"{n}_value"
    # 2026年6月1日 08时30分15秒 and 2026/6/1 become 2026-6-1 08:30:15, 20260601083015 becomes 2026-06-01 08:30:15.
    written = _half_width(text)
    for old, new in (("年", "-"), ("月", "-"), ("日", " "), ("号", " "), ("/", "-")):
        written = f"replace({written}, '{old}', '{new}')"
    for old, new in (("时", ":"), ("点", ":"), ("分", ":"), ("秒", "")):
        written = f"replace({written}, '{old}', '{new}')"
    written = f"rtrim(trim({written}), ':')"
    expanded = f"rtrim(regexp_replace({norm}, {quoted(_COMPACT_TIME)}, '\\1-\\2-\\3 \\4:\\5:\\6\\7'), ': ')"

    def part(name: str, width: int, default: str) -> str:
        return f"lpad(coalesce(nullif({parts}.{name}, ''), '{default}'), {width}, '0')"

    assembled = (
        f"{part('year', 4, '')} || '-' || {part('month', 2, '')} || '-' || {part('day', 2, '')} || ' ' || "
        f"{part('hour', 2, '00')} || ':' || {part('minute', 2, '00')} || ':' || {part('second', 2, '00')} || '.' || "
        f"rpad(left({parts}.fraction, 6), 6, '0')"
    )
    sign = f"case when starts_with({parts}.shift, '-') then -1 else 1 end"
    digits = f"replace(substr({parts}.shift, 2), ':', '')"
    minutes = (
        f"case when {parts}.shift in ('Z', 'z') then 0 when {parts}.shift <> '' then {sign} * "
        f"(cast(left({digits}, 2) as integer) * 60 "
        f"+ coalesce(try_cast(nullif(substr({digits}, 3), '') as integer), 0)) end"
    )
    names = "['year', 'month', 'day', 'hour', 'minute', 'second', 'fraction', 'shift']"
    in_zone = f"timezone({quoted(clock.time_zone)}, timezone('UTC', {local} - to_minutes(cast({n}_shift as bigint))))"
    # Offsets beyond 14 hours do not exist.
    rich = f"case when {n}_shift is null then {local} when {n}_shift between -840 and 840 then {in_zone} end"
    if column.end_of_day:
        rich = f"case when {parts}.hour = '' then {local} + interval 86399 second else {rich} end"
    stamp = f"coalesce({direct}, {rich})"
    steps: list[Step] = [
        [
            (
                direct,
                f"case when regexp_full_match({text}, {quoted(_CANONICAL_TIME)}) "
                f"then try_cast({text} as timestamp) end",
            ),
        ],
        [(norm, f"case when {direct} is null then {written} end")],
        [
            (
                parts,
                f"regexp_extract(case when regexp_matches({norm}, {quoted(_COMPACT_TIME)}) then {expanded} "
                f"else {norm} end, {quoted(_TIME_PARTS)}, {names})",
            ),
        ],
        [
            (local, f"case when {parts}.year <> '' then try_cast({assembled} as timestamp) end"),
            (f"{n}_shift", f"case when {norm} is not null then {minutes} end"),
        ],
        [(f"{n}_stamp", stamp)],
        [(value, f"{n}_stamp::date" if column.type == "date" else f"{n}_stamp")],
    ]
    reasons = [
        f"when {n}_stamp is null then case when regexp_full_match({norm}, {quoted(_TIME_ONLY)}) then 'time_only' "
        "else 'not_a_time' end",
        f"when {n}_stamp < timestamp '{EARLIEST}' then 'before_2010'",
    ]
    if not column.planned:
        reasons.append(f"when {n}_stamp > timestamp '{clock.latest:%Y-%m-%d %H:%M:%S.%f}' then 'in_the_future'")
    return [*steps, _outcome(column, text, reasons)]
