"""The command `quanyu`. Reads options and prints answers; the work is done elsewhere.

Heavy libraries are imported inside the commands that need them: `quanyu status` must not pay for a night.
"""
# click needs the character \b itself in a docstring to keep the lines of a paragraph apart.
# ruff: noqa: D301

from __future__ import annotations

import atexit
import csv
import functools
import json
import logging
import math
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click
from rich.table import Table as RichTable
from rich.text import Text

from pipelines.config import (
    ConfigError,
    Policy,
    Postgres,
    Settings,
    configuration_page,
    load_settings,
    quiet_environment,
    toml_value,
)
from pipelines.errors import QuanyuError
from pipelines.orchestration.console import Speaker, visible

if TYPE_CHECKING:
    from pipelines.landing import Inspection
    from pipelines.orchestration.night import Request
    from pipelines.warehouse.reading import Table

OK, BROKEN, REFUSED = 0, 1, 2
EXIT_CODES = {"published": OK, "refused": REFUSED, "broken": BROKEN}

F = TypeVar("F", bound=Callable[..., Any])

SHOWN_FILES = 5
SHOWN_REFUSALS = 20
# Columns of a table for a file or another program: no terminal to fold it for.
UNFOLDED = 1_000_000

out = Speaker(highlight=False, emoji=False, soft_wrap=True)
err = Speaker(stderr=True, highlight=False, emoji=False, soft_wrap=True)


class Day(click.ParamType):
    """A calendar day on the command line."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """YYYY-MM-DD."""
        if isinstance(value, date):
            return value
        try:
            return datetime.strptime(value, "%Y-%m-%d").date()
        except ValueError:
            self.fail(f"{value!r} is no day; write it as 2025-11-11", param, ctx)


DAY = Day()


class Folder(click.Path):
    """A folder on the command line. Empty, as from an unset variable, it would mean the current one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Any path but the empty one."""
        if value == "":
            self.fail("is empty; name a folder", param, ctx)
        return super().convert(value, param, ctx)


def at_home(command: F) -> F:
    """Give a command the options that say where the home is, before or after the command's name."""
    for option in (
        click.option("--debug", is_flag=True, help="Show the traceback of an error."),
        click.option(
            "--landing", type=Folder(path_type=Path), help="Folder of dropped files. Default: landing/ in the home."
        ),
        click.option(
            "--home",
            type=Folder(path_type=Path),
            help="Where everything is kept. Default: $QUANYU_HOME or ./.quanyu.",
        ),
    ):
        command = option(command)
    return command


def settings_of(home: Path | None, landing: Path | None, debug: bool) -> Settings:
    """Settings from the options of the command, else of the group."""
    context = click.get_current_context()
    group = context.find_root().params
    context.find_root().params["debug"] = debug or group.get("debug", False)
    settings = load_settings(home or group.get("home"), landing or group.get("landing"))
    if settings.home.exists() and not settings.home.is_dir():
        settings.make_home()
    return settings


