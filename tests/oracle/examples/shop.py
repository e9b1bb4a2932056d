"""The shop day, refunds, new and returning buyers, repurchase, and what absent sources do to them
(R3, R9-R15, R80, R85, R86, R89)."""

from __future__ import annotations

from typing import Any

from tests.oracle.examples import Expected, at, day, event, merge, money, order, refund
from tests.oracle.facts import Feeds

# --- the till ---------------------------------------------------------------------------------------------------------
# line  paid        yuan  back
# L1    10 June     100   60 on 12 June, 60 on 15 June: 40 of it count, 20 are excess
# L2    10 June     50    30 rejected
# L3    10 June     80 x2 80, no status but a refund time, 13 June
# L4    never       70    70 on 13 June: a line nobody paid, ignored
# L5    10 June     20    20, succeeded without a refund time: the review of 14 June is its day
# a gift and a line of 0 yuan, 10 June; a refund of a line that never came, 13 June
# Order O1 is paid in two parts: L1 on the 10th, L6 (30 yuan) on the 11th; it is an order of both days.
TILL = "till"
TILL_ROWS: Feeds = {
    "orders": [
        order(TILL, "L1", "ann", "06-10", 100, order="O1"),
        order(TILL, "L2", "bob", "06-10", 50, order="O2", status="closed"),
        order(TILL, "L3", None, "06-10 23:59:59", 80, order="O3", quantity=2),
        order(TILL, "L4", "cat", None, 70, order="O4", created="06-10", status="paid"),
        order(TILL, "L5", "ann", "06-10 00:00:00", 20, order="O5"),
        order(TILL, "G1", "dan", "06-10", 15, order="O6", is_gift=True),
        order(TILL, "Z1", "dan", "06-10", 0, order="O7"),
        order(TILL, "L6", "ann", "06-11 00:00:00", 30, order="O1", created="06-10"),
        # A year before, 2023-06-10 is 366 days before 2024-06-10 (29 February lies between), 2023-06-12 is 365 days
        # before 2024-06-11.
        order(TILL, "Y1", "bob", "2023-06-10 12:00", 200),
        order(TILL, "Y2", "eve", "2023-06-12 12:00", 40),
        order(TILL, "Y3", "eve", "06-11", 10),
        # Fully refunded, but bought: R86 counts it.
        order(TILL, "Y4", "fay", "05-01", 10),
        order(TILL, "Y5", "fay", "06-11", 10),
    ],
    "refunds": [
        refund(TILL, "R1", "L1", "06-12", 60),
        refund(TILL, "R2", "L1", "06-15", 60),
        refund(TILL, "R3", "L2", "06-12", 30, status="rejected"),
        refund(TILL, "R4", "L3", "06-13", 80, status=None),
        refund(TILL, "R5", "L4", "06-13", 70),
        refund(TILL, "R6", "L5", None, 20, applied="06-12", reviewed_at=at("06-14")),
        refund(TILL, "R7", "never-came", "06-13", 99),
        refund(TILL, "R8", "Y4", "05-02", 10),
    ],
}


def till(on: str, year: int = 2024, **values: Any) -> Expected:
    return Expected("shop_daily", {"shop_id": TILL, "business_date": day(on, year)}, values)


TILL_EXPECTED = [
    till(
        "06-10",
        paid_amount=money(250),  # 100 + 50 + 80 + 20
        refund_by_pay_date=money(200),  # 100 (capped) + 80 + 20
        net_amount=money(50),
        refund_by_refund_date=money(0),
        excess_refund_amount=money(0),
        orders=4,  # O1, O2, O3, O5
        units=5,  # L3 holds two
        buyers=2,  # ann, bob; L3 names nobody
        new_buyers=2,  # bob's purchase of 2023 lies 366 days back
        returning_buyers=0,
        paid_amount_yoy=0.25,  # 250 / 200 - 1
        roi=None,
        # No traffic was ever loaded for this shop.
        impressions=None, views=None, viewers=None, product_impression_users=None, product_click_users=None,
        traffic_basis=None, data_status="missing_source",
    ),
    # ann bought the day before; eve 365 days before; fay on 1 May, refunded since.
    till("06-11", paid_amount=money(50), orders=3, buyers=3, new_buyers=0, returning_buyers=3, paid_amount_yoy=None),
    till("06-12", paid_amount=money(0), net_amount=money(0), refund_by_refund_date=money(60), excess_refund_amount=money(0),
         orders=0, units=0, buyers=0, paid_amount_yoy=-1.0),
    till("06-13", refund_by_refund_date=money(80), refund_by_pay_date=money(0), paid_amount_yoy=None),
    till("06-14", refund_by_refund_date=money(20)),
    till("06-15", refund_by_refund_date=money(40), excess_refund_amount=money(20)),
    till("02-29", paid_amount_yoy=None, paid_amount=money(0)),
    till("05-01", paid_amount=money(10), refund_by_pay_date=money(10), net_amount=money(0), new_buyers=1),
    till("06-10", 2023, paid_amount=money(200), new_buyers=1, paid_amount_yoy=None),
    Expected("shop_daily", {"shop_id": TILL, "business_date": day("06-09", 2023)}, None),
]  # fmt: skip

