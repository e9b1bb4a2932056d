"""Nights from the command line: the same Dagster job that the schedule runs, in this process."""

from __future__ import annotations

import gc
import logging
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta

from pipelines.config import Settings
from pipelines.errors import QuanyuError
from pipelines.orchestration import interrupts, journal
from pipelines.orchestration.lock import night_lock, process_mark
from pipelines.orchestration.night import Request
from pipelines.orchestration.notify import is_due, notify

GC_THRESHOLD = 100_000

log = logging.getLogger("quanyu.night")


class Runner:
    """Runs nights of one home one after the other, holding the lock, with one Dagster instance and one parse."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def run(
        self, requests: Sequence[Request], before: Callable[[Request], None] | None = None
    ) -> Iterator[journal.Entry]:
        """Yield each night's end; stop after the first that did not publish. `before` is called ahead of each."""
        settings = self.settings
        # A night keeps nearly all it imports and parses: looking for garbage among it costs a second and finds none.
        gc.set_threshold(GC_THRESHOLD, 20, 100)
        settings.make_home()
        with night_lock(settings, log.warning):
            from pipelines.orchestration.graph import build_definitions
            from pipelines.orchestration.instance import ORIGIN_TAG, PROCESS_TAG, open_instance
            from pipelines.orchestration.schedule import JOB

            job = build_definitions(settings).resolve_job_def(JOB)
            with open_instance(settings) as instance:
                for request in requests:
                    if before:
                        before(request)
                    run_id = str(uuid.uuid4())
                    failure: object = None
                    try:
                        result = job.execute_in_process(
                            run_config=run_config(request),
                            instance=instance,
                            run_id=run_id,
                            raise_on_error=False,
                            tags={ORIGIN_TAG: "cli", PROCESS_TAG: process_mark(os.getpid())},
                        )
                        failures = (event.event_specific_data for event in result.all_events if event.is_failure)
                        failure = next(failures, None)
                    except BaseException as error:
                        if not interrupts.is_interruption(error):
                            raise
                        failure = "interrupted"
                    nights = list(journal.read(settings))
                    if not nights or nights[-1].run_id != run_id:
                        raise QuanyuError(f"Dagster could not run the night: {failure}")
                    if is_due(nights):
                        notify(settings, nights[-1])
                    yield nights[-1]
                    if nights[-1].outcome != "published":
                        return


def run_config(request: Request) -> dict[str, object]:
    """The request as Dagster's configuration."""
    asked: dict[str, object] = {"load": request.load, "rebuild": request.rebuild}
    if request.on:
        asked["on"] = request.on.isoformat()
    if request.since:
        asked["since"] = request.since.isoformat()
    return {"resources": {"night": {"config": asked}}, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def backfill_requests(first: date, last: date, built: date | None) -> list[Request]:
    """Nights of a backfill, oldest first; the first one loads. Pure.

    Days up to `built`, the newest day built, come again in one night that republishes up to it (R111).
    """
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    again = [day for day in days if built and day <= built]
    ahead = [day for day in days if not built or day > built]
    requests = [Request(on=built, since=again[0])] if again else []
    requests += [Request(on=day) for day in ahead]
    return [
        Request(on=request.on, since=request.since, load=position == 0) for position, request in enumerate(requests)
    ]
