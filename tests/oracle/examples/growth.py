"""Authors, contents and campaigns: windows, what growth looks back at, who was seeded, roles, baselines and buyers won
(R82-R84, R92-R97, R101-R103)."""

from __future__ import annotations

from decimal import Decimal
from math import log
from typing import Any

from tests.oracle.examples import Expected, at, day, event, merge, money, order, refund
from tests.oracle.facts import Feeds, Row

D = day("06-29")


def viewed(shop: str, on: str, views: int, **more: Any) -> Row:
    row: Row = {"shop_id": shop, "business_date": day(on), "scene": "live", "traffic_source": None, "views": views}
    return row | more


def content(shop: str, content_id: str, published: str, **more: Any) -> Row:
    row: Row = {
        "shop_id": shop,
        "content_id": content_id,
        "content_type": "short_video",
        "author_id": "ann",
        "published_at": at(published),
        "ended_at": None,
        "declared_intent": None,
    }
    return row | more


def cost(shop: str, on: str, yuan: int, **more: Any) -> Row:
    row: Row = {"shop_id": shop, "business_date": day(on), "ad_id": f"ad{yuan}", "cost_amount": money(yuan)}
    return row | more


# --- authors ----------------------------------------------------------------------------------------------------------
# W(30) of 29 June begins on 31 May, that of 30 May on 1 May. Ann sold 100 on 10 June, 40 of it back on the 20th; 50 on
# 20 May, 10 of it back on 1 June, after 30 May; 5 in February. Viewed 1,000 times in June, 2,000 times in May.
# Growth 29 June: ln(60/50), ln(100/25) cut to 1, ln(50,000/100,000).
# Ten contents since 1 April, six of them about home. Bob sold in April: a row on 19 May, none on 20 May.
AUTHORS = "authors"
AUTHOR_ROWS: Feeds = {
    "orders": [
        order(AUTHORS, "L1", "u1", "06-10", 100, author_id="ann"),
        order(AUTHORS, "L2", "u2", "05-20", 50, author_id="ann"),
        order(AUTHORS, "L3", "u3", "02-10", 5, author_id="ann"),
        order(AUTHORS, "L4", "u3", "04-20", 30, author_id="bob"),
    ],
    "refunds": [refund(AUTHORS, "R1", "L1", "06-20", 40), refund(AUTHORS, "R2", "L2", "06-01", 10)],
    "traffic_daily": [viewed(AUTHORS, "05-15", 2000, author_id="ann"), viewed(AUTHORS, "06-15", 1000, author_id="ann")],
    "authors": [
        {"shop_id": AUTHORS, "author_id": "ann", "snapshot_on": day("05-01"), "followers": 100_000},
        {"shop_id": AUTHORS, "author_id": "ann", "snapshot_on": day("06-01"), "followers": 50_000},
    ],
    "contents": [
        content(AUTHORS, f"C{n}", "04-01" if n == 0 else "06-01", topic="home" if n < 6 else None) for n in range(10)
    ],
}
AUTHOR_EXPECTED = [
    Expected(
        "author_performance_daily",
        {"shop_id": AUTHORS, "author_id": "ann", "business_date": D},
        {
            "paid_amount": money(100),
            "net_amount": money(60),
            "views": 1000,
            "gpm": 100.0,
            "gpm_basis": "traffic_daily",
            "tier": "tail",
            "followers": 50_000,
            "is_vertical": True,
            "is_long_term": True,  # February, May, June
            "growth": 0.4 * log(1.2) + 0.3 + 0.3 * log(0.5),
            "audience_match": None,
            "data_status": "ok",
        },
    ),
    Expected(
        "author_performance_daily",
        {"shop_id": AUTHORS, "author_id": "ann", "business_date": day("05-30")},
        {
            "paid_amount": money(50),
            "net_amount": money(50),
            "views": 2000,
            "gpm": 25.0,
            "tier": "waist",
            "is_vertical": False,
            "is_long_term": False,
            "growth": None,
        },
    ),
    # On 14 June the line of 20 May still counts, without the 10 yuan that went back; 2,000 views of 15 May have left.
    Expected(
        "author_performance_daily",
        {"shop_id": AUTHORS, "author_id": "ann", "business_date": day("06-14")},
        {"paid_amount": money(150), "net_amount": money(140), "views": 0, "gpm": None, "gpm_basis": None},
    ),
    Expected(
        "author_performance_daily",
        {"shop_id": AUTHORS, "author_id": "bob", "business_date": day("05-19")},
        {"paid_amount": money(30), "tier": None, "views": 0, "is_vertical": False},
    ),
    # Nothing was measured before the shop's first traffic on 15 May.
    Expected(
        "author_performance_daily",
        {"shop_id": AUTHORS, "author_id": "bob", "business_date": day("05-14")},
        {"views": None, "gpm": None, "data_status": "ok"},
    ),
    Expected("author_performance_daily", {"shop_id": AUTHORS, "author_id": "bob", "business_date": day("05-20")}, None),
]

