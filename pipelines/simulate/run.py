"""One simulation from the first day to the last: days in order, shops within a day, files as they fall due."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.simulate import catalog as goods
from pipelines.simulate import media, people, seasons, trade, traffic
from pipelines.simulate.columns import FEEDS, NULL, Ints, Vocabulary, identifiers, size
from pipelines.simulate.delivery import Format, Landing

DEFAULT_START = date(2025, 1, 1)
# Hidden, so that the folder can be a landing folder as it is: what is hidden there is not loaded.
TRUTH = ".truth"
# Measured over whole simulations; only where the running count starts, it corrects itself day by day.
_EVENTS_PER_VISIT = 2.6
_EVENTS_PER_USER_DAY = 0.1
_CAMPAIGN_SPACE = 12
_LATE_SHARE = 0.015
_FIXED, _DAILY = 0, 1


@dataclass(frozen=True)
class SimulationReport:
    """What was written: folder, place of the truth, first and last day, files and rows by feed, control totals."""

    out: Path
    truth: Path
    first_day: date
    last_day: date
    files: dict[str, int]
    rows: dict[str, int]
    spoiled: int
    totals: dict[str, Any]


def simulate(
    out: Path,
    *,
    days: int,
    users: int,
    shops: int = 1,
    seed: int = 7,
    start: date | None = None,
    dirt: float = 0.0,
    events_target: int | None = None,
    formats: Mapping[str, Format] | None = None,
    daily_tail: int | None = None,
    temper: trade.Temper | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SimulationReport:
    """Write the feeds of believable shops below `out`, one folder a feed, and the truth about them in `out/.truth`.

    The same arguments give the same bytes. `users` people per shop make about 0.1 events a day each, unless
    `events_target` says how many events all shops have together. `dirt` is the share of rows spoiled. `formats`
    overrides the file format by feed. `daily_tail` delivers all but the last so many days as monthly exports.
    `progress` is called with days done and days in all. The last day is start + days - 1: choose a past one, since rows
    from the future are quarantined. ValueError for impossible arguments, FileExistsError when `out` already holds a
    simulation.
    """
    first = start or DEFAULT_START
    _check(out, days, users, shops, dirt, formats or {})
    first_day = (first - seasons.EPOCH).days
    last_day = first_day + days - 1
    words = Vocabulary()
    campaigns = seasons.promotions(first, first + timedelta(days=days - 1))
    busy, buying = seasons.busyness(first, days, campaigns)
    world = [_open_shop(number, seed, users, first_day, busy, words) for number in range(shops)]
    texts = trade.comments(words)
    landing = Landing(out, first_day, last_day, words, formats or {}, daily_tail, dirt, seed)
    for shop in world:
        _announce(landing, shop, seed, first_day, days)

    target = events_target or max(1, round(users * days * shops * _EVENTS_PER_USER_DAY))
    events, visits, orders = 0, 0, 0
    for day in range(days):
        on = first + timedelta(days=day)
        sale = seasons.running(campaigns, on)
        ratio = (events + 2_000 * _EVENTS_PER_VISIT) / (visits + 2_000)
        wanted = max(target - events, 0) * busy[day] / busy[day:].sum() / ratio / shops
        for shop in world:
            rng = np.random.default_rng([seed, _DAILY, shop.number, day])
            seen, bought = traffic.simulate_day(
                rng,
                shop,
                day,
                first_day,
                max(1, round(wanted)),
                NULL if sale is None else _campaign_id(shop.number, sale),
                float(buying[day]),
                events,
            )
            events += size(seen)
            visits += max(1, round(wanted))
            late = np.where(rng.random(size(seen)) < _LATE_SHARE, rng.integers(1, 4, size(seen)), 0)
            landing.put("traffic_events", seen, seen["occurred_at"] // 86_400 + late)
            warm_up = seasons.warming_up(campaigns, on) is not None
            after = trade.follow_up(rng, shop, day, bought, warm_up, texts, temper or trade.Temper(), orders)
            orders += len(bought.at)
            landing.put("orders", *after.orders)
            landing.put("refunds", *after.refunds)
            landing.put("reviews", *after.reviews)
        landing.close_day(first_day + day)
        if progress is not None:
            progress(day + 1, days)
    totals = landing.ledger.totals(FEEDS, {shop.code: words.words[shop.code] for shop in world})
    arguments = {
        "days": days, "users": users, "shops": shops, "seed": seed, "start": first.isoformat(), "dirt": dirt,
        "events_target": events_target, "daily_tail": daily_tail,
    }  # fmt: skip
    truth = out / TRUTH
    truth.mkdir()
    landing.ledger.write_truth(truth / "spoiled.jsonl")
    text = json.dumps({"arguments": arguments, **totals}, ensure_ascii=False, indent=1)
    (truth / "expected.json").write_text(text + "\n", encoding="utf-8")
    return SimulationReport(
        out=out,
        truth=truth,
        first_day=first,
        last_day=first + timedelta(days=days - 1),
        files=dict(landing.ledger.files),
        rows=dict(landing.ledger.rows),
        spoiled=len(landing.ledger.truth),
        totals=totals,
    )


def _check(out: Path, days: int, users: int, shops: int, dirt: float, formats: Mapping[str, Format]) -> None:
    for name, value in (("days", days), ("users", users), ("shops", shops)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")
    if not 0 <= dirt <= 0.5:
        raise ValueError(f"dirt is a share of rows from 0 to 0.5, not {dirt}")
    if unknown := sorted(set(formats) - set(FEEDS)):
        raise ValueError(f"formats names feeds that are not simulated: {', '.join(unknown)}")
    taken = [name for name in (TRUTH, *FEEDS) if (out / name).exists() and any((out / name).iterdir())]
    if taken:
        raise FileExistsError(f"{out} already holds {taken[0]}/: choose an empty folder or remove it")


def _open_shop(number: int, seed: int, users: int, first_day: int, busy: Any, words: Vocabulary) -> traffic.Shop:
    rng = np.random.default_rng([seed, _FIXED, number])
    crowd = people.settle(rng, number, users, busy)
    shelf = goods.stock(rng, number, users, first_day, len(busy), words)
    accounts = media.sign_up(rng, number, len(busy), words)
    posts = media.publish(rng, number, first_day, busy, accounts, shelf, words)
    code = int(words.positions([f"shop-{number + 1}"])[0])
    return traffic.Shop(number, code, crowd, shelf, accounts, posts, traffic.queries(words))


def _announce(landing: Landing, shop: traffic.Shop, seed: int, first_day: int, days: int) -> None:
    """The feeds that do not depend on visits: contents as published, catalogue and accounts each month."""
    rng = np.random.default_rng([seed, _FIXED, shop.number, 1])
    landing.put("contents", *shop.contents.feed(rng, shop.code, shop.authors))
    for day in range(days):
        on = seasons.EPOCH + timedelta(days=first_day + day)
        if day == 0 or on.day == 1:
            known = shop.catalog.rows(shop.code, shop.catalog.listed <= day, day // 30)
            landing.put("products", known, _on(first_day + day, size(known)))
            accounts = shop.authors.snapshot(shop.code, day, first_day + day)
            landing.put("authors", accounts, _on(first_day + day, size(accounts)))
        elif (shop.catalog.listed == day).any():
            fresh = shop.catalog.rows(shop.code, shop.catalog.listed == day, day // 30)
            landing.put("products", fresh, _on(first_day + day, size(fresh)))


def _on(day: int, count: int) -> Ints:
    return np.full(count, day, dtype=np.int64)


def _campaign_id(shop: int, sale: seasons.Promotion) -> int:
    return int(identifiers(_CAMPAIGN_SPACE, np.array([shop * 10**8 + sale.number], dtype=np.int64))[0])
