"""Goods quadrant: ties, N below four, refunds, moves, tail risk (metrics.md 4, R44-R50)."""

from __future__ import annotations

from typing import Any

from tests.oracle.examples import Expected, at, day, event, merge, money, order, refund
from tests.oracle.facts import Feeds

_lines = 0


def sold(shop: str, product: str, on: str, amount: int, quantity: int, scene: str = "live", line: str = "") -> Feeds:
    global _lines
    _lines += 1
    row = order(shop, line or f"S{_lines}", "kim", on, amount, product_id=product, quantity=quantity, scene=scene)
    return {"orders": [row]}


def row(shop: str, on: str, scope: str, product: str, **values: Any) -> Expected:
    key = {"shop_id": shop, "business_date": day(on), "scope": scope, "product_id": product}
    return Expected("product_quadrant", key, values)


def no_row(shop: str, on: str, scope: str, product: str) -> Expected:
    key = {"shop_id": shop, "business_date": day(on), "scope": scope, "product_id": product}
    return Expected("product_quadrant", key, None)


def summary(shop: str, on: str, scope: str, quadrant: str, **values: Any) -> Expected:
    key = {"shop_id": shop, "business_date": day(on), "scope": scope, "quadrant": quadrant}
    return Expected("quadrant_summary_daily", key, values)


# --- ties -------------------------------------------------------------------------------------------------------------
# product  amount  x4   quantity  x4     total amount 200, total quantity 8
# P1       100     400  1         4      high / low  -> profit
# P2        50     200  4         16     tie, high / high -> core
# P3        30     120  1         4      low / low -> potential
# P4        20      80  2         8      low / tie, high -> traffic
# P4 is not sold live, so the live scope has N = 3.
TIE = "quadrant_tie"
TIE_ROWS = merge(
    sold(TIE, "P1", "05-01", 100, 1),
    sold(TIE, "P2", "05-01", 50, 4),
    sold(TIE, "P3", "05-01", 30, 1),
    sold(TIE, "P4", "05-01", 20, 2, scene="mall"),
)
TIE_EXPECTED = [
    row(
        TIE, "05-01", "all", "P1",
        net_amount=money(100), net_quantity=1, amount_share=0.5, quantity_share=0.125, product_count=4,
        quadrant="profit", quadrant_zh="利润款", quadrant_gross="profit", is_tail_risk=False, moved_from=None, moved_because=None,
        data_status="ok",
    ),
    row(TIE, "05-01", "all", "P2", quadrant="core", quadrant_zh="主力款", amount_share=0.25, quantity_share=0.5),
    row(TIE, "05-01", "all", "P3", quadrant="potential", quadrant_zh="潜力款", amount_share=0.15),
    row(TIE, "05-01", "all", "P4", quadrant="traffic", quadrant_zh="引流款", amount_share=0.1, quantity_share=0.25),
    # 30 days, both ends in: 1 May is inside until 30 May.
    row(TIE, "05-30", "all", "P2", quadrant="core", net_amount=money(50)),
    row(
        TIE, "05-31", "all", "P2",
        quadrant="no_sales", quadrant_zh="无动销", net_amount=money(0), net_quantity=0, amount_share=None,
        quantity_share=None, product_count=0, quadrant_gross="no_sales", data_status="ok",
    ),
    # Live: N = 3, shares of 180 and 6; P4 has no live sale but is a product of the shop.
    row(
        TIE, "05-01", "live", "P1",
        quadrant=None, quadrant_zh=None, quadrant_gross=None, amount_share=100 / 180, quantity_share=1 / 6,
        product_count=3, is_tail_risk=None, data_status="insufficient",
    ),
    row(TIE, "05-01", "live", "P4", quadrant="no_sales", product_count=3, amount_share=None, data_status="ok"),
    # gaps: 10 - 13.2, 25 - 61.5, 50 - 16.9, 15 - 8.4 points; tvd = (0.032 + 0.365 + 0.331 + 0.066) / 2 = 0.397
    summary(
        TIE, "05-01", "all", "traffic",
        products=1, net_amount=money(20), amount_share=0.1, paper_share=0.132, gap_points=-3.2, tvd=0.397,
        data_status="ok",
    ),
    summary(TIE, "05-01", "all", "core", products=1, amount_share=0.25, paper_share=0.615, gap_points=-36.5, tvd=0.397),
    summary(TIE, "05-01", "all", "profit", amount_share=0.5, paper_share=0.169, gap_points=33.1, tvd=0.397),
    summary(TIE, "05-01", "all", "potential", amount_share=0.15, paper_share=0.084, gap_points=6.6, tvd=0.397),
    summary(
        TIE, "05-01", "live", "core",
        products=None, net_amount=None, amount_share=None, paper_share=0.615, gap_points=None, tvd=None,
        data_status="insufficient",
    ),
]  # fmt: skip

