"""Thirteen months of a real shop through one real night: every control total of the data's README, to the cent.

The expected numbers are those of that README, counted there from the source and not from this program. The data is not
part of the repository: QUANYU_SHARED names its folder, or it lies beside the repository.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LAST_DAY = "2011-12-09"

# month: order rows, orders, users, products, units, paid, refunds made, refunded, refunds by pay month, refunded by it
MONTHS = """
2010-12 41683 1629  885 2805 362316  823746.14  299   8178.48 581  15099.78
2011-01 34350 1120  741 2581 397716  691364.56  486  87843.06 512 108974.65
2011-02 27184 1126  758 2407 286695  523631.89  321   7383.62 456   6593.61
2011-03 35915 1531  974 2513 384950  717639.36  539   9156.73 631  11716.27
2011-04 29171 1318  856 2465 312176  537808.62  500  37046.07 470  14447.33
2011-05 36292 1731 1056 2464 399425  770536.02  536  11763.81 662  16230.23
2011-06 36056 1576  991 2632 394337  761739.90  597  12223.84 638  13847.31
2011-07 38716 1540  949 2680 407539  719221.19  583  11020.57 603  12677.87
2011-08 34563 1406  935 2596 425013  748076.32  596  22800.24 538  23098.28
2011-09 49323 1896 1266 2741 575416 1058590.17  690  17749.83 775  14678.41
2011-10 59396 2129 1364 2870 628745 1154979.30 1027  44387.60 895  42179.28
2011-11 83498 2884 1665 2946 771598 1509496.33  966  24209.61 663  18263.24
2011-12 25135  839  615 2476 315052  638792.68  331 173677.36  47 169634.56
"""
PAID = Decimal("10655622.48")
REFUNDED = Decimal("467440.82")
NET = Decimal("10188181.66")
# 42 lines were refunded for more than was paid; refunds count up to the payment, the rest is shown apart (R10).
EXCESS = Decimal("7164.34")
CALENDAR_DAYS = 31 + (365 - 31) + 9
TRADING_DAYS = 305


def data_folder() -> Path | None:
    named = os.environ.get("QUANYU_SHARED")
    shared = Path(named) if named else REPOSITORY.parent / "shared"
    found = [shared / "data" / "uci_online_retail", shared / "uci_online_retail", shared]
    return next((folder for folder in found if (folder / "orders").is_dir() and (folder / "refunds").is_dir()), None)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = data_folder()
    if source is None:
        pytest.skip("the UCI Online Retail feeds are not there; set QUANYU_SHARED to the folder that holds data/")
    home = tmp_path_factory.mktemp("uci")
    for feed in ("orders", "refunds", "products"):
        shutil.copytree(source / feed, home / "landing" / feed)
    night = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "nightly", "--on", LAST_DAY, "--home", str(home)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert night.returncode == 0, night.stdout + night.stderr
    return home


@pytest.fixture(scope="module")
def build(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    con = duckdb.connect(str(home / "state" / "build.duckdb"), read_only=True)
    yield con
    con.close()


@pytest.fixture(scope="module")
def published(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    con = duckdb.connect(str(home / "published" / "current.duckdb"), read_only=True)
    yield con
    con.close()


def test_every_row_is_loaded_and_the_books_balance(published: duckdb.DuckDBPyConnection) -> None:
    books = published.execute(
        "select feed, count(*), sum(rows_read), sum(rows_loaded), "
        "sum(rows_read - rows_loaded - rows_duplicate - rows_quarantined - rows_set_aside), sum(rows_quarantined) "
        "from operations.load_audit where status = 'loaded' group by feed order by feed"
    ).fetchall()
    assert books == [
        ("orders", 13, 531282, 531282, 0, 0),
        ("products", 1, 4070, 4070, 0, 0),
        ("refunds", 1, 7471, 7471, 0, 0),
    ]
    assert published.execute("select count(*) from operations.load_audit where status <> 'loaded'").fetchone() == (0,)
    assert published.execute("select count(*) from operations.quarantine").fetchone() == (0,)


def test_the_orders_of_the_whole_set(build: duckdb.DuckDBPyConnection) -> None:
    assert build.execute(
        "select count(*), count(distinct order_id), count(distinct user_key), count(distinct product_id), "
        "sum(quantity), sum(paid_amount) from raw.raw_orders"
    ).fetchone() == (531282, 20725, 4339, 3940, 5660978, PAID)
    assert build.execute("select count(*), sum(paid_amount) from raw.raw_orders where user_key is null").fetchone() == (
        133358,
        Decimal("1744214.58"),
    )
    assert build.execute("select count(*) from raw.raw_orders where paid_amount = 0").fetchone() == (1183,)


def test_the_refunds_of_the_whole_set(build: duckdb.DuckDBPyConnection) -> None:
    assert build.execute(
        "select count(*), count(distinct r.order_line_id), count(distinct o.user_key), sum(r.refund_quantity), "
        "sum(r.refund_amount) from raw.raw_refunds as r inner join raw.raw_orders as o using (shop_id, order_line_id)"
    ).fetchone() == (7471, 7222, 1444, 249575, REFUNDED)
    assert build.execute(
        "select count(*) from (select order_line_id, sum(refund_quantity) as n from raw.raw_refunds group by 1) as r "
        "inner join raw.raw_orders as o using (order_line_id) where r.n = o.quantity"
    ).fetchone() == (2657,)


def test_the_products_keep_the_case_of_their_codes(build: duckdb.DuckDBPyConnection) -> None:
    assert build.execute(
        "select count(*), count(distinct product_id), count(title), count(list_price) from raw.raw_products"
    ).fetchone() == (4070, 4070, 3938, 3921)
    assert build.execute(
        "select count(*) from raw.raw_products as p semi join raw.raw_orders as o on p.product_id = o.product_id"
    ).fetchone() == (3940,)


@pytest.mark.parametrize("line", MONTHS.split("\n")[1:-1], ids=lambda line: line[:7])
def test_every_month_to_the_cent(
    build: duckdb.DuckDBPyConnection, published: duckdb.DuckDBPyConnection, line: str
) -> None:
    month, *counts = line.split()
    rows, orders, users, products, units = map(int, counts[:5])
    paid, refunds, refunded = Decimal(counts[5]), int(counts[6]), Decimal(counts[7])
    refunds_of_lines, refunded_of_lines = int(counts[8]), Decimal(counts[9])
    first = f"{month}-01"

    def in_month(column: str) -> str:
        return f"date_trunc('month', {column}) = date '{first}'"

    assert build.execute(
        "select count(*), count(distinct order_id), count(distinct user_key), count(distinct product_id), "
        f"sum(quantity), sum(paid_amount) from raw.raw_orders where {in_month('paid_at')}"
    ).fetchone() == (rows, orders, users, products, units, paid)
    assert build.execute(
        f"select count(*), sum(refund_amount) from raw.raw_refunds where {in_month('refunded_at')}"
    ).fetchone() == (refunds, refunded)
    assert build.execute(
        "select count(*), sum(r.refund_amount) from raw.raw_refunds as r "
        f"inner join raw.raw_orders as o using (shop_id, order_line_id) where {in_month('o.paid_at')}"
    ).fetchone() == (refunds_of_lines, refunded_of_lines)
    assert published.execute(
        "select sum(paid_amount), sum(refund_by_refund_date + excess_refund_amount) from marts.shop_daily "
        f"where {in_month('business_date')}"
    ).fetchone() == (paid, refunded)


def test_the_shop_day_adds_up_to_the_whole_set(published: duckdb.DuckDBPyConnection) -> None:
    """Net of the README takes every refund in full; ours counts up to a line's payment and shows the rest."""
    paid, by_pay_date, by_refund_date, excess, net = published.execute(
        "select sum(paid_amount), sum(refund_by_pay_date), sum(refund_by_refund_date), sum(excess_refund_amount), "
        "sum(net_amount) from marts.shop_daily"
    ).fetchone()
    assert (paid, by_refund_date, excess) == (PAID, REFUNDED - EXCESS, EXCESS)
    assert by_pay_date == by_refund_date
    assert net - excess == NET


