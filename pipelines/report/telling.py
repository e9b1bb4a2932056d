"""How values are told in words: numbers with their thousands apart, changes with their direction. Pure."""

from __future__ import annotations

from datetime import date
from typing import Any


def records(listing: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of a listing by column name."""
    return [dict(zip(listing["columns"], row, strict=True)) for row in listing["rows"]]


def money(value: float | None) -> str | None:
    """Yuan to the cent."""
    return None if value is None else f"{value:,.2f}"


def count(value: float | None) -> str | None:
    """A whole number with thousands apart."""
    return None if value is None else f"{value:,.0f}"


def decimal(value: float | None, digits: int) -> str | None:
    """A number with so many digits."""
    return None if value is None else f"{value:.{digits}f}"


def percent(value: float | None, digits: int = 1) -> str | None:
    """A share in per cent."""
    return None if value is None else f"{value:.{digits}%}"


def difference(now: float | None, then: float | None, scale: float) -> float | None:
    """Now − then, scaled; None where either is."""
    return None if now is None or then is None else scale * (now - then)


def relative(now: float | None, then: float | None) -> tuple[str, str] | None:
    """Direction and size of a relative change; None where it cannot be told."""
    if now is None or not then:
        return None
    ratio = now / then - 1
    return direction(ratio, 0.0005), f"{ratio:+.1%}"


def points_of(change: float | None, digits: int, unit: str = "") -> tuple[str, str] | None:
    """Direction and size of a change in points."""
    if change is None:
        return None
    return direction(change, 0.5 * 10**-digits), f"{change:+.{digits}f}{unit}"


def direction(value: float, least: float) -> str:
    """up, down, or flat below the least that shows."""
    return "up" if value >= least else "down" if value <= -least else "flat"


def isolated(name: str) -> str:
    """A name from outside that keeps its writing direction to itself."""
    return f"\u2068{name}\u2069"


def weekday(day: str) -> int:
    """Monday is 0."""
    return date.fromisoformat(day).weekday()