def only_reads(command: F) -> F:
    """For a command that does nothing but print: a reader who has seen enough, as `head` has, is no error."""

    @functools.wraps(command)
    def printing(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
            sys.stdout.flush()
        except BrokenPipeError:
            sys.exit(OK)

    return printing  # type: ignore[return-value]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@at_home
@click.version_option(package_name="quanyu")
def cli(**_: Any) -> None:
    """Raw exports of an interest-commerce shop in, trustworthy marts out.

    \b
    First steps:
      quanyu simulate .quanyu/landing --days 400     a shop to try things on
      quanyu nightly                                 load, build, check, publish
      quanyu status                                  how the last nights went
      quanyu query "select * from marts.shop_daily order by business_date desc limit 7"
    """


@cli.command()
@click.option("--on", type=DAY, help="Business day to build up to. Default: yesterday in the business time zone.")
@at_home
def nightly(on: date | None, home: Path | None, landing: Path | None, debug: bool) -> None:
    """One night: load what is new, build, check, publish, report.

    Safe to repeat, safe after days missed, safe to kill. The first night builds all the history it finds.
    A day before the newest one built republishes up to that one.

    \b
    Exit code: 0 published · 2 refused, the last good publication stands · 1 broken
    Example:   quanyu nightly --on 2025-11-11
    """
    from pipelines.orchestration.night import Request

    settings = settings_of(home, landing, debug)
    built = newest_built(settings) if on else None
    if on and built and on < built:
        err.print(f"--on {on} lies before the newest day built: this night publishes up to {built} again")
    run_nights(settings, [Request(on=on)])


@cli.command()
@click.option("--from", "first", type=DAY, required=True, help="First business day.")
@click.option("--to", "last", type=DAY, required=True, help="Last business day.")
@at_home
def backfill(first: date, last: date, home: Path | None, landing: Path | None, debug: bool) -> None:
    """Nights in order, with one load at the start.

    Days that were built before are computed again together and republished up to the newest day built.

    \b
    Exit code: as nightly; stops at the first night that does not publish
    Example:   quanyu backfill --from 2025-11-01 --to 2025-11-11
    """
    from pipelines.orchestration.runner import backfill_requests

    if last < first:
        raise click.UsageError(f"--to {last} lies before --from {first}")
    settings = settings_of(home, landing, debug)
    run_nights(settings, backfill_requests(first, last, newest_built(settings)))


@cli.command()
@click.option("--from", "since", type=DAY, help="Only the days from this one on.")
@at_home
def rebuild(since: date | None, home: Path | None, landing: Path | None, debug: bool) -> None:
    """Compute everything again from the raw tables and publish it.

    Loads nothing new; gives the same rows that the nights gave one by one.

    \b
    Exit code: as nightly
    Example:   quanyu rebuild --from 2025-06-01
    """
    from pipelines.orchestration.night import Request

    settings = settings_of(home, landing, debug)
    built = newest_built(settings)
    if built is None:
        raise QuanyuError(f"{settings.home}: nothing was built yet; run `quanyu nightly` first")
    if since and since > built:
        raise QuanyuError(f"--from {since} lies after the newest day built, {built}")
    run_nights(settings, [Request(on=built, load=False, rebuild=since is None, since=since)])


@cli.command()
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path, file_okay=False))
@click.option("--days", type=click.IntRange(1), default=400, show_default=True, help="Days of history.")
@click.option("--users", type=click.IntRange(1), default=20_000, show_default=True, help="Users who show up.")
@click.option("--shops", type=click.IntRange(1), default=1, show_default=True, help="Shops.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same bytes.")
@click.option("--start", type=DAY, help="First day. Default: so that the last one is yesterday.")
@click.option("--dirt", type=click.FloatRange(0, 1), default=0.0, show_default=True, help="Share of bad rows.")
@click.option(
    "--profile",
    type=click.Choice(["healthy", "troubled"]),
    default="healthy",
    show_default=True,
    help="troubled: late parcels, failing products, a leaking audience.",
)
@at_home
def simulate(
    target: Path, days: int, users: int, shops: int, seed: int, start: date | None, dirt: float,
    profile: Literal["healthy", "troubled"], home: Path | None, landing: Path | None, debug: bool,
) -> None:  # fmt: skip
    """Write the feeds of a believable shop into OUT.

    Skewed users and products, seasons, campaigns, repeat purchases, refunds, late rows; with --dirt also bad rows,
    and beside them a file that tells which. OUT/.truth/expected.json holds the control totals, and with
    --profile troubled what was planted and since when.

    \b
    Example:   quanyu simulate .quanyu/landing --days 400 --users 20000 --seed 7
    """
    from pipelines.orchestration.console import narrated
    from pipelines.simulate import simulate as write_feeds

    settings = settings_of(home, landing, debug)
    first = start or (datetime.now(settings.zone) - timedelta(days=days)).date()
    progress = logging.getLogger("quanyu.progress")
    try:
        with narrated(err):
            report = write_feeds(
                target,
                days=days,
                users=users,
                shops=shops,
                seed=seed,
                start=first,
                dirt=dirt,
                profile=profile,
                progress=lambda done, total: progress.info("day %d of %d", done, total),
            )
    except (ValueError, FileExistsError) as error:
        raise QuanyuError(f"simulate: {error}") from error
    for feed, rows in report.rows.items():
        out.print(f"{feed:<16} {rows:>12,} rows in {report.files.get(feed, 0)} files")
    out.print(f"{report.first_day} to {report.last_day} in {report.out}", markup=False)


