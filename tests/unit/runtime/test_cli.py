"""The command line: one line an error, exit codes that scripts can rely on, help that teaches."""

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from pipelines import cli
from pipelines.orchestration import journal
from pipelines.orchestration.runner import Runner
from pipelines.warehouse.schema import ensure_schema


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
        "create table operations.load_audit as select 'run-----' as run_id, 'orders/a.csv' as path, "
        "timestamp '2025-03-12 02:30:00' as loaded_at, 'loaded' as status, 'sha' as sha256, 'orders' as feed, 4::bigint as rows_read, "
        "2::bigint as rows_loaded, 1::bigint as rows_duplicate, "
        "1::bigint as rows_quarantined, 0::bigint as rows_set_aside, null::varchar as error"
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
        (["status", "--home="], "is empty; name a folder"),
        (["nightly", "--landing="], "is empty; name a folder"),
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
    assert json.loads(out) == [{"shop_id": "s1", "business_date": "2025-03-11", "paid_amount": "12.50", "roi": None}]


@pytest.mark.parametrize(
    "sql",
    [
        "delete from marts.shop_daily",
        "select nothing from marts.shop_daily",
        "selec 1",
        "copy marts.shop_daily to '{home}/out.csv'",
        "export database '{home}/out'",
        "attach '{home}/out.duckdb' as other",
        "explain analyze copy marts.shop_daily to '{home}/out.csv'",
        "select * from read_text('{home}/quanyu.toml')",
        "install httpfs",
        "checkpoint",
        "set threads = 1",
        "",
        "-- nothing",
        "select 1; select 2",
    ],
)
def test_query_is_read_only_and_explains_itself_in_one_line(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, sql: str
) -> None:
    (home / "quanyu.toml").write_text("")
    code, out, err = ran(capsys, monkeypatch, "query", sql.format(home=home), "--home", home)
    assert (code, out) == (1, "") and err.count("\n") == 1
    assert not list(home.glob("out*"))