# --- audience match ---------------------------------------------------------------------------------------------------
# 60 women and 40 men buy; another buyer's profile lost its age. The author's audience: 50 % of them such women, 30 % such
# men, 20 % women of an age nobody has: min(0.5, 0.6) + min(0.3, 0.4) + 0. On 28 June, before the last man, 99 are left.
MATCH = "match"
MATCH_ROWS: Feeds = {
    "orders": [order(MATCH, f"L{n}", f"m{n}", "06-29" if n == 99 else "06-20", 1, author_id="ann") for n in range(101)],
    "users": [
        {
            "shop_id": MATCH,
            "user_id": f"m{n}",
            "snapshot_on": day("06-01"),
            "gender": "f" if n < 60 else "m",
            "age_band": "24-30" if n < 100 else None,
            "city_tier": "1",
        }
        for n in range(101)
    ],
    "author_audience": [
        {
            "shop_id": MATCH,
            "author_id": "ann",
            "snapshot_on": day("06-10"),
            "gender": gender,
            "age_band": age,
            "city_tier": "1",
            "share": Decimal(share),
        }
        for gender, age, share in (("f", "24-30", "0.5"), ("m", "24-30", "0.3"), ("f", "50-", "0.2"))
    ],
}
MATCH_EXPECTED = [
    Expected(
        "author_performance_daily",
        {"shop_id": MATCH, "author_id": "ann", "business_date": day(on)},
        {"audience_match": match, "views": None, "is_vertical": None, "data_status": "ok"},
    )
    for on, match in (("06-28", None), ("06-29", 0.8))
]

# --- who was seeded ---------------------------------------------------------------------------------------------------
# C1 touches u1, u2 and u3 on 1 June and u4 on the 15th, who is not ripe on the 29th; u5 was only shown it. u1 asks on the
# 16th, the last day; u2 a day too late; u3 had asked the day before. C9 was only advertised, C5 is not described, C3 appears
# tomorrow, C2 was only paid through, C4 did nothing.
SEEDS = "seeds"
SEED_ROWS: Feeds = {
    "traffic_events": [
        *(event(SEEDS, "view", user, "06-01", content_id="C1") for user in ("u1", "u2", "u3")),
        event(SEEDS, "view", "u4", "06-15", content_id="C1"),
        event(SEEDS, "impression", "u5", "06-01", content_id="C1"),
        event(SEEDS, "product_click", "u1", "06-16 23:59:59"),
        event(SEEDS, "product_click", "u2", "06-17 00:00:00"),
        event(SEEDS, "product_click", "u3", "05-31"),
        event(SEEDS, "view", None, "06-29", content_id="C5"),
    ],
    "orders": [
        order(SEEDS, "L1", None, "06-05", 70, content_id="C1"),
        order(SEEDS, "L2", None, "06-05", 8, content_id="C2"),
    ],
    "contents": [
        content(SEEDS, "C1", "05-31", content_type="live", declared_intent="selling"),
        content(SEEDS, "C3", "06-30"),
        content(SEEDS, "C4", "06-01", declared_intent="selling"),
    ],
    "ad_spend": [cost(SEEDS, "06-20", 30, content_id="C1"), cost(SEEDS, "06-21", 10, content_id="C9")],
}


