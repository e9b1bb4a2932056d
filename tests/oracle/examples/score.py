"""Operating score with anchors a person can read off a list (metrics.md 2, R28-R43).

Shop `score`, all of May 2024 (31 days) sets the self anchors of June's days. Sorted, the 4th, 16th and 28th of 31 values
are P10, P50, P90 exactly (0.1 x 30 = 3, 0.5 x 30 = 15, 0.9 x 30 = 27 steps from the first).

| per day of May | 1st-10th | 11th-20th | 21st-31st | L / M / E |
|---|---|---|---|---|
| impressions | 1 | 7 | 31 | 1 / 7 / 31, so 1+x = 2 / 8 / 32 |
| contents | 0 | 1 | 3 | 0 / 1 / 3, so 1+x = 1 / 2 / 4 |
| clickers of 100 exposed | 30 | 40 | 50 | 0.3 / 0.4 / 0.5 |
| buyers of them | 3 = 0.1 | 8 = 0.2 | 20 = 0.4 | 0.1 / 0.2 / 0.4 |
| price of the day's units | yuan k on the k-th | | | 4 / 16 / 28 |

No live: the two live indicators do not apply, 74 points of weight are left. At most 20 people buy in May, so the
repurchase rate (30 needed) never has a value there and no anchors in June: 62 of 74 points can be scored, breadth 24 of
24, depth 38 of 50.

June, f and points (weights 14, 10, 14, 14, 10):

| day | impressions | contents | click rate | click to purchase | price | raw |
|---|---|---|---|---|---|---|
| 1 | 0: 0 | 0: 0 | 30: 0 | 3/30 = 0.1: 0 | 3: 0 | 0 |
| 2 | 3, log2 4 = 2: 0.6 x 1/2 = 0.3 -> 4.2 | 1: 0.6 -> 6 | 35: 0.3 -> 4.2 | 7/35 = 0.2: 0.6 -> 8.4 | 10: 0.3 -> 3 | 25.8 |
| 3 | 15, log2 16 = 4: 0.8 -> 11.2 | 2: 0.6 + 0.4 (log2 3 - 1) | 50: 1 -> 14 | 15/50 = 0.3: 0.8 -> 11.2 | 22: 0.8 -> 8 | |
| 4 | 40: 14 | 4: 10 | 60: 14 | 30/60 = 0.5: 14 | 40: 10 | 62 |
| 5 | 7: 0.6 -> 8.4 | 1: 6 | 29 of 99: too few | 0/29: too few | no unit | 14.4 |
| 6 | as the 4th, and a live with 30 viewers | | | | | 62 |
"""

from __future__ import annotations

import math
from typing import Any

from tests.oracle.examples import Expected, at, day, each_day, event, merge, order
from tests.oracle.facts import Feeds, Row

SHOP = "score"


def trading_day(on: str, shown: int, contents: int, exposed: int, clickers: int, buyers: int, price: int) -> Feeds:
    """One day's rows: impressions nobody is named for, the first of them of the day's new contents."""
    published = [f"{on}-{n}" for n in range(contents)]
    impressions = [
        event(SHOP, "impression", None, on, content_id=published[n] if n < contents else None) for n in range(shown)
    ]
    people = [f"u{n:03d}" for n in range(exposed)]
    return {
        "traffic_events": [
            *impressions,
            *(event(SHOP, "product_impression", user, on, scene="mall") for user in people),
            *(event(SHOP, "product_click", user, on, scene="mall") for user in people[:clickers]),
        ],
        "orders": [order(SHOP, f"{on}-{user}", user, on, price) for user in people[:buyers]],
        "contents": [
            {
                "shop_id": SHOP,
                "content_id": content,
                "content_type": "short_video",
                "author_id": "own",
                "published_at": at(on),
                "ended_at": None,
            }
            for content in published
        ],
    }


def may(k: int) -> Feeds:
    third = 0 if k <= 10 else 1 if k <= 20 else 2
    return trading_day(
        f"05-{k:02d}", (1, 7, 31)[third], (0, 1, 3)[third], 100, (30, 40, 50)[third], (3, 8, 20)[third], k
    )


