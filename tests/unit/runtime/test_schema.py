"""The raw tables of a warehouse that an earlier version made."""

from __future__ import annotations

from decimal import Decimal

import duckdb

from pipelines.warehouse.schema import ensure_schema


def test_a_rate_of_six_places_is_widened_and_keeps_its_value() -> None:
    with duckdb.connect() as con:
        con.execute("create schema raw")
        con.execute("create table raw.raw_author_audience (shop_id varchar, share decimal(18,6))")
        con.execute("insert into raw.raw_author_audience values ('s', 0.333333)")
        for _ in range(2):
            ensure_schema(con)
            found = con.execute("select share, typeof(share) from raw.raw_author_audience").fetchall()
            assert found == [(Decimal("0.333333"), "DECIMAL(28,12)")]
