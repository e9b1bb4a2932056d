"""Goods quadrant and its summary (metrics.md 4, R44-R50)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from tests.oracle.facts import ONE_DAY, ZERO, Row, Shop, window

CLASSES = ("traffic", "core", "profit", "potential")
# Amount and quantity.
HIGH = {"traffic": (False, True), "core": (True, True), "profit": (True, False), "potential": (False, False)}
CHINESE = {"traffic": "引流款", "core": "主力款", "profit": "利润款", "potential": "潜力款", "no_sales": "无动销"}
SCOPES = ("live", "all")
Sums = dict[str, tuple[Decimal, int]]


def classify(product: str, sums: Sums, minimum: int) -> str | None:
    """Class among the products with both sums positive; high means share >= 1/N, ties high (R46)."""
    sold = {p: s for p, s in sums.items() if s[0] > 0 and s[1] > 0}
    if product not in sold:
        return "no_sales"
    count = len(sold)
    if count < minimum:
        return None
    amount, quantity = sold[product]
    high_amount = amount * count >= sum((s[0] for s in sold.values()), ZERO)
    high_quantity = quantity * count >= sum(s[1] for s in sold.values())
    if high_amount:
        return "core" if high_quantity else "profit"
    return "traffic" if high_quantity else "potential"


def product_quadrant(shop: Shop) -> list[Row]:
    rules = shop.rules
    listed = {p["product_id"]: p.get("listed_at").date() if p.get("listed_at") else None for p in shop.products}
    first_paid: dict[str, date] = {}
    for line in shop.lines:
        first_paid[line.product_id] = min(line.pay_day, first_paid.get(line.product_id, line.pay_day))

    rows: list[Row] = []
    net_published: dict[tuple[date, str, str], Decimal] = {}
    class_on: dict[tuple[date, str, str], str | None] = {}
    for day in shop.days:
        products = [
            p
            for p in sorted({*listed, *first_paid})
            if (p in listed and (listed[p] is None or listed[p] <= day)) or (p in first_paid and first_paid[p] <= day)
        ]
        first, last = window(rules.quadrant_days, day)
        for scope in SCOPES:
            lines = [ln for ln in shop.paid_between(first, last) if scope == "all" or ln.scene == "live"]

            def total(product: str, amount: Callable, quantity: Callable, lines: list = lines) -> tuple[Decimal, int]:
                mine = [line for line in lines if line.product_id == product]
                return sum((amount(ln) for ln in mine), ZERO), sum(quantity(ln) for ln in mine)

            net: Sums = {
                p: total(p, lambda ln, d=day: ln.net_amount(d), lambda ln, d=day: ln.net_quantity(d)) for p in products
            }
            gross: Sums = {p: total(p, lambda ln: ln.paid, lambda ln: ln.quantity) for p in products}
            sold = {p for p, (amount, quantity) in net.items() if amount > 0 and quantity > 0}
            all_amount = sum((net[p][0] for p in sold), ZERO)
            all_quantity = sum(net[p][1] for p in sold)
            for product in products:
                amount, quantity = net[product]
                quadrant = classify(product, net, rules.quadrant_min_products)
                net_published[day, scope, product] = amount
                class_on[day, scope, product] = quadrant
                start = listed[product] if listed.get(product) is not None else first_paid.get(product)
                age = (day - start).days if start is not None and start <= day else None  # R48
                before = net_published.get((day - timedelta(days=30), scope, product), ZERO)
                row = {
                    "shop_id": shop.shop_id,
                    "business_date": day,
                    "scope": scope,
                    "product_id": product,
                    "net_amount": amount,
                    "net_quantity": quantity,
                    "amount_share": float(amount) / float(all_amount) if product in sold else None,
                    "quantity_share": quantity / all_quantity if product in sold else None,
                    "product_count": len(sold),
                    "quadrant": quadrant,
                    "quadrant_zh": CHINESE.get(quadrant) if quadrant else None,
                    "quadrant_gross": classify(product, gross, rules.quadrant_min_products),
                    "is_provisional": None if age is None else age < rules.provisional_days,
                    "is_tail_risk": None
                    if quadrant is None
                    else quadrant == "potential"
                    and age is not None
                    and age > rules.tail_risk_days
                    and amount <= before,
                    "moved_from": (before_it := moved_from(class_on, day, scope, product, shop)),
                    "moved_because": reason(before_it, quadrant),
                    "data_status": "ok" if quadrant else "insufficient",
                }
                if not shop.present("orders"):
                    row |= dict.fromkeys(
                        [
                            "net_amount",
                            "net_quantity",
                            "amount_share",
                            "quantity_share",
                            "product_count",
                            "quadrant",
                            "quadrant_zh",
                            "quadrant_gross",
                            "is_tail_risk",
                            "moved_from",
                            "moved_because",
                        ]
                    ) | {"data_status": "missing_source"}
                rows.append(row)
    return rows


def reason(old: str | None, new: str | None) -> str | None:
    """What turned between two classes: "both_rose", or amount and quantity by name."""
    if old is None or new is None:
        return None
    sides = zip(("amount", "quantity"), HIGH[old], HIGH[new], strict=True)
    turned = {name: "rose" if now else "fell" for name, was, now in sides if was != now}
    if len(turned) == 2 and turned["amount"] == turned["quantity"]:
        return f"both_{turned['amount']}"
    return "_".join(f"{name}_{way}" for name, way in turned.items())


def moved_from(class_on: dict, day: date, scope: str, product: str, shop: Shop) -> str | None:
    """Class of the previous confirmed run, on the third day of a run of another class (R49)."""
    confirm = shop.rules.confirm_days
    now = class_on.get((day, scope, product))
    if now not in CLASSES:
        return None
    length = run_length(class_on, day, scope, product)
    if length != confirm:
        return None
    past = day - timedelta(days=length)
    while shop.first_day is not None and past >= shop.first_day:
        length = run_length(class_on, past, scope, product)
        if length >= confirm:
            before = class_on[past, scope, product]
            return before if before != now else None
        past -= timedelta(days=max(length, 1))
    return None


def run_length(class_on: dict, day: date, scope: str, product: str) -> int:
    """Days in a row, ending on the day, in the class of the day; 0 when it has none of the four."""
    now = class_on.get((day, scope, product))
    length = 0
    while now in CLASSES and class_on.get((day, scope, product)) == now:
        length += 1
        day -= ONE_DAY
    return length


def quadrant_summary_daily(shop: Shop, quadrants: list[Row]) -> list[Row]:
    """Four rows a day and scope, always (R50)."""
    rows = []
    paper = shop.rules.paper_share
    for day in shop.days:
        for scope in SCOPES:
            mine = [r for r in quadrants if r["business_date"] == day and r["scope"] == scope]
            sold = [r for r in mine if r["quadrant"] in CLASSES]
            total = sum((r["net_amount"] for r in sold), ZERO)
            shares = {
                c: float(sum((r["net_amount"] for r in sold if r["quadrant"] == c), ZERO)) / float(total)
                for c in CLASSES
                if sold
            }
            for quadrant in CLASSES:
                row: Row = {
                    "shop_id": shop.shop_id,
                    "business_date": day,
                    "scope": scope,
                    "quadrant": quadrant,
                    "products": None,
                    "net_amount": None,
                    "amount_share": None,
                    "paper_share": paper[quadrant],
                    "gap_points": None,
                    "tvd": None,
                    "data_status": "insufficient" if shop.present("orders") else "missing_source",
                }
                if sold:
                    members = [r for r in sold if r["quadrant"] == quadrant]
                    row |= {
                        "products": len(members),
                        "net_amount": sum((r["net_amount"] for r in members), ZERO),
                        "amount_share": shares[quadrant],
                        "gap_points": 100 * (shares[quadrant] - paper[quadrant]),
                        "tvd": 0.5 * sum(abs(shares[c] - paper[c]) for c in CLASSES),
                        "data_status": "ok",
                    }
                rows.append(row)
    return rows
