"""The examples on paper, answered by a real night: one landing with a shop an example, one publication."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.oracle import compute
from tests.oracle.compare import compare, read_mart, same
from tests.oracle.examples import ON, Expected, flow, growth, layers, lines, merge, quadrant, score, service, shop
from tests.oracle.facts import Row
from tests.oracle.generate import Delivery
from tests.oracle.nights import pseudonym, pseudonymised, published, run_at_once, shared_home

SUBJECTS = (flow, quadrant, score, shop, growth, service, lines)
EXAMPLES = [expected for subject in SUBJECTS for expected in subject.EXPECTED]
ROWS = merge(layers.ROWS, *(subject.ROWS for subject in SUBJECTS))


@pytest.fixture(scope="session")
def publication(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    deliveries = [Delivery(0, feed, tuple(rows)) for feed, rows in ROWS.items()]
    home = shared_home(tmp_path_factory, worker_id, "examples", lambda home: run_at_once(home, deliveries, ON))
    return published(home)


@pytest.fixture(scope="session")
def marts(publication: Path) -> dict[str, list[Row]]:
    return {mart: read_mart(publication, mart) for mart in {e.mart for e in EXAMPLES}}


@pytest.mark.parametrize("expected", EXAMPLES, ids=str)
def test_example(marts: dict[str, list[Row]], expected: Expected) -> None:
    found = [r for r in marts[expected.mart] if all(r[k] == v for k, v in expected.key.items())]
    if expected.values is None:
        assert not found
        return
    assert len(found) == 1
    wrong = {k: (v, found[0][k]) for k, v in expected.values.items() if not same(v, found[0][k])}
    assert not wrong, f"column: (on paper, published) {wrong}"


def test_stays_in_layers(publication: Path) -> None:
    stays: dict[str, list[Any]] = defaultdict(list)
    for row in sorted(read_mart(publication, "audience_layer_history"), key=lambda r: r["valid_from"]):
        if row["shop_id"] == layers.SHOP:
            stays[row["user_id"]].append((row["valid_from"], row["valid_to"], row["layer"]))
    on_paper = {
        pseudonym(user): [
            (start, end, layer) for (start, layer), end in zip(steps, [*(s for s, _ in steps[1:]), None], strict=True)
        ]
        for user, steps in layers.STAYS.items()
    }
    assert dict(stays) == on_paper


@pytest.mark.parametrize("cell", flow.FLOWS, ids=str)
def test_flow_cells(publication: Path, cell: tuple) -> None:
    found = [
        (r["from_layer"], r["to_layer"], r["users"], r["rate"])
        for r in read_mart(publication, "audience_5a_flow")
        if r["shop_id"] == flow.SHOP and (r["business_date"], r["horizon_days"]) == cell
    ]
    assert sorted(found, key=str) == sorted(flow.FLOWS[cell], key=str)


def test_flow_rows_and_columns_are_stocks(publication: Path) -> None:
    """R26: on every day and horizon, rows sum to the stock N days before, columns to today's."""
    with duckdb.connect(str(publication), read_only=True) as con:
        broken = con.execute(
            """
            with flow as (select * from marts.audience_5a_flow),
            sides as (
                select shop_id, business_date - horizon_days as business_date, from_layer as layer, sum(users) as users,
                       'row of horizon ' || horizon_days as side
                from flow where from_layer >= 0 group by all
                union all
                select shop_id, business_date, to_layer, sum(users), 'column of horizon ' || horizon_days
                from flow group by all
            )
            select s.side, d.shop_id, d.business_date, d.layer, d.users, s.users
            from sides as s
            join marts.audience_5a_daily as d using (shop_id, business_date, layer)
            where s.users is distinct from d.users
            union all
            select 'missing in the stock', shop_id, business_date, layer, users, null
            from sides where (shop_id, business_date, layer) not in (
                select (shop_id, business_date, layer) from marts.audience_5a_daily where users > 0)
            """
        ).fetchall()
    assert broken == []


def test_every_mart_equals_the_oracle(publication: Path) -> None:
    assert compare(publication, compute(pseudonymised(ROWS), ON)) == []


def test_paper_reference_is_published_as_seeded(publication: Path) -> None:
    figures = {r["figure"]: r["value"] for r in read_mart(publication, "paper_reference", ["figure", "value"])}
    assert figures["breadth_points"] + figures["depth_points"] == figures["operating_score"]
    assert figures["quadrant_core"] == 61.5
