"""The command line: one line an error, exit codes that scripts can rely on, help that teaches."""

import json
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from pipelines import cli
from pipelines.orchestration import journal
from pipelines.orchestration.runner import Runner


def ran(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: object
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["quanyu", *map(str, arguments)])
    code: object = 0
    try:
        cli.command()
    except SystemExit as left:
        code = left.code
    said = capsys.readouterr()
    assert isinstance(code, int)
    return code, said.out, said.err


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a tiny publication."""
    (tmp_path / "landing").mkdir()
    (tmp_path / "published").mkdir()
    file = tmp_path / "published" / "quanyu-20250311-run-----.duckdb"
    con = duckdb.connect(str(file))
    con.execute("create schema marts")
    con.execute("create schema operations")
    con.execute(
        "create table marts.shop_daily as select 's1' as shop_id, date '2025-03-11' as business_date, "
        "12.50::decimal(18, 2) as paid_amount, null::double as roi"
    )
    con.execute(
        "create table operations.publications as select 'run-----' as run_id, date '2025-03-11' as business_date, "
        f"timestamp '{datetime.now(ZoneInfo('Asia/Shanghai')):%Y-%m-%d %H:%M:%S}' as published_at, "
        "'{\"shop_daily\": 1}' as rows_per_mart"
    )
    con.execute(
        "create table operations.load_audit as select 'loaded' as status, 4::bigint as rows_read, "
        "2::bigint as rows_loaded, 1::bigint as rows_duplicate, "
        "1::bigint as rows_quarantined, 0::bigint as rows_set_aside"
    )
    con.execute("create table operations.quarantine as select 'orders' as feed, 'bad_number' as reason")
    con.close()
    (tmp_path / "published" / "current.duckdb").symlink_to(file.name)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nightly", "--on", "yesterday"], "'yesterday' is no day; write it as 2025-11-11"),
        (["nigthly"], "No such command 'nigthly'"),
        (["backfill", "--from", "2025-01-02", "--to", "2025-01-01"], "lies before"),
        (["backfill", "--from", "2025-01-02"], "--to"),
        (["rebuild"], "nothing was built yet"),
        (["query", "select 1"], "nothing is published yet"),
        (["quarantine", "list"], "nothing was loaded yet"),
        (["quarantine", "release"], "say which rows"),
        (["simulate"], "Missing argument 'OUT'"),
        (["nightly", "--landing", "/nowhere/at/all"], "no such folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_error_is_one_line_and_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.setenv("QUANYU_HOME", str(tmp_path))
    code, out, err = ran(capsys, monkeypatch, *arguments)
    assert (code, out) == (1, "")
    assert says in err
    assert err.startswith("quanyu: ") and err.count("\n") == 1


def test_a_configuration_error_is_one_line_for_every_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "quanyu.toml").write_text("treads = 2")
    for command in ("status", "config", "nightly"):
        code, _, err = ran(capsys, monkeypatch, command, "--home", tmp_path)
        assert code == 1 and err.count("\n") == 1 and "did you mean 'threads'?" in err


def test_debug_shows_where(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in (["--debug", "query", "select 1"], ["query", "--debug", "select 1"]):
        code, _, err = ran(capsys, monkeypatch, *arguments, "--home", tmp_path)
        assert code == 1 and "Traceback" in err and err.splitlines()[-1].startswith("quanyu: ")


def test_home_may_stand_before_or_after_the_command(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = "select shop_id from marts.shop_daily"
    before = ran(capsys, monkeypatch, "--home", home, "query", sql, "--format", "csv")
    after = ran(capsys, monkeypatch, "query", sql, "--format", "csv", "--home", home)
    assert before == after == (0, "shop_id\ns1\n", "")


def test_query_answers_as_table_csv_and_json(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = "select shop_id, business_date, paid_amount, roi from marts.shop_daily"
    _, out, _ = ran(capsys, monkeypatch, "query", sql, "--home", home)
    assert [line.split() for line in out.splitlines()] == [
        ["shop_id", "business_date", "paid_amount", "roi"],
        ["s1", "2025-03-11", "12.50"],
    ]
    _, out, _ = ran(capsys, monkeypatch, "query", sql, "--home", home, "--format", "csv")
    assert out == "shop_id,business_date,paid_amount,roi\ns1,2025-03-11,12.50,\n"
    _, out, _ = ran(capsys, monkeypatch, "query", sql, "--home", home, "--format", "json")
    assert json.loads(out) == [{"shop_id": "s1", "business_date": "2025-03-11", "paid_amount": 12.5, "roi": None}]


@pytest.mark.parametrize("sql", ["delete from marts.shop_daily", "select nothing from marts.shop_daily", "selec 1"])
def test_query_is_read_only_and_explains_itself_in_one_line(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, sql: str
) -> None:
    code, _, err = ran(capsys, monkeypatch, "query", sql, "--home", home)
    assert code == 1 and err.count("\n") == 1


def test_status_of_a_fresh_home_is_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = ran(capsys, monkeypatch, "status", "--home", tmp_path)
    assert code == 2 and "nothing yet" in out and "run `quanyu nightly`" in err


def test_status_of_a_published_home_is_0(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = ran(capsys, monkeypatch, "status", "--home", home)
    assert (code, err) == (0, "")
    assert "up to 2025-03-11" in out and "1 loaded · books balanced" in out and "1 orders (bad_number)" in out
    code, out, _ = ran(capsys, monkeypatch, "status", "--home", home, "--json")
    assert code == 0 and json.loads(out)["published"]["business_date"] == "2025-03-11"


def entry(outcome: journal.Outcome, evidence: str = "") -> journal.Entry:
    return journal.Entry("run", "2025-03-11", "2025-03-12T02:30:00", "2025-03-12T02:31:00", outcome, "why", evidence)


@pytest.mark.parametrize(("outcome", "code"), [("published", 0), ("broken", 1), ("refused", 2)])
def test_nightly_ends_with_the_code_of_the_outcome(
    home: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    outcome: journal.Outcome,
    code: int,
) -> None:
    monkeypatch.setattr(Runner, "run", lambda self, requests: iter([entry(outcome, "orders.csv line 3: quantity=0")]))
    left, out, err = ran(capsys, monkeypatch, "nightly", "--home", home)
    assert left == code
    if outcome == "published":
        assert (out, err) == ("published 2025-03-11: why\n", "")
    else:
        assert "orders.csv line 3: quantity=0" in err and f"quanyu: {outcome}: why" in err
    assert ("the last good publication stands: quanyu-20250311-run-----.duckdb" in err) == (outcome == "refused")


@pytest.mark.parametrize("command", sorted(cli.cli.commands))
def test_help_of_every_command_teaches(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    code, out, _ = ran(capsys, monkeypatch, command, "--help")
    assert code == 0 and len(out.splitlines()) > 6


def test_the_commands_of_the_interface_are_there() -> None:
    assert {
        "nightly", "backfill", "rebuild", "simulate", "inspect", "status", "query", "serve", "quarantine",
    } <= set(cli.cli.commands)  # fmt: skip
