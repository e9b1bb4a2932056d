"""The shop's year: weekdays, festivals, promotions. Dates decide how busy a day is; nothing here is random.

The promotion windows are typical ones, not the platform's announcements of any year.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

EPOCH = date(1970, 1, 1)

_WEEKDAY = (0.92, 0.93, 0.95, 0.97, 1.04, 1.16, 1.14)

# Lunar dates cannot be computed from the month and day; years outside the table simply go without.
_QIXI = {
    2023: (8, 22),
    2024: (8, 10),
    2025: (8, 29),
    2026: (8, 19),
    2027: (8, 8),
    2028: (8, 26),
    2029: (8, 16),
    2030: (8, 5),
}
_SPRING_FESTIVAL = {
    2023: (1, 22),
    2024: (2, 10),
    2025: (1, 29),
    2026: (2, 17),
    2027: (2, 6),
    2028: (1, 26),
    2029: (2, 13),
    2030: (2, 3),
}


@dataclass(frozen=True)
class Promotion:
    """One campaign of the shop: warm-up, sale days, and how much busier its best day is."""

    number: int
    name: str
    is_official: bool
    warm_up_on: date
    starts_on: date
    ends_on: date
    peak: float


def promotions(first: date, last: date) -> tuple[Promotion, ...]:
    """Campaigns that touch the days first…last, in order of their start."""
    found: list[Promotion] = []
    for year in range(first.year - 1, last.year + 2):
        for order, (name, official, starts, ends, warm_days, peak) in enumerate(_year(year)):
            warm_up = starts - timedelta(days=warm_days)
            if ends >= first and warm_up <= last:
                found.append(Promotion(year * 100 + order, f"{year} {name}", official, warm_up, starts, ends, peak))
    return tuple(sorted(found, key=lambda promotion: (promotion.starts_on, promotion.number)))


def _year(year: int) -> list[tuple[str, bool, date, date, int, float]]:
    rows = [
        ("38 女神节", True, date(year, 3, 3), date(year, 3, 8), 4, 1.7),
        ("520 宠爱季", True, date(year, 5, 15), date(year, 5, 20), 3, 1.5),
        ("618 好物节", True, date(year, 6, 11), date(year, 6, 18), 7, 2.4),
        ("双11 好物节", True, date(year, 11, 3), date(year, 11, 11), 9, 2.8),
        ("双12 好物节", True, date(year, 12, 8), date(year, 12, 12), 4, 1.7),
    ]
    if year in _QIXI:
        qixi = date(year, *_QIXI[year])
        rows.append(("七夕礼遇季", True, qixi - timedelta(days=5), qixi, 3, 1.4))
    if year in _SPRING_FESTIVAL:
        eve = date(year, *_SPRING_FESTIVAL[year])
        rows.append(("年货节", True, eve - timedelta(days=21), eve - timedelta(days=10), 4, 1.9))
    rows += [
        (f"{month} 月会员日", False, date(year, month, 25), date(year, month, 26), 1, 1.3) for month in (2, 4, 7, 9, 10)
    ]
    return rows


def running(campaigns: tuple[Promotion, ...], day: date) -> Promotion | None:
    """The campaign on sale that day; an official one before a shop's own."""
    live = [each for each in campaigns if each.starts_on <= day <= each.ends_on]
    return max(live, key=lambda each: (each.is_official, each.number), default=None)


def warming_up(campaigns: tuple[Promotion, ...], day: date) -> Promotion | None:
    """The campaign whose warm-up holds the day, before its sale days."""
    return next((each for each in campaigns if each.warm_up_on <= day < each.starts_on), None)


def busyness(
    first: date, days: int, campaigns: tuple[Promotion, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each day: relative traffic, and a multiplier on the share of visits that buy."""
    traffic, buying = np.ones(days), np.ones(days)
    for index in range(days):
        day = first + timedelta(days=index)
        traffic[index] = _WEEKDAY[day.weekday()] * (1 + 0.25 * index / 365)
        sale, warm_up = running(campaigns, day), warming_up(campaigns, day)
        if sale is not None:
            closeness = 1 - abs((sale.ends_on - day).days) / ((sale.ends_on - sale.starts_on).days + 1)
            traffic[index] *= 1 + (sale.peak - 1) * (0.35 + 0.65 * closeness)
            buying[index] *= 1 + 0.35 * (sale.peak - 1)
        elif warm_up is not None:
            # People look and wait: traffic rises before a sale while buying falls.
            traffic[index] *= 1.15
            buying[index] *= 0.8
        if day.year in _SPRING_FESTIVAL:
            offset = (day - date(day.year, *_SPRING_FESTIVAL[day.year])).days
            if -2 <= offset <= 6:
                traffic[index] *= 0.7
                buying[index] *= 0.6
    return traffic, buying
