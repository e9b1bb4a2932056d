"""Every mart of the contract stands in the published file with its columns, types, labels and key, and has rows for a shop
that delivers every feed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb
import pytest

from tests.fixtures.contract import CONTRACT
from tests.fixtures.left_out import left_out_file

# A label in Chinese (a code such as GPM keeps its letters), then a description.
LABELLED = re.compile(r"[^—]*[\u4e00-\u9fffA-Z][^—]* — .{5,}", re.DOTALL)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(left_out_file(tmp_path_factory, worker_id)), read_only=True) as connection:
        yield connection


@pytest.mark.parametrize("mart", CONTRACT)
def test_a_mart_is_what_the_contract_says(db: duckdb.DuckDBPyConnection, mart: str) -> None:
    promised = CONTRACT[mart]
    rows = db.execute(
        "select column_name, data_type, comment from duckdb_columns() where schema_name = 'marts' and table_name = ?",
        [mart],
    ).fetchall()
    types = {name: kind for name, kind, _ in rows}
    wanted = promised.key | promised.columns
    assert {name: types.get(name) for name in wanted} == wanted
    assert [(name, comment) for name, _, comment in rows if not LABELLED.match(comment or "")] == []

    key = ", ".join(promised.key)
    count, missing = db.sql(
        f"select count(*), count(*) filter (where {' or '.join(f'{c} is null' for c in promised.key)}) from marts.{mart}"
    ).fetchone() or (0, 0)
    assert (count > 0, missing) == (True, 0)
    assert db.sql(f"select {key} from marts.{mart} group by {key} having count(*) > 1 limit 3").fetchall() == []
    assert db.sql(f"select 1 from marts.{mart} where shop_id in ('full', '*') limit 1").fetchall() == [(1,)]


def test_rows_say_their_status_in_the_words_of_the_contract(db: duckdb.DuckDBPyConnection) -> None:
    words = {"ok", "insufficient", "missing_source", "immature", "not_applicable"}
    for mart in CONTRACT:
        said = {row[0] for row in db.sql(f"select distinct data_status from marts.{mart}").fetchall()}
        assert said <= words, f"{mart}: {said}"
        assert db.sql(f"select count(distinct rule_version) from marts.{mart}").fetchone() == (1,), mart