def performed(shop: str, content_id: str, values: dict[str, Any] | None) -> Expected:
    return Expected("content_performance", {"shop_id": shop, "content_id": content_id}, values)


def mixed(shop: str, basis: str, role: str, values: dict[str, Any], on: str = "06-29") -> Expected:
    key = {"shop_id": shop, "business_date": day(on), "role_basis": basis, "role": role}
    return Expected("content_mix_daily", key, values)


NOTHING = {"contents": None, "views_share": None, "spend_share": None}
SEED_EXPECTED = [
    performed(
        SEEDS,
        "C1",
        {
            "declared_role": "selling",
            "observed_role": None,
            "views": 4,
            "ripe_users": 3,
            "a3_flow_users": 1,
            "a3_flow_rate": 1 / 3,
            "paid_amount": money(70),
            "gpm": None,
            "data_status": "ok",
        },
    ),
    performed(SEEDS, "C2", {"declared_role": None, "author_id": None, "views": 0, "data_status": "immature"}),
    performed(SEEDS, "C3", None),
    performed(SEEDS, "C4", {"declared_role": "seeding", "a3_flow_users": None, "data_status": "immature"}),
    performed(SEEDS, "C5", {"content_type": None, "views": 1, "paid_amount": money(0)}),
    performed(SEEDS, "C9", None),
    mixed(SEEDS, "declared", "selling", {"contents": 1, "views_share": 0.8, "spend_share": 0.75, "data_status": "ok"}),
    mixed(SEEDS, "declared", "seeding", {"contents": 0, "views_share": 0.0, "spend_share": 0.0}),
    mixed(SEEDS, "declared", "unknown", {"contents": 1, "views_share": 0.2, "spend_share": 0.25}),
    mixed(SEEDS, "observed", "unknown", {**NOTHING, "data_status": "insufficient"}),
]

# --- observed roles ---------------------------------------------------------------------------------------------------
# Twenty contents with 1,000 views each on 20 June, one user each, touched on 1 June: the first ten were seeded. Through every
# second one 10 yuan were paid. Medians: 0.5 and 5, so five of each role. Until the 19th nothing can be judged.
ROLES = "roles"
ROLE_ROWS: Feeds = {
    "traffic_daily": [viewed(ROLES, "06-20", 1000, content_id=f"C{n:02d}") for n in range(20)],
    "traffic_events": [event(ROLES, "like", f"r{n}", "06-01", content_id=f"C{n:02d}") for n in range(20)]
    + [event(ROLES, "product_click", f"r{n}", "06-05") for n in range(10)],
    "orders": [order(ROLES, f"L{n}", None, "06-05", 10, content_id=f"C{n:02d}") for n in range(0, 20, 2)],
}
ROLE_EXPECTED = [
    *(
        performed(ROLES, f"C{n:02d}", {"observed_role": role, "declared_role": None, "gpm": gpm, "views": 1000})
        for n, role, gpm in ((0, "both", 10.0), (1, "seeding", 0.0), (18, "selling", 10.0), (19, "weak", 0.0))
    ),
    *(
        mixed(ROLES, "observed", role, {"contents": 5, "views_share": 0.25, "spend_share": None, "data_status": "ok"})
        for role in ("both", "seeding", "selling", "weak")
    ),
    mixed(ROLES, "observed", "unknown", {"contents": 0, "views_share": 0.0, "data_status": "ok"}),
    mixed(ROLES, "observed", "both", {**NOTHING, "data_status": "insufficient"}, "06-19"),
    mixed(ROLES, "declared", "unknown", {**NOTHING, "data_status": "missing_source"}),
]

