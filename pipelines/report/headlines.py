"""The few figures everybody asks for first, read from a published file: shop by shop, on its newest day."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import duckdb

Value = int | float | Decimal | None


@dataclass(frozen=True)
class Question:
    """One figure: `sql` answers (shop_id, value) for every shop; `form` is a format specification."""

    mart: str
    label_zh: str
    label_en: str
    form: str
    sql: str


@dataclass(frozen=True)
class Figure:
    """One answer. `value` None means that the data cannot tell."""

    shop_id: str
    question: Question
    value: Value

    def told(self, language: str) -> tuple[str, str, str]:
        """(shop, label, value) for a reader of `zh` or `en`."""
        label = self.question.label_zh if language == "zh" else self.question.label_en
        return self.shop_id, label, "—" if self.value is None else format(self.value, self.question.form)


def _newest(column: str, mart: str, condition: str = "true", day: str = "business_date") -> str:
    return f"select shop_id, max_by({column}, {day}) from marts.{mart} where {condition} group by shop_id"


QUESTIONS = (
    Question(
        "shop_daily", "支付金额（元）", "Paid amount of the day, yuan", ",.2f", _newest("paid_amount", "shop_daily")
    ),
    Question("shop_daily", "成交人数", "Buyers of the day", ",d", _newest("buyers", "shop_daily")),
    Question(
        "audience_5a_daily",
        "5A 人群资产",
        "5A audience assets (A1 to A5), users",
        ",d",
        "select shop_id, max_by(asset, business_date) from ("
        "select shop_id, business_date, cast(sum(users) as bigint) as asset from marts.audience_5a_daily "
        "where layer between 1 and 5 group by shop_id, business_date) group by shop_id",
    ),
    Question(
        "operating_score",
        "经营能力分（月）",
        "Operating score of the last full month, 0–100",
        ".1f",
        _newest("score_100", "operating_score", "grain = 'month'", "period_start"),
    ),
    Question(
        "quadrant_summary_daily",
        "主力款销售额占比",
        "Share of sales from core products, 30 days",
        ".1%",
        _newest("amount_share", "quadrant_summary_daily", "scope = 'all' and quadrant = 'core'"),
    ),
    Question(
        "repurchase_daily",
        "30 天复购率",
        "Repurchase rate, 30 days",
        ".1%",
        _newest("repurchase_rate_30d", "repurchase_daily"),
    ),
    Question(
        "repurchase_daily",
        "365 天复购率",
        "Repurchase rate, 365 days",
        ".1%",
        _newest("repurchase_rate_365d", "repurchase_daily"),
    ),
)


def headlines(con: duckdb.DuckDBPyConnection) -> list[Figure]:
    """Every figure of every shop, in the order of `QUESTIONS`; a mart that is not published is passed over."""
    published = {
        name for (name,) in con.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
    }
    asked = [question for question in QUESTIONS if question.mart in published]
    answers = {question: dict(con.execute(question.sql).fetchall()) for question in asked}
    shops = sorted({shop for answer in answers.values() for shop in answer})
    return [Figure(shop, question, answers[question].get(shop)) for shop in shops for question in asked]