@cli.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--feed", help="Feed of the files. Default: the folder they lie in, else the one their header fits.")
@click.option(
    "--draft",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a layout declaration for an export that nobody has described yet to this new file.",
)
@at_home
def inspect(
    files: tuple[Path, ...], feed: str | None, draft: Path | None,
    home: Path | None, landing: Path | None, debug: bool,
) -> None:  # fmt: skip
    """What a night would make of files: which export or feed, encoding, columns, rows, period, what would be held back
    and why, and what is missing for a fuller picture. Loads nothing.

    \b
    Exit code: 0 all rows would load · 2 problems
    Examples:  quanyu inspect ~/Downloads/*.csv ~/Downloads/*.xlsx
               quanyu inspect ~/shop/landing
               quanyu inspect new_report.xlsx --draft new_report.yml
    """
    from pipelines.landing import inspect_all, still_missing

    settings = settings_of(home, landing, debug)
    if draft:
        write_draft(files, draft)
        return
    problems = 0
    inspections = []
    for found in inspect_all(files, feed=feed, default_shop=settings.default_shop, time_zone=settings.time_zone):
        inspections.append(found)
        problems += len(found.problems)
        show_inspection(found)
    if any(found.fed for found in inspections):
        out.print("For a fuller picture")
        for line in still_missing(inspections):
            out.print(f"  {line}", markup=False)
    sys.exit(REFUSED if problems else OK)


def show_inspection(found: Inspection) -> None:
    """Print what one file is and what is wrong with it; one that cannot be read is a line on standard error."""
    if not found.width:
        for problem in found.problems:
            err.print(f"quanyu: {visible(str(found.path))}: {problem}", markup=False)
        return
    out.print(f"{visible(str(found.path))}", markup=False)
    name = f"{found.layout.label_zh} ({found.layout.layout})" if found.layout else found.feed or "unknown"
    out.print(f"  is        {name} · {found.encoding or 'no encoding'} · {found.rows:,} rows", markup=False)
    read = ", ".join(found.columns) or "none"
    out.print(f"  columns   {found.known} of {found.width} known; read: {read}", markup=False)
    if found.left_out:
        out.print(f"  left out  {visible(', '.join(found.left_out))}", markup=False)
    if found.set_aside:
        out.print(f"  set aside {found.set_aside} rows of sums or explanations")
    for fed in found.fed:
        days = f", {fed.first_day} to {fed.last_day}" if fed.first_day else ""
        held = f", {fed.held_back:,} would be held back" if fed.held_back else ""
        out.print(f"  feeds     {fed.feed}: {fed.loads:,} rows would load{days}{held}")
        if fed.unfilled:
            out.print(f"            not in this file: {', '.join(fed.unfilled)}")
    for note in found.notes:
        out.print(f"  note      {note}", markup=False)
    for problem in found.problems:
        out.print(f"  problem   {problem}", markup=False)


def write_draft(files: tuple[Path, ...], target: Path) -> None:
    """Draft a layout of the one file, into a new file."""
    from pipelines.landing.drafting import draft_layout

    if len(files) != 1:
        raise click.UsageError("--draft takes one FILE")
    if target.exists():
        raise QuanyuError(f"{target}: is there already; name a new file")
    if not files[0].is_file():
        raise QuanyuError(f"{files[0]}: is not a file; name an export")
    with tempfile.TemporaryDirectory() as scratch:
        try:
            text = draft_layout(files[0], Path(scratch), today=date.today())
        except QuanyuError as error:
            raise QuanyuError(f"{files[0]}: {error}") from error
    target.write_text(text, encoding="utf-8")
    out.print(f"{target}: look at every line, then put it into pipelines/landing/layouts/", markup=False)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.option("--nights", type=click.IntRange(1), default=7, show_default=True, help="How many nights to show.")
@at_home
@only_reads
def status(as_json: bool, nights: int, home: Path | None, landing: Path | None, debug: bool) -> None:
    """How the last nights went, what is published and what was held back.

    \b
    Exit code: 0 fresh · 2 stale, or the last night did not publish
    """
    from pipelines.orchestration import health

    settings = settings_of(home, landing, debug)
    state = health.examine(settings, nights)
    if as_json:
        click.echo(json.dumps(plain(asdict(state)), ensure_ascii=False, allow_nan=False, indent=2))
    else:
        show_health(state)
    sys.exit(REFUSED if state.problems else OK)


