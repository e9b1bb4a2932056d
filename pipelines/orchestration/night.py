"""One night, phase by phase, in plain Python: load → raw gate → build → marts gate → publish → report.

Dagster calls the phases in this order and shows them; nothing here knows Dagster. A phase that fails decides the
outcome: `refused` where data is at fault, `broken` where something else is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.config import Settings
from pipelines.errors import QuanyuError, Refused
from pipelines.orchestration import interrupts, journal
from pipelines.orchestration.lock import night_lock
from pipelines.transform.project import NodeResult, Project, TransformError
from pipelines.transform.segments import read_segments, write_segments
from pipelines.transform.versions import code_version, rule_starts, rule_version
from pipelines.warehouse import database, publish

if TYPE_CHECKING:
    from pipelines.quality.gates import SuiteResult
    from pipelines.quality.suites import Edge

FAILING_ROWS_SHOWN = 5

log = logging.getLogger("quanyu.night")


@dataclass(frozen=True)
class Request:
    """What is asked of a night. `on` None means yesterday in the business zone; `since` computes later days again."""

    on: date | None = None
    load: bool = True
    rebuild: bool = False
    since: date | None = None


def must_be_over(request: Request, today: date) -> None:
    """Raise `QuanyuError` for a day ahead: it would pin every later night to it (R111)."""
    if request.on and request.on > today:
        raise QuanyuError(f"--on {request.on}: lies in the future; a night describes days that are over")


class Night:
    """The state of one night while it runs. `step` shows passing progress; what is worth keeping goes to the log."""

    cpu_at_last_end = 0.0

    def __init__(
        self, settings: Settings, project: Project, request: Request, run_id: str, step: Callable[[str], None]
    ) -> None:
        self.settings = settings
        self.project = project
        self.request = request
        self.run_id = run_id
        self.step = step
        self.started_at = self.now()
        self.phases: list[journal.Phase] = []
        self.files: dict[str, int] = {}
        self.run: database.Run | None = None
        self.built: set[str] = set()
        self.publication: publish.Publication | None = None
        self.failure: QuanyuError | None = None
        self._stack = ExitStack()

    def now(self) -> datetime:
        """Wall clock of the business zone."""
        return datetime.now(self.settings.zone).replace(tzinfo=None)

    def __enter__(self) -> Night:
        """Take the lock and bring the books in order after a run that was killed."""
        self.settings.make_home()
        self._stack.callback(log_to_file(self.settings, self.run_id))
        self._stack.enter_context(night_lock(self.settings, log.info))
        self.started_at = self.now()
        cpu = time.process_time() - Night.cpu_at_last_end
        self.phases.append(journal.Phase("start", 0.0, round(cpu, 2)))
        try:
            with self.phase("prepare"):
                self._prepare()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Write the night down and give the lock back."""
        try:
            self._write_journal()
            self._warn_readers()
        finally:
            Night.cpu_at_last_end = time.process_time()
            self._stack.close()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase and keep why it failed. A second try of the same phase starts clean."""
        self.failure = None
        self.step(name)
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        except QuanyuError as error:
            self.failure = error
            raise
        except BaseException as error:
            log.debug("%s failed", name, exc_info=True)
            if interrupts.is_interruption(error):
                self.failure = QuanyuError(f"{name}: interrupted; what was published stands, run the night again")
            elif database.is_out_of_space(error):
                why = f"{name}: the disk is full ({database.first_sentence(error)})"
                self.failure = QuanyuError(f"{why}; make room under {self.settings.home} and run the night again")
            else:
                self.failure = QuanyuError(f"{name}: {type(error).__name__}: {database.first_sentence(error)}")
            raise
        finally:
            spent = journal.Phase(name, round(time.perf_counter() - wall, 2), round(time.process_time() - cpu, 2))
            self.phases.append(spent)
            log.info("%s: %.2f s, %.2f CPU s", name, spent.wall_seconds, spent.cpu_seconds)

    def _prepare(self) -> None:
        from pipelines.warehouse.schema import ensure_schema

        database.discard_spills(self.settings)
        with database.building(self.settings) as con:
            ensure_schema(con)
            last = database.last_run(con)
            booked = {run_id for (run_id,) in con.execute("select run_id from control.publications").fetchall()}
        if found := publish.reconcile(self.settings, last, booked):
            log.info("run %s was killed after it had published; its publication is booked now", found.run_id)

    def load(self) -> dict[str, int]:
        """Load what is new and write the row of `control.run`. Returns the number of rows in each raw table."""
        from pipelines.landing import load_landing

        settings = self.settings
        with self.phase("load"), database.building(settings) as con:
            segments = read_segments(settings.project)
            must_be_over(self.request, self.now().date())
            if self.request.load:
                report = load_landing(
                    con,
                    landing=settings.landing,
                    state=settings.state,
                    default_shop=settings.default_shop,
                    time_zone=settings.time_zone,
                    run_id=self.run_id,
                    now=self.now(),
                    progress=self.step,
                )
                log.info("load: %s", report)
                for file in report.refused:
                    log.warning("%s: refused: %s", file.path, file.error)
                if not database.highest_seq(con):
                    log.warning("%s: nothing was delivered yet, so every mart is empty", settings.landing)
            self.files = dict(
                con.execute(
                    "select status, count(*) from control.load_audit where run_id = ? group by 1 order by 1",
                    [self.run_id],
                ).fetchall()
            )
            self.run = database.plan_run(
                run_id=self.run_id,
                wanted=self.request.on or (self.now() - timedelta(days=1)).date(),
                started_at=self.started_at,
                current_seq=database.highest_seq(con),
                built=database.last_build(con),
                tried=database.last_run(con),
                rule_version=rule_version(settings.project),
                code_version=code_version(settings.project),
                present=database.presence(con),
                rules_start=rule_starts(settings.project),
                rebuild=self.request.rebuild,
                since=self.request.since,
            )
            database.write_run(con, self.run)
            write_segments(con, segments)
            log.info(
                "business date %s, %s",
                self.run.business_date,
                "everything is computed" if self.run.is_full_refresh else f"after {self.run.previous_date}",
            )
            return dict(
                con.execute(
                    "select table_name, estimated_size from duckdb_tables() "
                    "where schema_name = 'raw' and database_name = current_database()"
                ).fetchall()
            )

    def gate(self, edge: Edge) -> list[SuiteResult]:
        """Run the expectations of one edge and keep their results. `judge_gate` draws the conclusion."""
        from pipelines.quality.gates import record_results, run_gate

        settings = self.settings
        results = run_gate(
            edge,
            build_db=settings.build_db,
            serving_db=settings.serving_db,
            run_id=self.run_id,
            memory_limit=settings.memory_limit,
            threads=settings.threads,
            spill=settings.spill,
            checked_at=self.now(),
            folder=settings.project / "expectations",
        )
        with database.building(settings) as con:
            record_results(con, results)
        return results

    def judge_gate(self, edge: Edge, results: list[SuiteResult]) -> QuanyuError | None:
        """The error to end the night with where the gate does not hold."""
        from pipelines.quality.gates import refusal

        self.failure = refusal(edge, results)
        return self.failure

    def build(self) -> list[NodeResult]:
        """One dbt invocation. `judge_build` draws the conclusion, so that every node can be shown first."""
        run = self.begun()
        done = 0

        def heard(result: NodeResult, total: int) -> None:
            nonlocal done
            done += 1
            self.step(f"build: {done}/{total} {result.name}")

        results = self.project.build(full_refresh=run.is_full_refresh, on_node=heard)
        self.built = {result.unique_id for result in results if result.kind == "model" and result.ok}
        return results

    def judge_build(self, results: Sequence[NodeResult]) -> QuanyuError | None:
        """The error to end the night with where SQL failed (`TransformError`) or a dbt test found rows (`Refused`)."""
        errors = [result for result in results if result.status not in ("success", "pass", "warn", "fail", "skipped")]
        failed = [result for result in results if result.status == "fail"]
        if errors:
            self.failure = TransformError(f"models: {errors[0].name}: {errors[0].message}")
        elif failed:
            evidence = "\n".join(
                f"{result.name}: {result.failures} rows\n{self._failing_rows(result.compiled)}" for result in failed
            )
            self.failure = Refused(f"build: refused by {', '.join(result.name for result in failed)}", evidence)
        return self.failure

    def _failing_rows(self, test_sql: str) -> str:
        with database.building(self.settings, read_only=True) as con:
            con.execute("use build")
            found = con.execute(f"select * from ({test_sql.strip().rstrip(';')}) limit {FAILING_ROWS_SHOWN}")
            names = [column[0] for column in found.description]
            return "\n".join(
                "  " + ", ".join(f"{name}={value}" for name, value in zip(names, row, strict=True))
                for row in found.fetchall()
            )

    def publish(self) -> publish.Publication:
        """Flip readers to what this run built."""
        self.publication = publish.publish(
            self.settings, self.begun(), list(self.project.marts()), self.built, self.now()
        )
        return self.publication

    def report(self) -> list[Path]:
        """Write the pages from the published file."""
        from pipelines.report.page import write_pages

        return write_pages(self.settings)

    def copy(self) -> dict[str, int]:
        """Copy the published marts into PostgreSQL. Returns the rows of each table."""
        from pipelines.warehouse.postgres import copy_marts

        return copy_marts(self.settings)

    def _warn_readers(self) -> None:
        """Say on the page that this night did not publish; the publication before it stays. The pages of a home where
        nothing was published yet, or that cannot be written, are no reason for another failure.
        """
        if self.publication is not None or not self.settings.current.exists():
            return
        from pipelines.report.page import Notice, write_pages

        outcome = "refused" if isinstance(self.failure, Refused) else "broken"
        try:
            write_pages(self.settings, Notice(self._day(), outcome))
        except Exception as error:
            log.warning("the page could not be told: %s", error)

    def _day(self) -> date:
        """Business day of the night, also of one that ended before it had begun."""
        return self.run.business_date if self.run else self.request.on or (self.now() - timedelta(days=1)).date()

    def begun(self) -> database.Run:
        """The run's row; the load must have come first."""
        if self.run is None:
            raise QuanyuError("the night has not loaded yet; run the whole job, not a part of it")
        return self.run

    def _write_journal(self) -> None:
        outcome: journal.Outcome = "published"
        message = ""
        if self.failure is not None:
            outcome = "refused" if isinstance(self.failure, Refused) else "broken"
            message = str(self.failure)
        elif self.publication is None:
            outcome, message = "broken", "the night ended before it published"
        else:
            message = f"{self.publication.version_path.name} in {self.publication.duration_seconds:.0f} s"
        day = self._day()
        journal.append(
            self.settings,
            journal.Entry(
                run_id=self.run_id,
                business_date=day.isoformat(),
                started_at=self.started_at.isoformat(timespec="seconds"),
                finished_at=self.now().isoformat(timespec="seconds"),
                outcome=outcome,
                message=message,
                evidence=self.failure.evidence if isinstance(self.failure, Refused) else "",
                phases=self.phases,
                files=self.files,
            ),
        )
        log.info("night of %s: %s %s", day, outcome, message)


def log_to_file(settings: Settings, run_id: str) -> Callable[[], None]:
    """Send the log of this night to a file of its own; returns what takes that back. Old logs are dropped."""
    root = logging.getLogger("quanyu")
    root.setLevel(logging.DEBUG)
    root.propagate = False
    path = settings.logs / f"{datetime.now(settings.zone):%Y%m%d-%H%M%S}-{run_id[:8]}.log"
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root.addHandler(handler)
    for old in sorted(settings.logs.glob("*-*-*.log"))[: -settings.nights_kept]:
        old.unlink()

    def undo() -> None:
        root.removeHandler(handler)
        handler.close()

    return undo