SCORE_ROWS = merge(
    *(may(d.day) for d in each_day(day("05-01"), day("05-31"))),
    trading_day("06-01", 0, 0, 100, 30, 3, 3),
    trading_day("06-02", 3, 1, 100, 35, 7, 10),
    trading_day("06-03", 15, 2, 100, 50, 15, 22),
    trading_day("06-04", 40, 4, 100, 60, 30, 40),
    trading_day("06-05", 7, 1, 99, 29, 0, 0),
    trading_day("06-06", 40, 4, 100, 60, 30, 40),
    {
        "traffic_events": [
            event(SHOP, "view", f"u{n:03d}", "06-06", scene="live", watch_seconds=10, content_id="live")
            for n in range(30)
        ]
    },
)


def indicator(on: str, name: str, **values: Any) -> Expected:
    key = {"shop_id": SHOP, "grain": "day", "period_start": day(on), "indicator": name}
    return Expected("operating_score_indicators", key, values)


def score(on: str, **values: Any) -> Expected:
    return Expected("operating_score", {"shop_id": SHOP, "grain": "day", "period_start": day(on)}, values)


CONTENT_3 = 10 * (0.6 + 0.4 * (math.log2(3) - 1))
RAW_3 = 11.2 + CONTENT_3 + 14 + 11.2 + 8
RAW_2 = 25.8
SCORE_EXPECTED = [
    # Below the floor and on it.
    indicator(
        "06-01", "total_impressions",
        numerator=0, denominator=None, value=0.0, floor_anchor=1.0, average_anchor=7.0, excellent_anchor=31.0,
        benchmark_source="self", fraction=0.0, weight=14, points=0.0, contribution=None, data_status="ok",
    ),
    indicator("06-01", "content_count", value=0.0, floor_anchor=0.0, average_anchor=1.0, excellent_anchor=3.0, points=0.0),
    indicator(
        "06-01", "product_click_rate",
        numerator=30, denominator=100, value=0.3, floor_anchor=0.3, average_anchor=0.4, excellent_anchor=0.5, fraction=0.0,
    ),
    indicator(
        "06-01", "click_purchase_rate",
        numerator=3, denominator=30, value=0.1, floor_anchor=0.1, average_anchor=0.2, excellent_anchor=0.4, fraction=0.0,
    ),
    indicator(
        "06-01", "price_per_unit",
        numerator=9, denominator=3, value=3.0, floor_anchor=4.0, average_anchor=16.0, excellent_anchor=28.0, fraction=0.0,
    ),
    # The day before has no anchors yet, so no score: nothing to compare with.
    score(
        "06-01",
        period_end=day("06-01"), score_100=0.0, score_raw=0.0, coverage=62, breadth_points=0.0, depth_points=0.0,
        live_dwell_seconds_points=None, repurchase_rate_90d_points=None, score_change=None, biggest_mover=None,
        data_status="ok",
    ),
    score("05-31", score_100=None, score_raw=None, coverage=0, breadth_points=None, depth_points=None,
          data_status="insufficient"),
    # Between floor and average, and on the average.
    indicator("06-02", "total_impressions", value=3.0, fraction=0.3, points=4.2, contribution=100 * 4.2 / 62),
    indicator("06-02", "content_count", value=1.0, fraction=0.6, points=6.0, contribution=100 * 6 / 62),
    indicator("06-02", "product_click_rate", value=0.35, fraction=0.3, points=4.2, contribution=100 * 4.2 / 62),
    indicator("06-02", "click_purchase_rate", value=0.2, fraction=0.6, points=8.4, contribution=100 * 8.4 / 62),
    indicator("06-02", "price_per_unit", value=10.0, fraction=0.3, points=3.0, contribution=100 * 3 / 62),
    indicator(
        "06-02", "live_dwell_seconds",
        numerator=None, denominator=None, value=None, fraction=None, weight=12, points=None, contribution=0.0,
        data_status="not_applicable",
    ),
    score(
        "06-02",
        score_100=100 * RAW_2 / 62, score_raw=25.8, coverage=62, breadth_points=10.2, depth_points=15.6,
        score_change=100 * RAW_2 / 62, biggest_mover="click_purchase_rate", data_status="ok",
    ),
    # Between average and excellent; the click rate exactly on excellent.
    indicator("06-03", "total_impressions", value=15.0, fraction=0.8, points=11.2, contribution=100 * 7.0 / 62),
    indicator("06-03", "content_count", value=2.0, points=CONTENT_3, contribution=100 * (CONTENT_3 - 6) / 62),
    indicator("06-03", "product_click_rate", value=0.5, fraction=1.0, points=14.0, contribution=100 * 9.8 / 62),
    indicator("06-03", "click_purchase_rate", value=0.3, fraction=0.8, points=11.2, contribution=100 * 2.8 / 62),
    indicator("06-03", "price_per_unit", value=22.0, fraction=0.8, points=8.0, contribution=100 * 5 / 62),
    score("06-03", score_raw=RAW_3, score_change=100 * (RAW_3 - RAW_2) / 62, biggest_mover="product_click_rate"),
    # Beyond excellent, all of it.
    indicator("06-04", "total_impressions", value=40.0, fraction=1.0, points=14.0),
    indicator("06-04", "click_purchase_rate", value=0.5, fraction=1.0, points=14.0),
    # u000 to u019 bought in May, u020 to u029 today only: 20 of 30 bought on two days. A value, but no anchors.
    indicator(
        "06-04", "repurchase_rate_90d",
        numerator=20, denominator=30, value=20 / 30, floor_anchor=None, average_anchor=None, excellent_anchor=None,
        benchmark_source=None, fraction=None, points=None, contribution=0.0, data_status="insufficient",
    ),
    # 28 May has 20 buyers in 90 days: too few for a value.
    indicator("05-28", "repurchase_rate_90d", numerator=20, denominator=20, value=None, data_status="insufficient"),
    score("06-04", score_100=100.0, score_raw=62.0, coverage=62, score_change=100 - 100 * RAW_3 / 62),
    # 99 exposed, 29 clickers, no unit: 24 of 74 points scored, no score, and no change on the day after.
    indicator(
        "06-05", "product_click_rate",
        numerator=29, denominator=99, value=None, fraction=None, points=None, contribution=None, data_status="insufficient",
    ),
    indicator("06-05", "click_purchase_rate", numerator=0, denominator=29, value=None, data_status="insufficient"),
    indicator("06-05", "price_per_unit", numerator=0, denominator=0, value=None, data_status="insufficient"),
    score(
        "06-05",
        score_100=None, score_raw=14.4, coverage=24, breadth_points=14.4, depth_points=None, score_change=None,
        biggest_mover=None, data_status="insufficient",
    ),
    # With a live all 100 points apply and 62 are too few: below 70, and breadth has 24 of 50.
    indicator(
        "06-06", "live_dwell_seconds",
        numerator=300, denominator=30, value=10.0, fraction=None, points=None, data_status="insufficient",
    ),
    indicator("06-06", "live_interaction_rate", numerator=0, denominator=30, value=0.0, data_status="insufficient"),
    score("06-06", score_100=None, score_raw=62.0, coverage=62, score_change=None, data_status="insufficient"),
    # A day without traffic or orders was measured: no impressions, no contents, floor.
    indicator("06-07", "total_impressions", numerator=0, value=0.0, points=0.0, data_status="ok"),
    # May is complete: 10 x 1 + 10 x 7 + 11 x 31 impressions, 10 x 1 + 11 x 3 contents, but no six months before it.
    Expected(
        "operating_score_indicators",
        {"shop_id": SHOP, "grain": "month", "period_start": day("05-01"), "indicator": "total_impressions"},
        {"numerator": 421, "value": 421.0, "benchmark_source": None, "points": None, "data_status": "insufficient"},
    ),
    Expected(
        "operating_score_indicators",
        {"shop_id": SHOP, "grain": "month", "period_start": day("05-01"), "indicator": "content_count"},
        {"numerator": 43, "value": 43.0},
    ),
    # June ends the day after the run, and so does the week of 24 June; the week of 29 April began before the shop.
    Expected("operating_score", {"shop_id": SHOP, "grain": "month", "period_start": day("06-01")}, None),
    Expected("operating_score", {"shop_id": SHOP, "grain": "week", "period_start": day("06-24")}, None),
    Expected("operating_score", {"shop_id": SHOP, "grain": "week", "period_start": day("04-29")}, None),
    Expected(
        "operating_score",
        {"shop_id": SHOP, "grain": "week", "period_start": day("06-17")},
        {"period_end": day("06-23"), "data_status": "insufficient"},
    ),
]  # fmt: skip