@cli.command()
@click.argument("sql")
@click.option(
    "--format",
    "shape",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="Of the answer.",
)
@at_home
@only_reads
def query(sql: str, shape: str, home: Path | None, landing: Path | None, debug: bool) -> None:
    """Ask the published file, read-only.

    \b
    Examples:  quanyu query "select business_date, paid_amount from marts.shop_daily order by 1 desc limit 7"
               quanyu query "from operations.publications" --format json
    """
    from pipelines.warehouse.reading import ask

    settings = settings_of(home, landing, debug)
    show_table(ask(settings, sql), shape)
    if err.is_terminal:
        show_freshness(settings)


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; the page has no password.")
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="Port of the web page.")
@at_home
def serve(host: str, port: int, home: Path | None, landing: Path | None, debug: bool) -> None:
    """Dagster's web page, and the daemon that runs the nightly schedule.

    \b
    Example:   quanyu serve --port 3000
    """
    from pipelines.orchestration.service import serve as run_forever

    settings = settings_of(home, landing, debug)
    err.print(f"http://{host}:{port} · every night at {settings.schedule} {settings.time_zone} · Ctrl-C ends")
    run_forever(settings, host, port)


@cli.command()
@click.argument("program", default="superset")
@at_home
def superset(program: str, home: Path | None, landing: Path | None, debug: bool) -> None:
    """Give the dashboard to an Apache Superset on this machine.

    Its charts read the published file of this home, and can only read. A second import replaces what the first one
    made; the next publications show without one. PROGRAM is Superset's own command line. How to set it up:
    docs/connect.md.

    \b
    Example:   quanyu --home ~/shop superset ~/superset/bin/superset
    """
    from pipelines.dashboard.importing import import_dashboard

    settings = settings_of(home, landing, debug)
    import_dashboard(settings, program)
    out.print(f"/superset/dashboard/quanyu/ reads {settings.current}", markup=False)


@cli.command()
@at_home
def docs(home: Path | None, landing: Path | None, debug: bool) -> None:
    """Write dbt's documentation as one page: every model, its columns, its SQL, what it is made from.

    reports/models.html opens from disk and loads nothing. It tells of the models, not of data: no night is needed.

    \b
    Example:   quanyu --home ~/shop docs
    """
    from pipelines.orchestration.lock import night_lock
    from pipelines.transform.docs_page import write_docs
    from pipelines.transform.project import Project

    settings = settings_of(home, landing, debug)
    settings.make_home()
    target = settings.reports / "models.html"
    with night_lock(settings, err.print, wait=False):
        write_docs(Project(settings), target)
    out.print(str(target), markup=False)


@cli.command()
@click.option("--page", is_flag=True, help="Print docs/configuration.md.")
@at_home
@only_reads
def config(page: bool, home: Path | None, landing: Path | None, debug: bool) -> None:
    """The configuration in force, as quanyu.toml would say it."""
    if page:
        click.echo(configuration_page(), nl=False)
        return
    settings = settings_of(home, landing, debug)
    click.echo(f"# home     {settings.home}\n# landing  {settings.landing}")
    for name, described in Policy.model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, Postgres):
            click.echo(f"\n# {described.description}\n[{name}]")
            for key, held in value:
                click.echo(f"{key} = {toml_value(held)}")
            continue
        click.echo(f"\n# {described.description}")
        click.echo(f"# {name} = none" if value is None else f"{name} = {toml_value(value)}")


@cli.group()
def quarantine() -> None:
    """Rows that were held back, and why.

    \b
    Drop a corrected file to load them; the load releases the rows it replaces.
    Examples:  quanyu quarantine list --grouped
               quanyu quarantine list --feed orders
               quanyu quarantine show --path orders/2025-11-11.csv --line 42
               quanyu quarantine release --path orders/2025-11-11.csv
    """


def chosen(command: F) -> F:
    """The options that choose rows of quarantine."""
    for option in (
        click.option("--line", type=int, help="Line in the file."),
        click.option("--reason", help="Reason code."),
        click.option("--path", "file", help="File as `quarantine list` prints it."),
        click.option("--feed", help="Feed."),
    ):
        command = option(command)
    return command


NOTHING_HELD = "No row that is held back is like that."
SHAPE = click.option(
    "--format", "shape", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True
)
LIMIT = click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Rows at most.")


@quarantine.command("list")
@chosen
@click.option(
    "--grouped", "by_reason", is_flag=True, help="One line a file, column and reason, with the number of rows."
)
@LIMIT
@SHAPE
@at_home
@only_reads
def list_quarantine(
    feed: str | None, file: str | None, reason: str | None, line: int | None, limit: int, shape: str, by_reason: bool,
    home: Path | None, landing: Path | None, debug: bool,
) -> None:  # fmt: skip
    """Which rows are held back, where they stand and why."""
    from pipelines.orchestration.lock import night_lock
    from pipelines.warehouse.held_back import grouped, listed

    settings = settings_of(home, landing, debug)
    settings.make_home()
    with night_lock(settings, err.print, wait=False):
        table = grouped if by_reason else listed
        held = table(settings, {"feed": feed, "path": file, "reason": reason, "line": line}, limit)
        show_table(held, shape, NOTHING_HELD)