# --- repurchase -------------------------------------------------------------------------------------------------------
# p 1 June, 20 June · q twice on 1 June · r 25 May, 25 June · s 2 June, 10 June, the latter refunded on the 12th
REPEAT = "repeat"
REPEAT_ROWS: Feeds = {
    "traffic_events": [event(REPEAT, "impression", None, "05-20")],
    "orders": [
        order(REPEAT, "P1", "p", "06-01"),
        order(REPEAT, "P2", "p", "06-20"),
        order(REPEAT, "Q1", "q", "06-01 08:00"),
        order(REPEAT, "Q2", "q", "06-01 09:00"),
        order(REPEAT, "R1", "r", "05-25"),
        order(REPEAT, "R2", "r", "06-25"),
        order(REPEAT, "S1", "s", "06-02"),
        order(REPEAT, "S2", "s", "06-10"),
        order(REPEAT, "N1", None, "06-02"),
    ],
    "refunds": [refund(REPEAT, "F1", "S2", "06-12", 100)],
}


def repeat(on: str, shop: str = REPEAT, **values: Any) -> Expected:
    return Expected("repurchase_daily", {"shop_id": shop, "business_date": day(on)}, values)


REPEAT_EXPECTED = [
    # Nobody has bought yet: no ratio, but a measured 0.
    repeat("05-20", repurchase_rate_30d=None, buyers_30d=0, repeat_buyers_30d=0, data_status="insufficient"),
    repeat("05-25", repurchase_rate_30d=0.0, buyers_30d=1, repeat_buyers_30d=0, data_status="ok"),
    # W(30, 11 June) = 13 May .. 11 June: p, q, r, s; s bought on two days.
    repeat("06-11", repurchase_rate_30d=0.25, buyers_30d=4, repeat_buyers_30d=1),
    # On the 12th the second purchase of s no longer counts.
    repeat("06-12", repurchase_rate_30d=0.0, buyers_30d=4, repeat_buyers_30d=0, repurchase_rate_365d=0.0),
    # W(30, 25 June) = 27 May .. 25 June: of r only the 25th is in it. W(90) holds both.
    repeat("06-25", repurchase_rate_30d=0.25, buyers_30d=4, repeat_buyers_30d=1),
    repeat("06-25", repurchase_rate_90d=0.5, buyers_90d=4, repeat_buyers_90d=2, repurchase_rate_180d=0.5),
]

# --- paid before the shop's first day ---------------------------------------------------------------------------------
# The only line says it was created on 11 June and paid the day before: the calendar starts on the 11th (R1), the line's own pay
# date has no row. Its refund of the 12th has one, so what comes back by refund date is more than by pay date.
EARLY = "paid_early"
EARLY_ROWS: Feeds = {
    "orders": [order(EARLY, "L1", "ann", "06-10", 100, created="06-11")],
    "refunds": [refund(EARLY, "R1", "L1", "06-12", 30)],
}


def early(on: str, **values: Any) -> Expected:
    return Expected("shop_daily", {"shop_id": EARLY, "business_date": day(on)}, values)


EARLY_EXPECTED = [
    Expected("shop_daily", {"shop_id": EARLY, "business_date": day("06-10")}, None),
    early("06-11", paid_amount=money(0), net_amount=money(0), refund_by_refund_date=money(0), buyers=0),
    early("06-12", paid_amount=money(0), refund_by_pay_date=money(0), refund_by_refund_date=money(30)),
]