# --- sessions and contents --------------------------------------------------------------------------------------------
# One live, 3 June 23:50 to 4 June 00:20. v01 to v15 watch it before midnight (10 s each) and after it (20 s each): two
# sessions of 15 viewers, 450 seconds. Acting viewers: v01, v02, v03, v06 on the 3rd, v04 on the 4th = 5. v05 likes where
# it did not watch, v07 only favourites, v99 never watched, and the unnamed viewer counts on neither side.
LIVE = "live_room"
FIRST, SECOND = "06-03 23:55", "06-04 00:05"


def act(kind: str, user: str | None, when: str, content: str | None = "L1", **more: Any) -> Row:
    return event(LIVE, kind, user, when, scene="live", content_id=content, **more)


def content(name: str, kind: str, published: str, ended: str | None = None) -> Row:
    return {
        "shop_id": LIVE,
        "content_id": name,
        "content_type": kind,
        "author_id": "own",
        "published_at": at(published),
        "ended_at": at(ended) if ended else None,
    }


VIEWERS = [f"v{n:02d}" for n in range(1, 16)]
LIVE_ROWS: Feeds = {
    "traffic_events": [
        *(act("view", user, FIRST, watch_seconds=10) for user in VIEWERS),
        *(act("view", user, SECOND, watch_seconds=20) for user in VIEWERS),
        act("view", None, FIRST, watch_seconds=1000),
        act("like", "v01", FIRST),
        act("like", "v02", FIRST),
        act("follow", "v03", FIRST),
        act("comment", "v04", SECOND),
        act("like", "v05", FIRST, content=None),
        act("like", "v06", FIRST),
        act("share", "v06", FIRST),
        act("favorite", "v07", FIRST),
        act("gift", "v99", FIRST),
        act("impression", None, SECOND, content="L1"),
        act("impression", None, FIRST, content="L2"),
        act("impression", None, FIRST, content="L3"),
        event(LIVE, "impression", None, FIRST, scene="mall", content_id="IT"),
        event(LIVE, "view", None, FIRST, scene="short_video", content_id="SV"),
    ],
    "contents": [
        content(
            "L1", "live", "06-03 23:50", "06-04 00:20"
        ),  # 30 minutes, impression on the 4th: in the week, not in the day
        content("L2", "live", "06-03 20:00:01", "06-03 20:30:00"),  # a second short of 30 minutes
        content("L3", "live", "06-03 20:00"),  # no end
        content(
            "IT", "image_text", "06-03 08:00"
        ),  # counts, though the mall's impressions are not in the first indicator
        content("SV", "short_video", "06-03 08:00"),  # viewed, never shown
    ],
}