@quarantine.command("show")
@chosen
@LIMIT
@SHAPE
@at_home
@only_reads
def show_quarantine(
    feed: str | None, file: str | None, reason: str | None, line: int | None, limit: int, shape: str,
    home: Path | None, landing: Path | None, debug: bool,
) -> None:  # fmt: skip
    """The rows themselves, as far as the feed loads their columns; user ids are hashed."""
    from pipelines.orchestration.lock import night_lock
    from pipelines.warehouse.held_back import shown

    settings = settings_of(home, landing, debug)
    settings.make_home()
    with night_lock(settings, err.print, wait=False):
        held = shown(settings, {"feed": feed, "path": file, "reason": reason, "line": line}, limit)
        show_table(held, shape, NOTHING_HELD)


@quarantine.command("release")
@chosen
@at_home
def release_quarantine(
    feed: str | None, file: str | None, reason: str | None, line: int | None,
    home: Path | None, landing: Path | None, debug: bool,
) -> None:  # fmt: skip
    """Let go of rows that were dealt with elsewhere; they are not loaded."""
    from pipelines.orchestration.lock import night_lock
    from pipelines.warehouse.held_back import release

    wanted: dict[str, object] = {"feed": feed, "path": file, "reason": reason, "line": line}
    if all(value is None for value in wanted.values()):
        raise click.UsageError("say which rows: --feed, --path, --reason or --line")
    settings = settings_of(home, landing, debug)
    settings.make_home()
    with night_lock(settings, err.print, wait=False):
        count = release(settings, wanted, datetime.now(settings.zone).replace(tzinfo=None))
    out.print(f"released {count} rows")


def newest_built(settings: Settings) -> date | None:
    """The newest day that was published, None before the first."""
    from pipelines.warehouse.reading import published

    found = published(settings)
    return found.business_date if found else None


def run_nights(settings: Settings, requests: list[Request]) -> None:
    """Run nights one after the other, print how each ended, exit with the code of the last."""
    from pipelines.orchestration.console import narrated
    from pipelines.orchestration.interrupts import orderly_end
    from pipelines.orchestration.night import must_be_over
    from pipelines.orchestration.runner import Runner

    for request in requests:
        # Before the night begins: a slip of the pen is no broken night.
        must_be_over(request, datetime.now(settings.zone).date())
    code = BROKEN
    with narrated(err), no_early_end(), orderly_end():
        for entry in Runner(settings).run(requests):
            code = EXIT_CODES[entry.outcome]
            if code == OK:
                out.print(f"published {entry.business_date}: {entry.message}", markup=False)
                continue
            if entry.evidence:
                err.print(entry.evidence, markup=False)
            err.print(f"quanyu: {entry.outcome}: {entry.message}", markup=False)
            if code == REFUSED and settings.current.exists():
                err.print(f"the last good publication stands: {settings.current.resolve().name}", markup=False)
    sys.exit(code)


@contextmanager
def no_early_end() -> Iterator[None]:
    """A library that ends the process within a night does not decide the exit code: that night did not publish."""
    try:
        yield
    except SystemExit as left:
        raise QuanyuError(f"the night was ended from within (exit code {left.code}); run it again") from left


def show_table(table: Table, shape: str, nothing: str = "") -> None:
    """Print an answer as a table for people, or as CSV or JSON for programs. `nothing` is what an empty one says."""
    if shape == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows(table.rows)
    elif shape == "json":
        rows = [dict(zip(table.columns, map(plain, row), strict=True)) for row in table.rows]
        click.echo(json.dumps(rows, ensure_ascii=False, allow_nan=False))
    elif table.columns == ["explain_key", "explain_value"]:
        for _, plan in table.rows:
            click.echo(plan, nl=False)
    elif not table.rows and nothing:
        out.print(nothing)
    else:
        shown = RichTable(box=None, pad_edge=False, header_style="bold")
        for name in table.columns:
            shown.add_column(Text(visible(name)))
        for row in table.rows:
            shown.add_row(*(Text("" if value is None else visible(str(value))) for value in row))
        if out.is_terminal:
            out.print(shown)
        else:
            wide = Speaker(highlight=False, emoji=False, width=UNFOLDED)
            wide.print(shown, no_wrap=True, overflow="ignore", crop=False)