# --- a campaign -------------------------------------------------------------------------------------------------------
# Monday 6 and Tuesday 7 May, warm-up from the 4th: the baseline looks at 3 March to 27 April. Mondays brought 10.01, 20, 30,
# 40 and four times nothing: 5.005; Tuesdays five times 7: 7; the other days nothing. 12.005, rounded up: 12.01. Paid: 150.
# The 14 days after: 25, and without them 5.005 + 7 + 7 (Monday the 20th is another campaign's): 137.99 + 25 - 19.01.
# New is only the one of the two buyers who did not pay in March, and she came back on the 10th.
SALE = "sale"
MONDAYS = (("03-04", "10.01"), ("03-11", "20"), ("03-18", "30"), ("03-25", "40"))
SALE_ROWS: Feeds = {
    "orders": [
        order(SALE, "L0", None, "03-03", 0),
        *(order(SALE, f"M{on}", "old" if on == "03-04" else None, on, yuan) for on, yuan in MONDAYS),
        *(order(SALE, f"T{on}", None, on, 7) for on in ("03-05", "03-12", "03-19", "03-26", "04-02")),
        order(SALE, "L1", "new", "05-06", 100),
        order(SALE, "L2", "old", "05-07", 50),
        order(SALE, "L3", "new", "05-10", 25),
        order(SALE, "L4", None, "05-20", 1000),
        order(SALE, "L5", None, "06-29", 9),
    ],
    "campaigns": [
        {"shop_id": SALE, "name": name, "campaign_id": name, "warm_up_on": warm_up, "starts_on": start, "ends_on": end}
        for name, warm_up, start, end in (
            ("may", day("05-04"), day("05-06"), day("05-07")),
            ("520", None, day("05-20"), day("05-20")),
            ("running", day("06-20"), day("06-29"), day("07-02")),
            ("planned", day("06-20"), day("06-30"), day("07-02")),
        )
    ],
    "ad_spend": [
        cost(SALE, "05-04", 30, campaign_id="may"),
        cost(SALE, "05-07", 20, campaign_id="may"),
        cost(SALE, "05-08", 100, campaign_id="may"),
    ],
}


def campaign(campaign_id: str, values: dict[str, Any] | None) -> Expected:
    return Expected("campaign_performance", {"shop_id": SALE, "campaign_id": campaign_id}, values)


SALE_EXPECTED = [
    campaign(
        "may",
        {
            "paid_amount": money(150),
            "baseline_amount": money("12.01"),
            "uplift": 150 / 12.01 - 1,
            "incremental_amount": money("137.99"),
            "net_incremental_amount": money("143.98"),
            # On the eve of the warm-up the old buyer was A4; on the 7th he is A5 and the new one A4.
            "a3_gained": 0,
            "asset_gained": 1,
            "buyers_won": 1,
            "repurchase_30d": 1.0,
            "repurchase_90d": None,
            "roi": 3.0,
            "data_status": "ok",
        },
    ),
    # Of seven Mondays without a campaign one brought 40: 0, and no uplift over it. Nobody known paid.
    campaign(
        "520",
        {
            "paid_amount": money(1000),
            "baseline_amount": money(0),
            "uplift": None,
            "incremental_amount": money(1000),
            "repurchase_30d": None,
            "roi": None,
            "data_status": "ok",
        },
    ),
    campaign(
        "running",
        {"paid_amount": money(9), "baseline_amount": None, "a3_gained": None, "roi": None, "data_status": "immature"},
    ),
    campaign("planned", None),
]

ROWS = merge(AUTHOR_ROWS, MATCH_ROWS, SEED_ROWS, ROLE_ROWS, SALE_ROWS)
EXPECTED = [*AUTHOR_EXPECTED, *MATCH_EXPECTED, *SEED_EXPECTED, *ROLE_EXPECTED, *SALE_EXPECTED]