# --- moves ------------------------------------------------------------------------------------------------------------
# From 1 May: A 10 yuan x1, B, C, E 100 yuan x10 each: total 310, 31 units. A is potential, the others core (400 >= 310).
# From 4 May A has 210 x21: total 510, 51 units: A core (840), the others potential (400 < 510, 40 < 51).
# On 8 May the 200 yuan are refunded: as on 1 May; the gross class stays core.
# On 15 and 16 May once more 200 x20, refunded on the 17th: a run of two days confirms nothing.
MOVE = "quadrant_moves"
MOVE_ROWS = merge(
    sold(MOVE, "A", "05-01", 10, 1),
    *(sold(MOVE, p, "05-01", 100, 10) for p in "BCE"),
    sold(MOVE, "A", "05-04", 200, 20, line="big"),
    sold(MOVE, "A", "05-15", 200, 20, line="again"),
    {"refunds": [refund(MOVE, "R1", "big", "05-08", 200), refund(MOVE, "R2", "again", "05-17", 200)]},
)
MOVE_EXPECTED = [
    row(MOVE, "05-03", "live", "A", quadrant="potential", moved_from=None),
    row(MOVE, "05-04", "live", "A", quadrant="core", moved_from=None),
    row(MOVE, "05-05", "live", "A", quadrant="core", moved_from=None),
    row(MOVE, "05-06", "live", "A", quadrant="core", moved_from="potential", moved_because="both_rose"),
    row(MOVE, "05-06", "live", "B", quadrant="potential", moved_from="core", moved_because="both_fell"),
    row(MOVE, "05-07", "live", "A", quadrant="core", moved_from=None),
    row(MOVE, "05-07", "live", "A", net_amount=money(210), net_quantity=21),
    row(
        MOVE, "05-08", "live", "A",
        quadrant="potential", quadrant_gross="core", net_amount=money(10), net_quantity=1, moved_from=None,
    ),
    row(MOVE, "05-10", "live", "A", quadrant="potential", moved_from="core", moved_because="both_fell"),
    row(MOVE, "05-10", "live", "B", quadrant="core", moved_from="potential", moved_because="both_rose"),
    row(MOVE, "05-16", "live", "A", quadrant="core", moved_from=None),
    row(MOVE, "05-17", "live", "A", quadrant="potential", moved_from=None),
    row(MOVE, "05-19", "live", "A", quadrant="potential", moved_from=None),
    row(MOVE, "05-19", "live", "B", quadrant="core", moved_from=None),
]  # fmt: skip

# --- refunds and units ------------------------------------------------------------------------------------------------
# product  paid     back on 2 May                        net          gross x4 of 280 yuan, 7 units
# U1       90 x3    return, 30 yuan, 1 unit              60 x2        360 high, 12 high -> core
# U2       50 x1    refund only, 20 yuan, 1 unit         30 x0        200 low, 4 low    -> potential
# U3       40 x2    price protection, 10 yuan, "2 units" 30 x2        160 low, 8 high   -> traffic
# U4       100 x1   120 yuan, more than was paid         0 x0         400 high, 4 low   -> profit
# Two products have amount and units left: N = 2, 90 yuan, 4 units.
UNITS = "quadrant_units"
UNITS_ROWS = merge(
    sold(UNITS, "U1", "05-01", 90, 3, line="L1"),
    sold(UNITS, "U2", "05-01", 50, 1, line="L2"),
    sold(UNITS, "U3", "05-01", 40, 2, line="L3"),
    sold(UNITS, "U4", "05-01", 100, 1, line="L4"),
    {
        "refunds": [
            refund(UNITS, "R1", "L1", "05-02", 30, kind="return_refund", refund_quantity=1),
            refund(UNITS, "R2", "L2", "05-02", 20, refund_quantity=1),
            refund(UNITS, "R3", "L3", "05-02", 10, kind="price_protection", refund_quantity=2),
            refund(UNITS, "R4", "L4", "05-02", 120, kind="return_refund"),
        ]
    },
)
UNITS_EXPECTED = [
    row(UNITS, "05-01", "all", "U4", quadrant="profit", net_amount=money(100), net_quantity=1),
    row(
        UNITS, "05-02", "all", "U1",
        net_amount=money(60), net_quantity=2, amount_share=60 / 90, quantity_share=0.5, product_count=2, quadrant=None,
        quadrant_gross="core", data_status="insufficient",
    ),
    row(
        UNITS, "05-02", "all", "U2",
        net_amount=money(30), net_quantity=0, amount_share=None, quadrant="no_sales", quadrant_gross="potential",
        product_count=2, data_status="ok",
    ),
    row(UNITS, "05-02", "all", "U3", net_amount=money(30), net_quantity=2, quadrant=None, quadrant_gross="traffic"),
    row(UNITS, "05-02", "all", "U4", net_amount=money(0), net_quantity=0, quadrant="no_sales", quadrant_gross="profit"),
    summary(UNITS, "05-02", "all", "core", products=None, amount_share=None, paper_share=0.615, tvd=None),
]  # fmt: skip

