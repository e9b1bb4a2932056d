"""Experience score, complaint rates and both NPS of one shop with 200 parcels (metrics.md 3, R51-R65).

200 orders of one line each, paid on 10 June, delivered on the 14th; on 29 June W(30) holds all of them.

| indicator | on paper | f | points |
|---|---|---|---|
| bad_review_rate | 2 of 200 lines = 1 %, the average | 0.6 | 1.5 x 0.6 = 0.9 |
| quality_return_rate | 3 of 200 lines = 1.5 %, the average | 0.6 | 0.9 |
| pickup_on_time | 190 of 200 orders = 95 %, the average | 0.6 | 0.6 |
| delivery_on_time | 196 of 200 lines = 98 %, excellent | 1 | 1.5 |
| damage_return_rate | 1 of 200 orders = 0.5 %, the average | 0.6 | 0.3 |
| reply_seconds | (400 + 200 + 600 for one turn nobody answered) / 20 turns = 60, the average | 0.6 | 0.6 |
| review_hours | (10 + 0 + 8) / 3 refunds = 6, excellent | 1 | 1 |
| complaint_rate | 3 of 200 orders = 1.5 %: 0.6 x (2 - 1.5) / (2 - 0.5) | 0.2 | 0.2 |
| dissatisfied_rate | 1 of 5 rated chats = 20 %, the floor | 0 | 0 |
| help_rate | 1 of 20 orders that asked = 5 %: 0.6 x (10 - 5) / (10 - 3) | 3/7 | 0.5 x 3/7 |

Product 1.8 + logistics 2.4 + service 1.8 + 3/14 = 6 + 3/14.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.oracle.examples import Expected, at, day, order, refund
from tests.oracle.facts import Feeds, Row

SHOP = "service"


def parcel(number: int) -> Row:
    """Ten are picked up a second late, the four after them delivered so; the last is a presale with a later promise."""
    presale = number == 199
    return order(
        SHOP,
        f"L{number}",
        None,
        "06-10",
        100,
        is_presale=presale,
        promised_ship_at=at("06-20") if presale else None,
        picked_up_at=at("06-20") if presale else at("06-12 00:00:00") if number < 10 else at("06-11 23:59:59"),
        due_delivery_at=at("06-15 23:59:59"),
        delivered_at=at("06-16 00:00:00") if 10 <= number < 14 else at("06-14"),
    )


def asked(number: int, reason: str | None, **more: Any) -> Row:
    """An after-sale of the line that was applied for on 20 June; money moves only where `on` says so."""
    row = refund(SHOP, f"R{more.pop('name', number)}", f"L{number}", more.pop("on", None), more.pop("amount", 10),
                 applied=more.pop("applied", "06-20"), **{"status": "applied"} | more)  # fmt: skip
    return row | {"reason": reason, "is_escalated": more.get("is_escalated", False)}


def chat(number: int, opened: str, turns: int, seconds: int, unanswered: int = 0, **more: Any) -> Row:
    row: Row = {
        "shop_id": SHOP,
        "session_id": f"S{number}",
        "kind": "im",
        "order_id": None,
        "opened_at": at(opened),
        "human_turns": turns,
        "reply_seconds": seconds,
        "unanswered_turns": unanswered,
        "rating": None,
        "is_escalated": False,
    }
    return row | more


def ticket(number: int) -> Row:
    named: Row = {"kind": "complaint", "order_id": f"{SHOP}-L{number}"}
    return chat(100 + number, "06-18", 9, 9000) | named | {"human_turns": None, "reply_seconds": None}


def star(number: int, rating: int, line: int | None = None, when: str = "06-20") -> Row:
    return {
        "shop_id": SHOP,
        "review_id": f"V{number}",
        "order_id": f"{SHOP}-L{number}",
        "order_line_id": None if line is None else f"{SHOP}-L{line}",
        "product_id": "P1",
        "user_id": None,
        "rating": rating,
        "created_at": at(when),
    }


def answer(number: int, score: int) -> Row:
    """The last of fifty comes on the 29th."""
    when = at("06-29" if number == 49 else "06-25")
    return {"shop_id": SHOP, "response_id": f"N{number}", "order_id": None, "score": score, "answered_at": when}


SCORES = [9] * 5 + [10] * 20 + [7] * 10 + [8] * 5 + [0] * 4 + [6] * 6
ROWS: Feeds = {
    "orders": [parcel(n) for n in range(200)],
    "refunds": [
        # Quality first: asking is enough, what was rejected or only the price does not come first, what came later is late.
        asked(20, "quality"),
        asked(21, "other", name="21a", applied="06-18", status="rejected"),
        asked(21, "quality"),
        asked(22, "other", name="22a", applied="06-18", kind="price_protection"),
        asked(22, "quality"),
        asked(23, "no_longer_needed", name="23a", applied="06-18"),
        asked(23, "quality"),
        asked(24, "logistics_damage"),
        # From 08:00 of the 21st to 18:00; before 08:00: nothing; from 10:00 to 18:00.
        *(
            asked(number, "other", on="06-22", status="succeeded", applied=applied, reviewed_at=at(reviewed))
            for number, applied, reviewed in (
                (25, "06-20 23:30", "06-21 18:00"),
                (26, "06-21 07:00", "06-21 07:30"),
                (27, "06-20 10:00", "06-20 18:00"),
            )
        ),
        *(asked(number, "other", is_escalated=number == 28) for number in range(28, 40)),
    ],
    "service_sessions": [
        chat(1, "06-20 08:00:00", 10, 400, rating=3),
        chat(2, "06-20 22:59:59", 10, 200, 1, rating=4, order_id=f"{SHOP}-L40", is_escalated=True),
        # Nobody is expected to answer; the customer may still rate.
        chat(3, "06-20 23:00:00", 50, 9000, rating=5),
        chat(4, "06-20 07:59:59", 50, 9000, rating=5),
        chat(5, "06-20 07:00:00", 0, 0, rating=5),
        *(ticket(number) for number in (41, 42, 43)),
    ],
    # Bad: one of a line whose order also complained, one written before the parcel came; one names no line.
    "reviews": [
        star(41, 1, line=41),
        star(44, 2, line=44, when="06-13"),
        star(45, 2),
        *(star(n, 3, line=n) for n in range(46, 49)),
        *(star(n, 4, line=n) for n in range(50, 54)),
        *(star(n, 5, line=n) for n in range(54, 94)),
    ],
    "nps_surveys": [answer(number, score) for number, score in enumerate(reversed(SCORES))],
    "official_metrics": [
        {"shop_id": SHOP, "business_date": day("06-29"), "metric": "experience_score", "value": Decimal("87.5"),
         "source": "抖店"}
    ],
}  # fmt: skip


def earned(indicator: str, numerator: float, denominator: int, fraction: float, weight: float) -> Expected:
    return Expected(
        "experience_score_indicators",
        {"shop_id": SHOP, "business_date": day("06-29"), "indicator": indicator},
        {
            "numerator": numerator,
            "denominator": denominator,
            "value": numerator / denominator,
            "fraction": fraction,
            "weight": weight,
            "points": weight * fraction,
            "benchmark_source": "starter",
            "data_status": "ok",
        },
    )


def rates(on: str, **values: Any) -> Expected:
    return Expected("complaint_rates_daily", {"shop_id": SHOP, "business_date": day(on)}, values)


EXPECTED = [
    earned("bad_review_rate", 2, 200, 0.6, 1.5),
    earned("quality_return_rate", 3, 200, 0.6, 1.5),
    earned("pickup_on_time", 190, 200, 0.6, 1.0),
    earned("delivery_on_time", 196, 200, 1.0, 1.5),
    earned("damage_return_rate", 1, 200, 0.6, 0.5),
    earned("reply_seconds", 1200, 20, 0.6, 1.0),
    earned("review_hours", 18, 3, 1.0, 1.0),
    earned("complaint_rate", 3, 200, 0.2, 1.0),
    earned("dissatisfied_rate", 1, 5, 0.0, 0.5),
    earned("help_rate", 1, 20, 3 / 7, 0.5),
    Expected(
        "experience_score_daily",
        {"shop_id": SHOP, "business_date": day("06-29")},
        {
            "experience_10": 6 + 3 / 14,
            "product_points": 1.8,
            "logistics_points": 2.4,
            "service_points": 1.8 + 3 / 14,
            "official_score": 87.5,
            "data_status": "ok",
        },
    ),
    # Complaints 41, 42, 43, of which 41 is also badly reviewed; bad 44; escalated 28 and 40: six orders.
    rates(
        "06-29",
        signed_orders=200,
        quality_return_rate=0.015,
        bad_review_rate=0.01,
        complaint_rate=0.015,
        ccr=30.0,
        nps=30.0,  # 25 of 50 less 10 of 50
        nps_proxy_stars=68.0,  # 40 of 50 less 6 of 50
        data_status="ok",
    ),
    rates("06-28", ccr=30.0, nps=None),  # 49 answers
    # Before the first parcel came there was nobody to ask.
    rates("06-13", signed_orders=0, quality_return_rate=None, ccr=None, nps_proxy_stars=None, data_status="ok"),
    Expected(
        "experience_score_indicators",
        {"shop_id": SHOP, "business_date": day("06-13"), "indicator": "pickup_on_time"},
        {"numerator": 189, "denominator": 199, "value": None, "points": None, "data_status": "insufficient"},
    ),
]
