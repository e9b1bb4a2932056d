"""One simulation from the first day to the last: days in order, shops within a day, files as they fall due."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.simulate import catalog as goods
from pipelines.simulate import marketing, media, membership, official, people, seasons, service, trade, traffic
from pipelines.simulate.columns import FEEDS, NULL, Frame, Ints, Vocabulary, size
from pipelines.simulate.delivery import Format, Landing
from pipelines.simulate.trouble import Profile, Trouble, planted

DEFAULT_START = date(2025, 1, 1)
# Hidden, so that the folder can be a landing folder as it is: what is hidden there is not loaded.
TRUTH = ".truth"
# Measured over whole simulations; only where the running count starts, it corrects itself day by day.
_EVENTS_PER_VISIT = 2.6
_EVENTS_PER_USER_DAY = 0.1
_LATE_SHARE = 0.015
# Random streams: what stands from the beginning, a day's visits and orders, what is derived from these.
_FIXED, _DAILY, _DERIVED = 0, 1, 2
_AUDIENCE_MONTHS = (1, 4, 7, 10)


@dataclass
class _Books:
    """What one shop keeps beside its traffic: members, the platform's counts, numbers given to sessions and answers."""

    members: membership.Membership
    office: official.Office
    sessions: int = 0
    answers: int = 0


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
    profile: Profile = "healthy",
    progress: Callable[[int, int], None] | None = None,
) -> SimulationReport:
    """Write the feeds of believable shops below `out`, one folder a feed, and the truth about them in `out/.truth`.

    The same arguments give the same bytes. `users` people per shop make about 0.1 events a day each, unless
    `events_target` says how many events all shops have together. `dirt` is the share of rows spoiled. `formats`
    overrides the file format by feed. `daily_tail` delivers all but the last so many days as monthly exports.
    `profile` troubled plants late parcels, failing products and a leaking audience, each from a day that
    `out/.truth/expected.json` names. `progress` is called with days done and days in all. The last day is
    start + days - 1: choose a past one, since rows from the future are quarantined. ValueError for impossible
    arguments, FileExistsError when `out` already holds a simulation.
    """
    first = start or DEFAULT_START
    _check(out, days, users, shops, dirt, formats or {})
    first_day = (first - seasons.EPOCH).days
    last_day = first_day + days - 1
    words = Vocabulary()
    campaigns = seasons.promotions(first, first + timedelta(days=days - 1))
    busy, buying = seasons.busyness(first, days, campaigns)
    trouble = planted(profile, days)
    if trouble is not None:
        busy, buying = trouble.dampen(busy, buying)
    world = [_open_shop(number, seed, users, first_day, busy, words, trouble) for number in range(shops)]
    texts = trade.comments(words)
    look = membership.faces(words)
    landing = Landing(out, first_day, last_day, words, formats or {}, daily_tail, dirt, seed)
    books = []
    for shop in world:
        _announce(landing, shop, seed, first_day, days)
        _announce_plans(landing, shop, seed, first, days, words, look)
        books.append(
            _Books(membership.Membership(shop.code, look), official.Office(shop.code, len(shop.people.ids), words))
        )

    target = events_target or max(1, round(users * days * shops * _EVENTS_PER_USER_DAY))
    events, visits, orders = 0, 0, 0
    for day in range(days):
        on = first + timedelta(days=day)
        sale = seasons.running(campaigns, on)
        ratio = (events + 2_000 * _EVENTS_PER_VISIT) / (visits + 2_000)
        wanted = max(target - events, 0) * busy[day] / busy[day:].sum() / ratio / shops
        for shop, book in zip(world, books, strict=True):
            campaign = NULL if sale is None else marketing.campaign_id(shop.number, sale)
            rng = np.random.default_rng([seed, _DAILY, shop.number, day])
            seen, bought = traffic.simulate_day(
                rng,
                shop,
                day,
                first_day,
                max(1, round(wanted)),
                campaign,
                float(buying[day]),
                events,
            )
            events += size(seen)
            visits += max(1, round(wanted))
            late = np.where(rng.random(size(seen)) < _LATE_SHARE, rng.integers(1, 4, size(seen)), 0)
            landing.put("traffic_events", seen, seen["occurred_at"] // 86_400 + late)
            warm_up = seasons.warming_up(campaigns, on) is not None
            mood, faulty = temper or trade.Temper(), np.empty(0, dtype=np.int64)
            if trouble is not None:
                mood, faulty = trouble.temper(mood, day), trouble.faulty_products(shop.catalog, day)
            after = trade.follow_up(rng, shop, day, bought, warm_up, texts, mood, orders, faulty)
            orders += len(bought.at)
            landing.put("orders", *after.orders)
            landing.put("refunds", *after.refunds)
            landing.put("reviews", *after.reviews)
            derived = np.random.default_rng([seed, _DERIVED, shop.number, day])
            _derive(landing, shop, book, derived, day, first_day + day, seen, bought, after.lines, mood, campaign)
        landing.close_day(first_day + day)
        if progress is not None:
            progress(day + 1, days)
    totals = landing.ledger.totals(FEEDS, {shop.code: words.words[shop.code] for shop in world})
    arguments = {
        "days": days, "users": users, "shops": shops, "seed": seed, "start": first.isoformat(), "dirt": dirt,
        "events_target": events_target, "daily_tail": daily_tail, "profile": profile,
    }  # fmt: skip
    shelves = {words.words[shop.code]: shop.catalog for shop in world}
    causes = [] if trouble is None else trouble.truth(first, shelves)
    truth = out / TRUTH
    truth.mkdir()
    landing.ledger.write_truth(truth / "spoiled.jsonl")
    text = json.dumps({"arguments": arguments, "causes": causes, **totals}, ensure_ascii=False, indent=1)
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


def _open_shop(
    number: int, seed: int, users: int, first_day: int, busy: Any, words: Vocabulary, trouble: Trouble | None
) -> traffic.Shop:
    rng = np.random.default_rng([seed, _FIXED, number])
    crowd = people.settle(rng, number, users, busy)
    if trouble is not None:
        trouble.drain(np.random.default_rng([seed, _FIXED, number, 3]), crowd)
    shelf = goods.stock(rng, number, users, first_day, len(busy), words)
    if trouble is not None:
        trouble.push(shelf)
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


def _announce_plans(
    landing: Landing,
    shop: traffic.Shop,
    seed: int,
    first: date,
    days: int,
    words: Vocabulary,
    look: membership.Faces,
) -> None:
    """Campaigns as they are planned, industry lines, and each quarter whom the authors reach."""
    rng = np.random.default_rng([seed, _FIXED, shop.number, 2])
    first_day = (first - seasons.EPOCH).days
    landing.put("campaigns", *marketing.calendar(shop, first, first + timedelta(days=days - 1), words))
    lines = official.lines(shop.code, first, days, words)
    landing.put("benchmarks", lines, _on(first_day, size(lines)))
    for day in range(days):
        on = first + timedelta(days=day)
        if day == 0 or (on.day == 1 and on.month in _AUDIENCE_MONTHS):
            reached = official.audiences(rng, shop.code, shop.authors, day, first_day + day, look)
            landing.put("author_audience", reached, _on(first_day + day, size(reached)))


def _derive(
    landing: Landing,
    shop: traffic.Shop,
    book: _Books,
    rng: np.random.Generator,
    day: int,
    day_number: int,
    seen: Frame,
    bought: traffic.Purchases,
    lines: Frame,
    temper: trade.Temper,
    campaign: int,
) -> None:
    """The feeds that follow from a day's events and purchases."""
    profiles = membership.snapshots(rng, shop.code, shop.people, day, day_number, book.members.look)
    landing.put("users", profiles, _on(day_number, size(profiles)))
    if day == 0:
        landing.put("members", *book.members.begin(rng, shop.people, day_number))
    landing.put("members", *book.members.join(rng, seen, day_number))
    landing.put("lucky_bags", *marketing.lucky_bags(rng, shop, day_number, seen))
    landing.put("ad_spend", *marketing.spend(rng, shop, day_number, seen, campaign))
    # Numbers of a shop begin where no other shop's reach.
    talks, talk_days = service.sessions(rng, seen, lines, temper, shop.number * 10**10 + book.sessions)
    book.sessions += len(np.unique(talks["session_id"]))
    landing.put("service_sessions", talks, talk_days)
    answers, answer_days = service.surveys(rng, lines, shop.number * 10**10 + book.answers)
    book.answers += size(answers)
    landing.put("nps_surveys", answers, answer_days)
    figures = book.office.report(rng, day, day_number, seen, bought.user[bought.user_id >= 0], lines)
    landing.put("official_metrics", figures, _on(day_number, size(figures)))


def _on(day: int, count: int) -> Ints:
    return np.full(count, day, dtype=np.int64)