def test_query_takes_every_form_of_one_question(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = "marts.shop_daily"
    for sql in (
        f"from {table};", f"describe {table}", f"summarize {table}", f"explain from {table}", "show all tables",
        f"pivot {table} on shop_id using count(*)", f"with a as (from {table}) from a -- all",
    ):  # fmt: skip
        code, out, err = ran(capsys, monkeypatch, "query", sql, "--home", home)
        assert (code, err) == (0, "") and out.count("\n") > 1, sql


def test_a_table_for_a_pipe_is_whole_and_literal(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = "select repeat('x', 300) as a, '[red]:smile:' as \"[b]\", 'y' || chr(27) || chr(10) as c"
    _, out, _ = ran(capsys, monkeypatch, "query", sql, "--home", home)
    assert [line.split() for line in out.splitlines()] == [
        ["a", "[b]", "c"],
        ["x" * 300, "[red]:smile:", "y\\x1b\\n"],
    ]


def test_on_a_terminal_an_answer_says_of_which_day_it_is(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(cli.err), "is_terminal", True)
    _, _, err = ran(capsys, monkeypatch, "query", "select 1 as one", "--home", home, "--format", "csv")
    assert err.startswith("data up to 2025-03-11, published ") and err.count("\n") == 1


def test_json_is_exact_and_valid(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = "select 0.1::decimal(38, 20) as d, 'nan'::double as n, [1.5, 'inf'::double] as l, {'k': 1.10} as s, true as t"
    _, out, _ = ran(capsys, monkeypatch, "query", sql, "--home", home, "--format", "json")
    assert json.loads(out) == [
        {"d": "0.10000000000000000000", "n": None, "l": [1.5, None], "s": {"k": "1.10"}, "t": True}
    ]


def test_a_home_that_is_a_file_is_said_by_every_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    for command in (["nightly"], ["status"], ["query", "select 1"], ["rebuild"]):
        code, out, err = ran(capsys, monkeypatch, *command, "--home", tmp_path / "file")
        assert (code, out) == (1, "") and err.count("\n") == 1
        assert "choose a writable folder with --home or QUANYU_HOME" in err


def test_status_names_refused_files_until_they_are_loaded_or_taken_away(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with duckdb.connect(str(home / "published" / "current.duckdb")) as con:
        con.execute(
            "insert into operations.load_audit select 'earlier', path, timestamp '2025-03-11 02:30:00', 'refused', '', "
            "'unknown', 0, 0, 0, 0, 0, path || ': is empty' from (values ('gone.csv'), ('mended.csv')) as t(path)"
        )
        con.execute(
            "insert into operations.load_audit select 'run-----', 'orders/bad' || n || '.csv', "
            "timestamp '2025-03-12 02:30:00', 'refused', 'x' || n, 'orders', 0, 0, 0, 0, 0, "
            "'orders/bad' || n || '.csv: is empty' from range(1, 25) as r(n)"
        )
        # One export that feeds two.
        con.execute(
            "insert into operations.load_audit select 'run-----', 'mended.csv', timestamp '2025-03-12 02:30:00', 'loaded', "
            "'m', feed, 3, 3, 0, 0, 0, null from (values ('contents'), ('traffic_daily')) as t(feed)"
        )
    for number in range(1, 25):
        path = home / "landing" / "orders" / f"bad{number}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    _, out, _ = ran(capsys, monkeypatch, "status", "--home", home)
    lines = out[out.index("refused     ") :].splitlines()
    named = sorted(f"orders/bad{n}.csv: is empty" for n in range(1, 25))[:20]
    assert [line[12:] for line in lines[:22]] == [
        *named, "4 more, see path and error in operations.load_audit (quanyu query)", "1 not in the landing folder any more",
    ]  # fmt: skip
    assert "mended.csv" not in out and "files       2 loaded, 25 refused · books balanced" in out


def test_status_says_how_many_lines_have_a_buyer(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "buyers" not in ran(capsys, monkeypatch, "status", "--home", home)[1]
    with duckdb.connect(str(home / "published" / "current.duckdb")) as con:
        con.execute(
            "create table operations.feed_presence as select * from "
            "(values ('orders', 's1', 1200, 7), ('orders', 's2', 3, 3), ('buyer_map', 's1', 9, 9)) "
            "as t(feed, shop_id, rows_held, rows_with_user)"
        )
    _, out, _ = ran(capsys, monkeypatch, "status", "--home", home)
    assert "buyers      known for 10 of 1,203 order lines; a file in buyer_map/ names more\n" in out


def test_a_day_that_has_not_come_begins_no_night(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in (["nightly", "--on", "2999-01-01"], ["backfill", "--from", "2025-03-12", "--to", "2999-01-01"]):
        code, out, err = ran(capsys, monkeypatch, *command, "--home", home)
        assert (code, out) == (1, "") and err.count("\n") == 1 and "lies in the future" in err
    assert not (home / "state").exists()


def test_a_day_built_long_ago_is_said_to_be(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runner, "run", lambda self, requests: iter([entry("published")]))
    code, _, err = ran(capsys, monkeypatch, "nightly", "--on", "2025-03-01", "--home", home)
    assert code == 0
    assert "--on 2025-03-01 lies before the newest day built: this night publishes up to 2025-03-11 again" in err
    assert ran(capsys, monkeypatch, "nightly", "--on", "2025-03-11", "--home", home)[2] == ""


@pytest.mark.parametrize(
    ("option", "given", "says"),
    [
        ("--feed", "order", "there is no such feed; did you mean orders? known are ad_spend, "),
        ("--reason", "not_a_numbr", "there is no such reason; did you mean not_a_number? known are a_range, "),
        ("--path", "orders/b.csv", "no file was delivered under this name; did you mean orders/a.csv?"),
    ],
)
def test_a_slip_in_what_to_list_is_no_empty_list(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, option: str, given: str, says: str
) -> None:
    (home / "state").mkdir()
    with duckdb.connect(str(home / "state" / "build.duckdb")) as con:
        ensure_schema(con)
        con.execute("insert into control.load_audit (path, feed, status) values ('orders/a.csv', 'orders', 'loaded')")
    for command in (["list"], ["list", "--grouped"], ["show"], ["release"]):
        code, out, err = ran(capsys, monkeypatch, "quarantine", *command, option, given, "--home", home)
        assert (code, out) == (1, "") and says in err and err.count("\n") == 1
    code, out, _ = ran(capsys, monkeypatch, "quarantine", "list", "--feed", "refunds", "--home", home)
    assert (code, out) == (0, "No row that is held back is like that.\n")


def exit_code_without_reader(home: Path, program: str) -> int:
    """Exit code of the console script's entry point, patched by `program`, when nobody reads its output."""
    unread, standard_output = os.pipe()
    os.close(unread)
    try:
        return subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "QUANYU_HOME": str(home)}, stdout=standard_output
        ).returncode
    finally:
        os.close(standard_output)


@pytest.mark.parametrize("shape", ["table", "csv", "json"])
def test_a_reader_who_leaves_is_no_error_of_a_query(home: Path, shape: str) -> None:
    program = (
        "import sys; from pipelines import cli; "
        f"sys.argv = ['quanyu', 'query', 'select range from range(9999)', '--format', {shape!r}]; cli.main()"
    )
    assert exit_code_without_reader(home, program) == 0


@pytest.mark.parametrize(
    ("night", "code"),
    [
        ("yield entry('published')", 0),
        ("yield entry('refused')", 2),
        ("raise BrokenPipeError(32, 'Broken pipe'); yield", 1),
        ("sys.exit(0); yield", 1),
        ("sys.exit('why'); yield", 1),
    ],
)
def test_only_a_published_night_ends_with_0_whatever_breaks(home: Path, night: str, code: int) -> None:
    program = f"""
import sys
from pipelines import cli
from pipelines.orchestration import journal
from pipelines.orchestration.runner import Runner

def entry(outcome):
    return journal.Entry("run", "2025-03-11", "2025-03-12T02:30:00", "2025-03-12T02:31:00", outcome, "why", "")

def run(self, requests):
    {night}

Runner.run = run
sys.argv = ["quanyu", "nightly"]
cli.main()
"""
    assert exit_code_without_reader(home, program) == code


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
    assert "\\b" not in out


def test_the_commands_of_the_interface_are_there() -> None:
    assert {
        "nightly", "backfill", "rebuild", "simulate", "inspect", "status", "query", "serve", "quarantine",
    } <= set(cli.cli.commands)  # fmt: skip
