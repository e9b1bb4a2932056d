"""The shop day and repurchase (metrics.md 9, 11, R10b, R80, R85-R89)."""

from __future__ import annotations

from datetime import date, timedelta

from tests.oracle.facts import ONE_DAY, ZERO, Row, Shop, window
from tests.oracle.traffic import traffic_day


def shop_daily(shop: Shop) -> list[Row]:
    return [one_day(shop, day) for day in shop.days]


def one_day(shop: Shop, day: date) -> Row:
    row: Row = {"shop_id": shop.shop_id, "business_date": day}
    measured = shop.first_traffic_day is not None and day >= shop.first_traffic_day
    traffic = traffic_day(shop, day)
    for column in ("impressions", "views", "viewers", "product_impression_users", "product_click_users"):
        row[column] = getattr(traffic, column) if measured else None
    row["traffic_basis"] = traffic.basis if measured else None

    lines = shop.lines_paid_on.get(day, [])
    paid = sum((line.paid for line in lines), ZERO)
    buyers = {line.user_id for line in lines if line.user_id is not None}
    year_before = {
        line.user_id for line in shop.paid_between(day - timedelta(days=shop.rules.new_buyer_days), day - ONE_DAY)
    }
    spent = sum((r["cost_amount"] for r in shop.feeds.get("ad_spend", []) if r["business_date"] == day), ZERO)
    row |= {
        "buyers": len(buyers),
        "orders": len({line.order_id for line in lines}),
        "units": sum(line.quantity for line in lines),
        "paid_amount": paid,
        "net_amount": paid,
        "refund_by_pay_date": None,
        "refund_by_refund_date": None,
        "excess_refund_amount": None,
        "new_buyers": len(buyers - year_before),
        "returning_buyers": len(buyers & year_before),
        "roi": float(paid) / float(spent) if spent else None,  # R87
        "paid_amount_yoy": year_on_year(shop, day),
    }
    if shop.present("refunds"):
        given_back = sum((line.refunded(shop.on) for line in lines), ZERO)  # R85: as known on D
        row["refund_by_pay_date"] = given_back
        row["net_amount"] = paid - given_back
        # R2: a line paid after the day is not a paid line on the day, so its earlier refund is ignored there (R10).
        that_day = [r for line in shop.lines if line.pay_day <= day for r in line.refunds if r.day == day]
        row["refund_by_refund_date"] = sum((r.counted for r in that_day), ZERO)
        row["excess_refund_amount"] = sum((r.amount - r.counted for r in that_day), ZERO)  # R10b
    if not shop.names_users:  # R13b
        row |= dict.fromkeys(("buyers", "new_buyers", "returning_buyers"))
    if not shop.present("orders"):
        row |= dict.fromkeys(
            [
                "buyers",
                "orders",
                "units",
                "paid_amount",
                "net_amount",
                "refund_by_pay_date",
                "refund_by_refund_date",
                "excess_refund_amount",
                "new_buyers",
                "returning_buyers",
                "roi",
                "paid_amount_yoy",
            ]
        )
    row["data_status"] = "missing_source" if row["impressions"] is None else "ok"
    return row


def year_on_year(shop: Shop, day: date) -> float | None:
    """R80."""
    if (day.month, day.day) == (2, 29):
        return None
    past = sum((line.paid for line in shop.lines_paid_on.get(day.replace(year=day.year - 1), [])), ZERO)
    now = sum((line.paid for line in shop.lines_paid_on.get(day, [])), ZERO)
    return float(now) / float(past) - 1 if past else None


def occasions(shop: Shop, days: int, on: date) -> dict[str, set[date]]:
    """Known user -> pay dates in W(days, on) with a line still effective on the day (R36, R89)."""
    first, last = window(days, on)
    result: dict[str, set[date]] = {}
    for line in shop.paid_between(first, last):
        if line.user_id is not None and line.effective(on):
            result.setdefault(line.user_id, set()).add(line.pay_day)
    return result


def repurchase_daily(shop: Shop) -> list[Row]:
    rows = []
    known = shop.names_users and shop.present("orders")
    for day in shop.days:
        row: Row = {"shop_id": shop.shop_id, "business_date": day}
        for days in shop.rules.repurchase_windows:
            by_user = occasions(shop, days, day)
            buyers, repeat = len(by_user), sum(1 for pay_days in by_user.values() if len(pay_days) >= 2)
            row[f"repurchase_rate_{days}d"] = repeat / buyers if known and buyers else None
            row[f"buyers_{days}d"] = buyers if known else None
            row[f"repeat_buyers_{days}d"] = repeat if known else None
        if not known:
            row["data_status"] = "missing_source"
        else:
            row["data_status"] = "insufficient" if row["repurchase_rate_30d"] is None else "ok"
        rows.append(row)
    return rows
