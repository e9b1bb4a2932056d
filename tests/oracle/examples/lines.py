"""Purchase paths, traffic sources and the field matrix of a day, line by line (metrics.md 5 and 7, R66-R73, R78-R81)."""

from __future__ import annotations

from typing import Any

from tests.oracle.examples import Expected, day, event, merge, money, order
from tests.oracle.facts import Feeds

ON = "06-10"

# --- paths ------------------------------------------------------------------------------------------------------------
# line  yuan  entry      scene        what the buyer did before                    path
# A     1     search     mall         nothing                                      pure pull
# B     2     recommend  live         nothing                                      direct push
# C     4     cart       mall         watched a live two days before               content-assisted pull
# D     8     recommend  mall         searched for the product (does not fit)      pure pull
# E     16    none       live         saw it in a live 168 hours before            direct push
# F     32    none       none         the same, a second earlier                   unknown
# G     64    none       none         nobody knows who bought                      unknown
# H     128   paid       short_video  nothing                                      direct push, marketing
# I     256   search     mall         nothing, in a campaign                       pure pull, marketing
# J     512   follow     live         nothing, of an author nobody described       direct push, marketing
PATHS = "paths"
LINES: tuple[tuple[str, int, str | None, str | None, dict[str, Any]], ...] = (
    ("A", 1, "search", "mall", {}),
    ("B", 2, "recommend", "live", {}),
    ("C", 4, "cart", "mall", {}),
    ("D", 8, "recommend", "mall", {}),
    ("E", 16, None, "live", {}),
    ("F", 32, None, None, {}),
    ("G", 64, None, None, {"user_id": None}),
    ("H", 128, "paid", "short_video", {}),
    ("I", 256, "search", "mall", {"campaign_id": "618"}),
    ("J", 512, "follow", "live", {"author_id": "stranger"}),
)
PATH_ROWS: Feeds = {
    "orders": [
        order(PATHS, line, f"u{line}", ON, yuan, product_id=f"P{line}", entry=entry, scene=scene, **more)
        for line, yuan, entry, scene, more in LINES
    ],
    "traffic_events": [
        event(PATHS, "view", "uC", "06-08", scene="live"),
        event(PATHS, "product_click", "uD", "06-09", scene="search", product_id="PD"),
        event(PATHS, "product_click", "uE", "06-03 12:00:00", scene="live", product_id="PE"),
        event(PATHS, "product_click", "uF", "06-03 11:59:59", scene="live", product_id="PF"),
    ],
}


def path(path_class: str, scene: str, field: str, yuan: int, marketing: int, orders: int, buyers: int) -> Expected:
    return Expected(
        "purchase_path_daily",
        {"shop_id": PATHS, "business_date": day(ON), "path_class": path_class, "scene": scene},
        {
            "field": field,
            "paid_amount": money(yuan),
            "marketing_amount": money(marketing),
            "orders": orders,
            "buyers": buyers,
            "amount_share": yuan / 1023,
            "data_status": "ok",
        },
    )


PATH_EXPECTED = [
    path("pure_pull", "mall", "center", 1 + 8 + 256, 256, 3, 3),
    path("direct_push", "live", "content", 2 + 16 + 512, 512, 3, 3),
    path("content_assisted_pull", "mall", "center", 4, 0, 1, 1),
    path("direct_push", "short_video", "content", 128, 128, 1, 1),
    path("unknown", "unknown", "unknown", 32 + 64, 0, 2, 1),
]

# --- where viewers come from ------------------------------------------------------------------------------------------
# Seven views of a live: 2/7 = 28.57 %, 3/7 = 42.86 %, 1/7 = 14.29 % twice. Whole percents make 98: the largest remainders,
# .86 and .57, are rounded up. A view in a short video is not asked.
SOURCES = "sources"
SOURCE_ROWS: Feeds = {
    "traffic_events": [
        *(
            event(SOURCES, "view", None, ON, scene="live", traffic_source=source)
            for source in ("paid", "paid", "recommend", "recommend", "recommend", "search", None)
        ),
        event(SOURCES, "view", None, ON, scene="short_video", traffic_source="follow"),
    ]
}


def source(name: str, views: int, displayed: int | None, paper: int, on: str = ON) -> Expected:
    return Expected(
        "traffic_source_daily",
        {"shop_id": SOURCES, "business_date": day(on), "traffic_source": name},
        {
            "views": views,
            "share": views / 7 if displayed is not None else None,
            "displayed_share": displayed,
            "paper_share": paper / 99,
        },
    )


SOURCE_EXPECTED = [
    source("paid", 2, 29, 22),
    source("recommend", 3, 43, 62),
    source("follow", 0, 0, 9),
    source("search", 1, 14, 2),
    source("short_video_referral", 0, 0, 3),
    source("other", 1, 14, 1),
    source("recommend", 0, None, 62, "06-11"),
]

# --- fields -----------------------------------------------------------------------------------------------------------
# line  yuan  author                              campaign  class
# A     100   1,000,000 followers                 yes       head
# B     50    a celebrity with 5,000              no        head
# C     20    none                                yes       campaign
# D     10    the shop's own                      yes       campaign
# E     200   999,999 followers                   no        matrix
# F     75    the shop's own                      no        own; 50 on the same day a year before
# G     45    none                                no        shelf
FIELDS = "fields"
SOLD: tuple[tuple[str, int, str | None, str | None], ...] = (
    ("A", 100, "famous", "618"),
    ("B", 50, "star", None),
    ("C", 20, None, "618"),
    ("D", 10, "brand", "618"),
    ("E", 200, "nearly", None),
    ("F", 75, "brand", None),
    ("G", 45, None, None),
)
FIELD_ROWS: Feeds = {
    "orders": [
        *(order(FIELDS, line, None, ON, yuan, author_id=author, campaign_id=campaign)
          for line, yuan, author, campaign in SOLD),
        order(FIELDS, "Y", None, "2023-06-10 12:00", 50, author_id="brand"),
    ],
    "authors": [
        {"shop_id": FIELDS, "author_id": author, "snapshot_on": day("01-01", 2023), "followers": followers,
         "is_own": author == "brand", "is_celebrity": author == "star"}
        for author, followers in (("famous", 1_000_000), ("star", 5_000), ("nearly", 999_999), ("brand", 2_000_000))
    ],
}  # fmt: skip


def field(name: str, yuan: int, campaign: int, yoy: float | None, paper: float | None) -> Expected:
    return Expected(
        "field_matrix_daily",
        {"shop_id": FIELDS, "business_date": day(ON), "field_class": name},
        {
            "paid_amount": money(yuan),
            "share": yuan / 500,
            "campaign_amount": money(campaign),
            "yoy_growth": yoy,
            "paper_share": paper,
            "data_status": "ok",
        },
    )


FIELD_EXPECTED = [
    field("head_author", 150, 100, None, None),
    field("campaign", 30, 30, None, None),
    field("author_matrix", 200, 0, None, 0.61),
    field("own", 75, 0, 0.5, 0.21),
    field("shelf", 45, 0, None, None),
]

ROWS = merge(PATH_ROWS, SOURCE_ROWS, FIELD_ROWS)
EXPECTED = [*PATH_EXPECTED, *SOURCE_EXPECTED, *FIELD_EXPECTED]
