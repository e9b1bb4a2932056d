"""`make demo`: a simulated shop of more than 400 days, one night over its history, then three nights of their own."""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from pipelines.config import Settings, load_settings, quiet_environment
from pipelines.errors import QuanyuError
from pipelines.orchestration.console import Speaker

DAYS = 430
USERS = 24_000
EVENTS = 1_000_000
SEED = 20
NIGHTS_APART = 3
MARK = ".demo"


def main() -> None:
    """Run the demo in the home of this shell; ends with the headline figures."""
    quiet_environment()
    out = Speaker(highlight=False, soft_wrap=True)
    err = Speaker(stderr=True, highlight=False, soft_wrap=True)
    try:
        missing = run(load_settings(), out, err)
    except QuanyuError as error:
        err.print(f"demo: {error}", markup=False)
        sys.exit(1)
    if missing:
        err.print(f"demo: no value for {', '.join(missing)}", markup=False)
        sys.exit(1)


def run(settings: Settings, out: Speaker, err: Speaker) -> list[str]:
    """Simulate, run the nights, print. Returns the labels of headline figures that have no value."""
    from pipelines.orchestration.console import narrated
    from pipelines.orchestration.night import Request
    from pipelines.orchestration.runner import Runner
    from pipelines.report.headlines import headlines
    from pipelines.simulate import deliveries, simulate
    from pipelines.warehouse.reading import current

    held = [settings.build_db, settings.current, *settings.landing.rglob("*.*")]
    if not (settings.home / MARK).exists() and any(path.exists() for path in held):
        raise QuanyuError(f"{settings.home}: holds a warehouse of yours; run the demo in another home (QUANYU_HOME=…)")
    for folder in ("landing", "state", "published", "reports"):
        shutil.rmtree(settings.home / folder, ignore_errors=True)
    settings.make_home()
    (settings.home / MARK).touch()
    last = (datetime.now(settings.zone) - timedelta(days=1)).date()
    with narrated(err), tempfile.TemporaryDirectory(dir=settings.home) as shop:
        out.print(f"simulating {DAYS} days of a shop up to {last}")
        progress = logging.getLogger("quanyu.progress")
        simulate(
            Path(shop) / "shop",
            days=DAYS,
            users=USERS,
            seed=SEED,
            start=last - timedelta(days=DAYS - 1),
            events_target=EVENTS,
            daily_tail=NIGHTS_APART,
            progress=lambda done, total: progress.info("simulating day %d of %d", done, total),
        )
        waiting = deliveries(Path(shop) / "shop")

        def arrive(request: Request) -> None:
            while waiting and (request.on is None or waiting[0][0] <= request.on):
                for path in waiting.pop(0)[1]:
                    target = settings.landing / path.parent.name
                    target.mkdir(exist_ok=True)
                    shutil.move(path, target / path.name)

        nights = [Request(on=last - timedelta(days=n)) for n in range(NIGHTS_APART, -1, -1)]
        for entry in Runner(settings).run(nights, before=arrive):
            out.print(f"night of {entry.business_date}: {entry.outcome}, {entry.message}", markup=False)
            if entry.outcome != "published":
                raise QuanyuError(f"{entry.message} {entry.evidence}")
    with current(settings) as con:
        figures = headlines(con)
    out.print()
    for figure in figures:
        _, label, value = figure.told("en")
        out.print(f"  {figure.question.label_zh:<12} {label:<46} {value:>14}", markup=False)
    out.print(f"\npublished   {settings.current}\nreport      {settings.reports / 'latest.zh.html'}", markup=False)
    out.print(
        f'next        .venv/bin/quanyu --home {settings.home} query "from marts.shop_daily limit 5"', markup=False
    )
    return [figure.question.label_en for figure in figures if figure.value is None]


if __name__ == "__main__":
    main()