# --- absent sources ---------------------------------------------------------------------------------------------------
# `orders_only` and `nameless` (no order line names a user): 10 June, one line of 100 yuan, no refunds, no traffic.
# `late_traffic`: orders from 1 June, traffic from the 5th, none on the 6th.
ORDERS_ONLY, NAMELESS, LATE = "orders_only", "nameless", "late_traffic"
ABSENT_ROWS = merge(
    {"orders": [order(ORDERS_ONLY, "L1", "ann", "06-10")]},
    {"orders": [order(NAMELESS, "L1", None, "06-10")], "traffic_events": [event(NAMELESS, "view", None, "06-10")]},
    {"orders": [order(LATE, "L1", "ann", "06-01")], "traffic_events": [event(LATE, "impression", "ann", "06-05")]},
)


def of_shop(shop: str, on: str, **values: Any) -> Expected:
    return Expected("shop_daily", {"shop_id": shop, "business_date": day(on)}, values)


def of_score(shop: str, grain: str, on: str, indicator: str, **values: Any) -> Expected:
    key = {"shop_id": shop, "grain": grain, "period_start": day(on), "indicator": indicator}
    return Expected("operating_score_indicators", key, values)


ABSENT_EXPECTED = [
    of_shop(
        ORDERS_ONLY, "06-10",
        paid_amount=money(100), net_amount=money(100), refund_by_pay_date=None, refund_by_refund_date=None,
        excess_refund_amount=None, buyers=1, new_buyers=1, impressions=None, data_status="missing_source",
    ),
    of_shop(ORDERS_ONLY, "06-11", paid_amount=money(0), buyers=0, impressions=None, data_status="missing_source"),
    of_score(ORDERS_ONLY, "day", "06-10", "total_impressions", value=None, data_status="missing_source"),
    of_score(ORDERS_ONLY, "day", "06-10", "content_count", value=None, data_status="missing_source"),
    of_score(ORDERS_ONLY, "day", "06-10", "live_dwell_seconds", value=None, data_status="missing_source"),
    of_score(ORDERS_ONLY, "day", "06-10", "price_per_unit", numerator=100, denominator=1, value=100.0),
    of_shop(
        NAMELESS, "06-10",
        paid_amount=money(100), orders=1, units=1, buyers=None, new_buyers=None, returning_buyers=None, views=1,
        viewers=None, product_impression_users=None, product_click_users=None, data_status="ok",
    ),
    repeat("06-10", NAMELESS, repurchase_rate_30d=None, buyers_30d=None, data_status="missing_source"),
    of_score(NAMELESS, "day", "06-10", "repurchase_rate_90d", numerator=None, denominator=None, data_status="missing_source"),
    of_score(NAMELESS, "day", "06-10", "click_purchase_rate", numerator=None, data_status="missing_source"),
    Expected(
        "audience_5a_daily",
        {"shop_id": NAMELESS, "business_date": day("06-10"), "layer": 4},
        {"users": None, "share": None, "entered": None, "left_users": None, "action_level": "acquisition",
         "data_status": "missing_source"},
    ),
    of_shop(LATE, "06-04", impressions=None, views=None, traffic_basis=None, data_status="missing_source"),
    of_shop(LATE, "06-05", impressions=1, views=0, viewers=0, traffic_basis="traffic_events", data_status="ok"),
    of_shop(LATE, "06-06", impressions=0, viewers=0, traffic_basis="traffic_events", data_status="ok"),
    of_score(LATE, "day", "06-06", "total_impressions", numerator=0, value=0.0, data_status="insufficient"),
    of_score(LATE, "week", "06-03", "total_impressions", numerator=None, value=None, data_status="missing_source"),
    of_score(LATE, "week", "06-10", "total_impressions", numerator=0, value=0.0, data_status="insufficient"),
]  # fmt: skip

ROWS: Feeds = merge(TILL_ROWS, REPEAT_ROWS, EARLY_ROWS, ABSENT_ROWS)
EXPECTED = [*TILL_EXPECTED, *REPEAT_EXPECTED, *EARLY_EXPECTED, *ABSENT_EXPECTED]
