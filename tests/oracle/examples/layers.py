"""5A layers, one user a rule (metrics.md 1, R16-R22).

Windows on paper: W(15) of a fact on day x reaches x+14, W(30) reaches x+29, W(365) reaches x+364. From 1 February 2024
(29 days long) that is 15 February and 1 March; from 1 March it is 15 March and 30 March; from 1 June 2023 the last day of
W(365) is 30 May 2024.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.oracle.examples import at, day, event, order, refund
from tests.oracle.facts import Feeds, Row

SHOP = "layers"


def review(review_id: str, when: str, rating: int, line: str | None = None, user: str | None = None) -> Row:
    return {
        "shop_id": SHOP,
        "review_id": review_id,
        "order_id": f"{SHOP}-{line}" if line else None,
        "order_line_id": f"{SHOP}-{line}" if line else None,
        "product_id": "P1",
        "user_id": user,
        "rating": rating,
        "created_at": at(when),
    }


ROWS: Feeds = {
    "traffic_events": [
        # The calendar starts here; nobody is named.
        event(SHOP, "impression", None, "2023-05-15"),
        # A1: any event, 15 days.
        event(SHOP, "impression", "a1_impression", "02-01 00:00"),
        event(SHOP, "search", "a1_search", "02-01 23:59:59"),
        event(SHOP, "product_impression", "a1_product_impression", "02-01"),
        # A2: a view of 30 s, 60 s when live, or complete.
        event(SHOP, "view", "view_29", "02-01", watch_seconds=29),
        event(SHOP, "view", "view_30", "02-01", watch_seconds=30),
        event(SHOP, "view", "live_59", "02-01", watch_seconds=59, scene="live"),
        event(SHOP, "view", "live_60", "02-01", watch_seconds=60, scene="live"),
        event(SHOP, "view", "live_complete", "02-01", watch_seconds=1, is_complete_play=True, scene="live"),
        event(SHOP, "view", "view_without_seconds", "02-01", is_complete_play=False),
        # A2: three views of 3 s on two days. The third makes it; when the two of 1 February leave W(30), it is over.
        event(SHOP, "view", "three_views", "02-01 08:00", watch_seconds=3),
        event(SHOP, "view", "three_views", "02-01 09:00", watch_seconds=3),
        event(SHOP, "view", "three_views", "02-02", watch_seconds=3),
        event(SHOP, "view", "three_on_one_day", "02-01 08:00", watch_seconds=3),
        event(SHOP, "view", "three_on_one_day", "02-01 09:00", watch_seconds=3),
        event(SHOP, "view", "three_on_one_day", "02-01 10:00", watch_seconds=3),
        event(SHOP, "view", "one_too_short", "02-01 08:00", watch_seconds=3),
        event(SHOP, "view", "one_too_short", "02-01 09:00", watch_seconds=Decimal("2.999")),
        event(SHOP, "view", "one_too_short", "02-02", watch_seconds=3),
        # A2: actions. A lucky bag is one.
        event(SHOP, "like", "a2_like", "02-01"),
        event(SHOP, "lucky_bag_join", "a2_lucky_bag", "02-01"),
        # A3, and then a weaker event keeps the user above O.
        event(SHOP, "product_click", "a3_then_a1", "02-01 23:59:59"),
        event(SHOP, "impression", "a3_then_a1", "02-25"),
        event(SHOP, "member_join", "a3_member", "02-01"),
        # A5 by share: on the pay date is enough even if earlier in the day; the day before is not.
        event(SHOP, "share", "share_same_day", "03-01 09:00"),
        event(SHOP, "share", "share_day_before", "02-29 23:59:59"),
        event(SHOP, "share", "share_later", "03-09"),
        event(SHOP, "share", "share_then_refund", "03-03"),
        # Shares alone make nobody A5.
        event(SHOP, "share", "share_only", "03-01"),
    ],
    "orders": [
        # A3 by an order line that is never paid; 0 yuan counts, a gift does not.
        order(SHOP, "L1", "ordered_only", None, created="02-10"),
        order(SHOP, "L2", "ordered_for_nothing", "02-10", 0),
        order(SHOP, "L3", "gift_only", "02-10", 10, is_gift=True),
        # A3 on the day it was created, A4 from the second after midnight on.
        order(SHOP, "L4", "paid_at_midnight", "02-11 00:00:00", created="02-10 23:59:59"),
        # W(365) ends: 1 June 2023 + 364 days = 30 May 2024.
        order(SHOP, "L5", "bought_a_year_ago", "2023-06-01 12:00"),
        # Two occasions, 1 and 11 June 2023: A5 while both are inside, A4 while one is, then O.
        order(SHOP, "L6", "two_a_year_ago", "2023-06-01 12:00"),
        order(SHOP, "L7", "two_a_year_ago", "2023-06-11 12:00"),
        # Refunds.
        order(SHOP, "L8", "refunded", "03-01"),
        order(SHOP, "L9", "refunded_but_a_cent", "03-01"),
        order(SHOP, "L10", "refunded_in_two_parts", "03-01"),
        order(SHOP, "L11", "refunded_same_day", "03-01 08:00"),
        order(SHOP, "L12", "refund_rejected", "03-01"),
        order(SHOP, "L13", "refund_without_status", "03-01"),
        order(SHOP, "L14", "closed_after_payment", "03-01", status="closed"),
        # A5 by occasions.
        order(SHOP, "L15", "two_occasions", "03-01"),
        order(SHOP, "L16", "two_occasions", "03-05"),
        order(SHOP, "L17", "two_lines_one_day", "03-01 08:00"),
        order(SHOP, "L18", "two_lines_one_day", "03-01 22:00"),
        order(SHOP, "L19", "first_refunded", "03-01"),
        order(SHOP, "L20", "first_refunded", "03-05"),
        # A5 by review.
        order(SHOP, "L21", "review_of_4", "03-01"),
        order(SHOP, "L22", "review_of_3", "03-01"),
        order(SHOP, "L23", "reviewed_before", "03-01"),
        # A5 by share.
        order(SHOP, "L24", "share_same_day", "03-01 20:00"),
        order(SHOP, "L25", "share_day_before", "03-01 00:00"),
        order(SHOP, "L26", "share_later", "03-01"),
        order(SHOP, "L27", "share_then_refund", "03-01"),
        # Nobody.
        order(SHOP, "L28", None, "03-01"),
    ],
    "refunds": [
        refund(SHOP, "R1", "L8", "03-10", 100),
        refund(SHOP, "R2", "L9", "03-10", "99.99"),
        refund(SHOP, "R3", "L10", "03-05", 60),
        refund(SHOP, "R4", "L10", "03-08", 40),
        refund(SHOP, "R5", "L11", "03-01 23:00", 100),
        refund(SHOP, "R6", "L12", "03-10", 100, status="rejected"),
        refund(SHOP, "R7", "L13", "03-10", 100, status=None),
        refund(SHOP, "R8", "L19", "03-20", 100),
        refund(SHOP, "R9", "L27", "03-10", 100),
    ],
    "reviews": [
        review("V1", "03-04", 4, line="L21"),
        review("V2", "03-04", 3, line="L22"),
        review("V3", "02-20", 5, user="reviewed_before"),
        review("V4", "02-20", 5, user="review_only"),
    ],
}

# user -> (valid_from, layer); the next row's valid_from is the end, the last stays open. No entry: never known.
STAYS: dict[str, list[tuple[date, int]]] = {
    "a1_impression": [(day("02-01"), 1), (day("02-16"), 0)],
    "a1_search": [(day("02-01"), 1), (day("02-16"), 0)],
    "a1_product_impression": [(day("02-01"), 1), (day("02-16"), 0)],
    "view_29": [(day("02-01"), 1), (day("02-16"), 0)],
    "view_30": [(day("02-01"), 2), (day("03-02"), 0)],
    "live_59": [(day("02-01"), 1), (day("02-16"), 0)],
    "live_60": [(day("02-01"), 2), (day("03-02"), 0)],
    "live_complete": [(day("02-01"), 2), (day("03-02"), 0)],
    "view_without_seconds": [(day("02-01"), 1), (day("02-16"), 0)],
    "three_views": [(day("02-01"), 1), (day("02-02"), 2), (day("03-02"), 0)],
    "three_on_one_day": [(day("02-01"), 1), (day("02-16"), 0)],
    # Its last event is of 2 February, so A1 reaches the 16th.
    "one_too_short": [(day("02-01"), 1), (day("02-17"), 0)],
    "a2_like": [(day("02-01"), 2), (day("03-02"), 0)],
    "a2_lucky_bag": [(day("02-01"), 2), (day("03-02"), 0)],
    # A3 until 1 March, A1 from the impression of 25 February until 10 March.
    "a3_then_a1": [(day("02-01"), 3), (day("03-02"), 1), (day("03-11"), 0)],
    "a3_member": [(day("02-01"), 3), (day("03-02"), 0)],
    # 10 February + 29 days = 10 March.
    "ordered_only": [(day("02-10"), 3), (day("03-11"), 0)],
    "ordered_for_nothing": [(day("02-10"), 3), (day("03-11"), 0)],
    "paid_at_midnight": [(day("02-10"), 3), (day("02-11"), 4)],
    "bought_a_year_ago": [(day("06-01", 2023), 4), (day("05-31"), 0)],
    "two_a_year_ago": [(day("06-01", 2023), 4), (day("06-11", 2023), 5), (day("05-31"), 4), (day("06-10"), 0)],
    # The order line of 1 March still is an A3 behaviour until the 30th.
    "refunded": [(day("03-01"), 4), (day("03-10"), 3), (day("03-31"), 0)],
    "refunded_but_a_cent": [(day("03-01"), 4)],
    "refunded_in_two_parts": [(day("03-01"), 4), (day("03-08"), 3), (day("03-31"), 0)],
    "refunded_same_day": [(day("03-01"), 3), (day("03-31"), 0)],
    "refund_rejected": [(day("03-01"), 4)],
    "refund_without_status": [(day("03-01"), 4), (day("03-10"), 3), (day("03-31"), 0)],
    "closed_after_payment": [(day("03-01"), 4)],
    "two_occasions": [(day("03-01"), 4), (day("03-05"), 5)],
    "two_lines_one_day": [(day("03-01"), 4)],
    "first_refunded": [(day("03-01"), 4), (day("03-05"), 5), (day("03-20"), 4)],
    "review_of_4": [(day("03-01"), 4), (day("03-04"), 5)],
    "review_of_3": [(day("03-01"), 4)],
    # The review of 20 February makes nobody known, but it is inside W(365) when the purchase comes.
    "reviewed_before": [(day("03-01"), 5)],
    "share_same_day": [(day("03-01"), 5)],
    "share_day_before": [(day("02-29"), 2), (day("03-01"), 4)],
    "share_later": [(day("03-01"), 4), (day("03-09"), 5)],
    # Refund on the 10th: A3 by the order line until the 30th, A2 by the share until 1 April.
    "share_then_refund": [
        (day("03-01"), 4),
        (day("03-03"), 5),
        (day("03-10"), 3),
        (day("03-31"), 2),
        (day("04-02"), 0),
    ],
    "share_only": [(day("03-01"), 2), (day("03-31"), 0)],
}
