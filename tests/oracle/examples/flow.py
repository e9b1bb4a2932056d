"""Stock and flow of five people (metrics.md 1, R21-R27).

| | layers from 1 May on |
|---|---|
| ann | impression 1 May: A1 until the 15th, then O |
| eve | impression 1 May: A1; like 10 May: A2 until 8 June, then O |
| bob | product click 1 May: A3 until the 30th, then O |
| cat | like 2 May: A2; pays 10 May: A4 to the end |
| dan | impression 31 May: A1 until 14 June, then O |
"""

from __future__ import annotations

from datetime import date

from tests.oracle.examples import Expected, day, event, order
from tests.oracle.facts import Feeds

SHOP = "flow"
ROWS: Feeds = {
    "traffic_events": [
        event(SHOP, "impression", "ann", "05-01"),
        event(SHOP, "impression", "eve", "05-01"),
        event(SHOP, "like", "eve", "05-10"),
        event(SHOP, "product_click", "bob", "05-01"),
        event(SHOP, "like", "cat", "05-02"),
        event(SHOP, "impression", "dan", "05-31"),
    ],
    "orders": [order(SHOP, "L1", "cat", "05-10")],
}

# (business_date, horizon_days) -> every cell: (from, to, users, rate)
FLOWS: dict[tuple[date, int], list[tuple[int, int, int, float | None]]] = {
    # The first day: all come from nowhere.
    (day("05-01"), 1): [(-1, 1, 2, None), (-1, 3, 1, None)],
    # cat is new; ann and eve stay.
    (day("05-02"), 1): [(1, 1, 2, 1.0), (3, 3, 1, 1.0), (-1, 2, 1, None)],
    # Seven days before 2 May the calendar has not begun.
    (day("05-02"), 7): [(-1, 1, 2, None), (-1, 2, 1, None), (-1, 3, 1, None)],
    # Of the two A1 of the day before, ann stays and eve rises; cat pays.
    (day("05-10"), 1): [(1, 1, 1, 0.5), (1, 2, 1, 0.5), (2, 4, 1, 1.0), (3, 3, 1, 1.0)],
    # ann lapses.
    (day("05-16"), 1): [(1, 0, 1, 1.0), (2, 2, 1, 1.0), (3, 3, 1, 1.0), (4, 4, 1, 1.0)],
    # 24 May: ann O, eve A2, bob A3, cat A4.
    (day("05-31"), 7): [(0, 0, 1, 1.0), (2, 2, 1, 1.0), (3, 0, 1, 1.0), (4, 4, 1, 1.0), (-1, 1, 1, None)],
    # 1 May: ann and eve A1, bob A3; cat and dan not known.
    (day("05-31"), 30): [(1, 0, 1, 0.5), (1, 2, 1, 0.5), (3, 0, 1, 1.0), (-1, 4, 1, None), (-1, 1, 1, None)],
}


def stock(on: str, layer: int, users: int, share: float | None, entered: int, left: int) -> Expected:
    action = {1: "seeding", 2: "seeding", 3: "acquisition", 4: "acquisition", 5: "repurchase"}.get(layer)
    platform = {1: "awareness", 2: "awareness", 3: "seeding", 4: "purchase", 5: "purchase"}.get(layer)
    return Expected(
        "audience_5a_daily",
        {"shop_id": SHOP, "business_date": day(on), "layer": layer},
        {
            "users": users,
            "share": share,
            "entered": entered,
            "left_users": left,
            "action_level": action,
            "platform_level": platform,
            "data_status": "ok",
        },
    )


EXPECTED = [
    stock("05-01", 0, 0, None, 0, 0),
    stock("05-01", 1, 2, 2 / 3, 2, 0),
    stock("05-01", 2, 0, 0.0, 0, 0),
    stock("05-01", 3, 1, 1 / 3, 1, 0),
    # eve leaves A1 for A2, cat leaves A2 for A4: A2 keeps its size.
    stock("05-10", 1, 1, 1 / 4, 0, 1),
    stock("05-10", 2, 1, 1 / 4, 1, 1),
    stock("05-10", 4, 1, 1 / 4, 1, 0),
    # 31 May: O = ann and bob; assets = dan A1, eve A2, cat A4.
    stock("05-31", 0, 2, None, 1, 0),
    stock("05-31", 1, 1, 1 / 3, 1, 0),
    stock("05-31", 2, 1, 1 / 3, 0, 0),
    stock("05-31", 3, 0, 0.0, 0, 1),
    stock("05-31", 4, 1, 1 / 3, 0, 0),
    stock("05-31", 5, 0, 0.0, 0, 0),
]