def live(grain: str, on: str, name: str, **values: Any) -> Expected:
    key = {"shop_id": LIVE, "grain": grain, "period_start": day(on), "indicator": name}
    return Expected("operating_score_indicators", key, values)


LIVE_EXPECTED = [
    live("week", "06-03", "live_dwell_seconds", numerator=450, denominator=30, value=15.0),
    live("week", "06-03", "live_interaction_rate", numerator=5, denominator=30, value=5 / 30),
    live("day", "06-03", "live_dwell_seconds", numerator=150, denominator=15, value=None, data_status="insufficient"),
    live("day", "06-03", "live_interaction_rate", numerator=4, denominator=15, value=None),
    live("day", "06-04", "live_interaction_rate", numerator=1, denominator=15, value=None),
    live("day", "06-05", "live_interaction_rate", numerator=None, denominator=None, data_status="not_applicable"),
    live("week", "06-03", "total_impressions", numerator=3, value=3.0),
    live("day", "06-03", "content_count", numerator=1, value=1.0),
    live("day", "06-04", "content_count", numerator=0, value=0.0),
    live("week", "06-03", "content_count", numerator=2, value=2.0),
    # No order of this shop was ever loaded.
    live("week", "06-03", "price_per_unit", numerator=None, denominator=None, value=None, data_status="missing_source"),
]

ROWS = merge(SCORE_ROWS, LIVE_ROWS)
EXPECTED = [*SCORE_EXPECTED, *LIVE_EXPECTED]