def plain(value: Any) -> Any:
    """What JSON can hold, exactly: decimals, dates and the rest become text, numbers that are none become null."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): plain(held) for key, held in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(held) for held in value]
    return str(value)


def show_freshness(settings: Settings) -> None:
    """Under an answer on a terminal: the day it is of, when that was published, and what is wrong with it."""
    from pipelines.orchestration import health

    state = health.examine(settings, 1)
    if state.published:
        err.print(
            f"data up to {state.published.business_date}, published {state.published.published_at:%Y-%m-%d %H:%M}"
        )
    for problem in state.problems:
        err.print(f"quanyu: {problem}", markup=False)


def show_health(state: Any) -> None:
    """Print `quanyu status` for a person."""
    if state.published:
        data = state.published
        out.print(f"published   {data.file} up to {data.business_date}, written {data.published_at:%Y-%m-%d %H:%M}")
        if data.last_paid_on and data.last_paid_on < data.business_date:
            days = (data.business_date - data.last_paid_on).days
            out.print(f"            the last payment is of {data.last_paid_on}, {days} day{'s' * (days > 1)} before")
        out.print(f"            {data.marts} marts, {data.rows:,} rows, {data.versions} versions kept")
        files = ", ".join(f"{count} {name}" for name, count in data.files.items()) or "none"
        books = "balanced" if not data.unbalanced_files else f"{data.unbalanced_files} files do not balance"
        out.print(f"files       {files} · books {books}")
        refused = [f"{visible(path)}: {visible(why)}" for path, why in data.refused_files.items()]
        if len(refused) > SHOWN_REFUSALS:
            more = f"{len(refused) - SHOWN_REFUSALS} more, see path and error in operations.load_audit (quanyu query)"
            refused[SHOWN_REFUSALS:] = [more]
        if data.refused_files_gone:
            refused.append(f"{data.refused_files_gone} not in the landing folder any more")
        for number, line in enumerate(refused):
            out.print(f"{'' if number else 'refused':<12}{line}", markup=False)
        if data.order_lines:
            known = f"{data.order_lines_with_buyer:,} of {data.order_lines:,} order lines"
            cure = "; a file in buyer_map/ names more" if data.order_lines_with_buyer != data.order_lines else ""
            out.print(f"buyers      known for {known}{cure}")
        held = ", ".join(f"{count:,} {feed} ({reason})" for feed, reason, count in data.quarantined[:SHOWN_FILES])
        more = sum(count for _, _, count in data.quarantined[SHOWN_FILES:])
        out.print(f"held back   {held or 'nothing'}" + (f" … {more:,} more" if more else ""), markup=False)
    else:
        out.print("published   nothing yet")
    for night in state.nights:
        seconds = sum(phase.wall_seconds for phase in night.phases)
        begun = night.started_at.replace("T", " ")
        out.print(f"{begun}  {night.business_date}  {night.outcome:<9} {seconds:6.0f} s  {night.message}", markup=False)
    for problem in state.problems:
        err.print(f"quanyu: {problem}", markup=False)


def main() -> None:
    """Entry point of the console script. Ends the process at once: taking apart all that a night imported and parsed
    costs two CPU seconds, and everything it wrote is closed by then.
    """
    code = OK
    try:
        command()
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else BROKEN
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(BrokenPipeError):
            stream.flush()
    os._exit(code)


def command() -> None:
    """Run the command line; every error that a person can cause is one line on standard error."""
    quiet_environment()
    context: dict[str, Any] = {}
    try:
        with cli.make_context("quanyu", sys.argv[1:]) as made:
            context = made.params
            cli.invoke(made)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except (click.Abort, KeyboardInterrupt):
        fail("interrupted", context)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(OK)
    except click.ClickException as error:
        fail(error.format_message(), context)
    except (QuanyuError, ConfigError) as error:
        fail(str(error), context)
    except OSError as error:
        fail(f"{error.filename or 'the system'}: {error.strerror or error}", context)
    except Exception as error:
        fail(f"unexpected {type(error).__name__}: {error}; run again with --debug to see where", context)


def fail(message: str, context: dict[str, Any]) -> None:
    """One line, exit code 1; with --debug the traceback comes first."""
    if context.get("debug"):
        traceback.print_exc()
    err.print(f"quanyu: {' '.join(message.split())}", markup=False)
    sys.exit(BROKEN)


if __name__ == "__main__":
    main()