def test_every_calendar_day_is_there(published: duckdb.DuckDBPyConnection) -> None:
    assert published.execute(
        "select count(*), min(business_date)::varchar, max(business_date)::varchar, count(*) filter (where orders > 0) "
        "from marts.shop_daily"
    ).fetchone() == (CALENDAR_DAYS, "2010-12-01", LAST_DAY, TRADING_DAYS)


def test_buyers_of_all_days_are_the_occasions(published: duckdb.DuckDBPyConnection) -> None:
    """Distinct known users with a paid line on a day, added over the days: distinct (user, pay date)."""
    assert published.execute("select sum(buyers) from marts.shop_daily").fetchone() == (16763,)


def test_what_the_data_cannot_give_is_missing_and_not_zero(published: duckdb.DuckDBPyConnection) -> None:
    assert published.execute(
        "select distinct data_status, impressions, views, viewers, product_impression_users, product_click_users, "
        "traffic_basis, roi from marts.shop_daily"
    ).fetchall() == [("missing_source", None, None, None, None, None, None, None)]
    assert published.execute(
        "select distinct indicator, data_status, numerator, value, points from marts.operating_score_indicators "
        "where indicator in ('total_impressions', 'product_click_rate', 'click_purchase_rate') order by indicator"
    ).fetchall() == [
        ("click_purchase_rate", "missing_source", None, None, None),
        ("product_click_rate", "missing_source", None, None, None),
        ("total_impressions", "missing_source", None, None, None),
    ]


def test_what_the_data_gives_is_there(published: duckdb.DuckDBPyConnection) -> None:
    assert published.execute(
        f"select data_status from marts.repurchase_daily where business_date = date '{LAST_DAY}'"
    ).fetchone() == ("ok",)
    assert published.execute(
        "select cast(i.numerator as decimal(18, 2)) = s.paid_amount, i.value > 0 "
        "from marts.operating_score_indicators as i "
        "inner join marts.shop_daily as s on i.shop_id = s.shop_id and i.period_start = s.business_date "
        f"where i.indicator = 'price_per_unit' and i.grain = 'day' and s.business_date = date '{LAST_DAY}'"
    ).fetchone() == (True, True)
    assert published.execute(
        f"select count(*) from marts.audience_5a_daily where business_date = date '{LAST_DAY}' and data_status = 'ok'"
    ).fetchone() == (6,)
    # Nothing was sold live, so the paper's scope has products and no sales; the whole shop is classed.
    assert published.execute(
        "select distinct quadrant from marts.product_quadrant "
        f"where scope = 'live' and business_date = date '{LAST_DAY}'"
    ).fetchall() == [("no_sales",)]
    assert published.execute(
        "select count(*) from marts.quadrant_summary_daily "
        f"where scope = 'all' and business_date = date '{LAST_DAY}' and data_status = 'ok'"
    ).fetchone() == (4,)


def test_no_customer_number_leaves_the_landing_folder(build: duckdb.DuckDBPyConnection, home: Path) -> None:
    """Customers are five-digit numbers; a pseudonym is 64 hexadecimal characters."""
    assert build.execute(
        "select count(*), count(*) filter (where regexp_full_match(user_id, '[0-9a-f]{64}')) from control.user_keys"
    ).fetchone() == (4339, 4339)