# --- age and tail risk ------------------------------------------------------------------------------------------------
# T, listed 1 January: 90 days old on 31 March, 91 on 1 April. It sells 10 yuan x1 on 20 March and on 15 April, each time
# beside three products of 100 yuan x10 (X, Y, Z; then X, Y, N): always low / low = potential.
#   1 April: 10 yuan now, none on 2 March -> it grew, no tail risk.
#   18 April: W(30) = 20 March .. 18 April holds both, 20 yuan; none on 19 March -> no tail risk.
#   19 April: W(30) holds one, 10 yuan; 10 yuan on 20 March -> no growth, older than 90 days -> tail risk.
# N, listed 7 April: 13 days old on the 20th (provisional), 14 on the 21st. Z is in no product list: first paid 20 March.
TAIL = "quadrant_tail"
TAIL_ROWS = merge(
    {
        "products": [
            {"shop_id": TAIL, "product_id": "T", "listed_at": at("01-01 23:00")},
            {"shop_id": TAIL, "product_id": "N", "listed_at": at("04-07")},
            {"shop_id": TAIL, "product_id": "UNLISTED", "listed_at": None},
        ],
        # So that the calendar reaches before the first sale.
        "traffic_events": [event(TAIL, "impression", None, "03-01")],
    },
    *(sold(TAIL, p, "03-20", 100, 10) for p in "XYZ"),
    sold(TAIL, "T", "03-20", 10, 1),
    *(sold(TAIL, p, "04-15", 100, 10) for p in "XYN"),
    sold(TAIL, "T", "04-15", 10, 1),
)
TAIL_EXPECTED = [
    row(TAIL, "03-01", "all", "T", quadrant="no_sales", is_tail_risk=False, is_provisional=False),
    row(TAIL, "03-01", "all", "UNLISTED", quadrant="no_sales", is_provisional=None),
    no_row(TAIL, "03-19", "all", "Z"),
    no_row(TAIL, "04-06", "all", "N"),
    row(TAIL, "03-31", "all", "T", quadrant="potential", is_tail_risk=False),
    row(TAIL, "04-01", "all", "T", quadrant="potential", net_amount=money(10), is_tail_risk=False),
    row(TAIL, "04-18", "all", "T", quadrant="potential", net_amount=money(20), is_tail_risk=False),
    row(TAIL, "04-19", "all", "T", quadrant="potential", net_amount=money(10), is_tail_risk=True),
    row(TAIL, "04-19", "all", "X", quadrant="core", is_tail_risk=False),
    row(TAIL, "04-07", "all", "N", quadrant="no_sales", is_provisional=True),
    row(TAIL, "04-20", "all", "N", quadrant="core", is_provisional=True),
    row(TAIL, "04-21", "all", "N", quadrant="core", is_provisional=False),
    row(TAIL, "04-02", "all", "Z", is_provisional=True),
    row(TAIL, "04-03", "all", "Z", is_provisional=False),
]

ROWS: Feeds = merge(TIE_ROWS, MOVE_ROWS, UNITS_ROWS, TAIL_ROWS)
EXPECTED = [*TIE_EXPECTED, *MOVE_EXPECTED, *UNITS_EXPECTED, *TAIL_EXPECTED]
