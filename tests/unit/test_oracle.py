"""The oracle against the examples on paper, so that it may be trusted on histories nobody can check by hand."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest

from tests.oracle import compute
from tests.oracle.compare import compare_rows, same
from tests.oracle.examples import ON, Expected, flow, growth, layers, lines, merge, quadrant, score, service, shop
from tests.oracle.facts import Row

SUBJECTS = (flow, quadrant, score, shop, growth, service, lines)
EXAMPLES = [expected for subject in SUBJECTS for expected in subject.EXPECTED]


@pytest.fixture(scope="module")
def marts() -> dict[str, list[Row]]:
    return compute(merge(layers.ROWS, *(subject.ROWS for subject in SUBJECTS)), ON)


@pytest.mark.parametrize("expected", EXAMPLES, ids=str)
def test_example(marts: dict[str, list[Row]], expected: Expected) -> None:
    found = [r for r in marts[expected.mart] if all(r[k] == v for k, v in expected.key.items())]
    if expected.values is None:
        assert not found
        return
    assert len(found) == 1
    wrong = {k: (v, found[0][k]) for k, v in expected.values.items() if not same(v, found[0][k])}
    assert not wrong, f"column: (on paper, oracle) {wrong}"


def test_stays_in_layers(marts: dict[str, list[Row]]) -> None:
    stays = defaultdict(list)
    for row in sorted(marts["audience_layer_history"], key=lambda r: r["valid_from"]):
        if row["shop_id"] == layers.SHOP:
            stays[row["user_id"]].append((row["valid_from"], row["layer"]))
    assert dict(stays) == layers.STAYS


@pytest.mark.parametrize("cell", flow.FLOWS, ids=str)
def test_flow_cells(marts: dict[str, list[Row]], cell: tuple) -> None:
    found = [
        (r["from_layer"], r["to_layer"], r["users"], r["rate"])
        for r in marts["audience_5a_flow"]
        if r["shop_id"] == flow.SHOP and (r["business_date"], r["horizon_days"]) == cell
    ]
    assert sorted(found, key=str) == sorted(flow.FLOWS[cell], key=str)


def test_the_comparer_sees_what_differs() -> None:
    row = {"shop_id": "s", "business_date": ON, "layer": 1, "users": 3, "share": 0.5}
    assert compare_rows("audience_5a_daily", [row], [dict(row)]) == []
    assert compare_rows("audience_5a_daily", [row], [row | {"share": 0.5 + 1e-12}]) == []
    assert compare_rows("audience_5a_daily", [row], [row | {"users": 4}])
    assert compare_rows("audience_5a_daily", [row], [row | {"share": None}])
    assert compare_rows("audience_5a_daily", [row], [])
    assert compare_rows("audience_5a_daily", [], [row])
    assert compare_rows("audience_5a_daily", [row], [row, dict(row)])
    assert not same(True, 1) and not same(Decimal("0.10"), Decimal("0.11")) and same(3, Decimal("3.000"))
