"""The simulator's word against the loader's: what is really held back, repeated and summed, is what the truth says."""

from datetime import datetime
from decimal import Decimal

import duckdb
import pytest

from pipelines.landing import load_landing
from pipelines.simulate import simulate
from pipelines.warehouse.schema import ensure_schema

TRUTH_COLUMNS = dict.fromkeys(
    ("feed", "path", "column", "kind", "outcome", "reason", "value"), "varchar"
) | {"line": "bigint"}  # fmt: skip


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A dirty shop of two, delivered as two monthly exports and two days, in a build database."""
    base = tmp_path_factory.mktemp("loads")
    report = simulate(base / "landing", days=40, users=2500, shops=2, seed=4, dirt=0.04, daily_tail=2)
    con = duckdb.connect()
    ensure_schema(con)
    (base / "state").mkdir()
    load_landing(
        con,
        landing=base / "landing",
        state=base / "state",
        default_shop="shop-1",
        time_zone="Asia/Shanghai",
        run_id="night",
        now=datetime(2025, 3, 1),
        progress=lambda line: None,
    )
    con.execute(f"""
        create temp table truth as
        select * from read_json('{report.truth}/spoiled.jsonl', format = 'newline_delimited', columns = {TRUTH_COLUMNS})
    """)
    return con, report


def test_quarantine_is_the_truth(loaded):
    con, _ = loaded
    truth = con.sql("""
        select feed, path, line, coalesce("column", '') as cell, reason from truth where outcome = 'quarantined'
    """).fetchall()
    held = con.sql("select feed, path, line, coalesce(column_name, ''), reason from control.quarantine").fetchall()
    assert len(truth) > 300
    assert sorted(held) == sorted(truth)


def test_books_are_the_truth(loaded):
    con, report = loaded
    audit = con.sql("""
        select feed, count(*), sum(rows_read), sum(rows_quarantined), sum(rows_duplicate), sum(values_nulled)
        from control.load_audit group by feed
    """).fetchall()
    expected = [
        (
            feed, book["files"], book["rows"], book["quarantined"], book["repeated_in_file"] + book["overtaken"],
            book["values_nulled"],
        )
        for feed, book in report.totals["feeds"].items()
    ]  # fmt: skip
    assert sorted(audit) == sorted(expected)
    assert con.sql("select distinct status from control.load_audit").fetchall() == [("loaded",)]


def test_money_is_the_truth(loaded):
    con, report = loaded
    found = con.sql("""
        select shop_id, count(*), sum(quantity), sum(paid_amount) from raw.raw_orders
        where paid_at is not null and paid_amount > 0 and is_gift is not true group by shop_id
    """).fetchall()
    shops = report.totals["shops"]
    assert sorted(found) == [
        (shop, shops[shop]["paid_lines"], shops[shop]["paid_units"], Decimal(shops[shop]["paid_amount"]))
        for shop in sorted(shops)
    ]
    for feed, book in report.totals["feeds"].items():
        assert con.sql(f"select count(*) from raw.raw_{feed}").fetchone() == (book["keys"],), feed
