"""The copy of the marts in a real PostgreSQL server: whole or not at all, labelled, read-only for its reader."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg
import pytest

from pipelines.config import Postgres, Settings, load_settings
from pipelines.errors import QuanyuError
from pipelines.warehouse.postgres import copy_marts
from tests.fixtures.published import LAST, PUBLISHED_AT, Shape, write

pytestmark = pytest.mark.slow
MISSING = "no PostgreSQL server on this machine; install it with: apt-get install -y postgresql (or: make system)"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server of its own that is thrown away afterwards. `initdb` refuses root, so it runs as `postgres`."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [
        Path(path).parent for path in [shutil.which("initdb")] if path
    ]
    if not found:
        pytest.skip(MISSING)
    # Not under pytest's own folder: the path of a socket is short, and `postgres` may not enter there.
    folder = Path(tempfile.mkdtemp(prefix="quanyu-postgres-"))
    as_user = []
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]

    def run(program: str, *arguments: str) -> None:
        subprocess.run([*as_user, str(found[-1] / program), *arguments], check=True, capture_output=True, cwd="/")

    data = str(folder / "data")
    run("initdb", "-D", data, "-U", "owner", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    run("pg_ctl", "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield f"postgresql://owner@/postgres?host={folder}"
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture
def settings(tmp_path: Path, server: str) -> Iterator[Settings]:
    """A home with a publication, its copy going into a schema of the test's own."""
    name = f"s{time.monotonic_ns()}"
    made = load_settings(tmp_path).model_copy(
        update={"postgres": Postgres(address=server, into=f"{name}_marts", reader=f"{name}_bi")}
    )
    made.make_home()
    publish(made, Shape(days=8, products=5))
    yield made


def publish(settings: Settings, shape: Shape) -> None:
    target = settings.published / f"quanyu-{time.monotonic_ns()}.duckdb"
    write(target, shape)
    settings.current.unlink(missing_ok=True)
    settings.current.symlink_to(target.name)


def into(settings: Settings) -> str:
    assert settings.postgres
    return settings.postgres.into


def ours(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.current.resolve()), read_only=True) as con:
        return con.execute(sql).fetchall()


def test_every_row_arrives_as_it_is_with_its_labels(settings: Settings, server: str) -> None:
    con = duckdb.connect(str(settings.current.resolve()))
    con.execute(
        "update marts.entity_names set name = 'a \"b\", ''c''' || chr(10) || '\\N 𠮷' where entity_id = 'p000000000000000000'"
    )
    con.execute("update marts.entity_names set name = '' where entity_id = 'p000000000000000001'")
    con.close()
    rows = copy_marts(settings)
    assert rows["shop_daily"] == 8 and rows["publications"] == 1 and "load_audit" not in rows
    with psycopg.connect(server) as theirs:
        for table in ("shop_daily", "product_quadrant", "campaign_performance", "entity_names", "operating_score"):
            expected = ours(settings, f"select * from marts.{table} order by all")
            found = theirs.execute(f"select * from {into(settings)}.{table}").fetchall()
            assert sorted(map(repr, found)) == sorted(map(repr, expected)), table
        said = theirs.execute("select col_description(%s::regclass, 1)", [f"{into(settings)}.shop_daily"]).fetchone()
        assert (
            said
            == ours(
                settings, "select comment from duckdb_columns() where table_name = 'shop_daily' and column_index = 1"
            )[0]
        )


def test_the_reader_reads_and_nothing_else(settings: Settings, server: str) -> None:
    copy_marts(settings)
    assert settings.postgres
    with psycopg.connect(server, autocommit=True) as bi:
        bi.execute(f"set role {settings.postgres.reader}")
        assert bi.execute(f"select count(*) from {into(settings)}.shop_daily").fetchone() == (8,)
        for refused in ("delete from {}.shop_daily", "create table {}.x (a int)", "drop table {}.shop_daily"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                bi.execute(refused.format(into(settings)))


def test_a_person_of_the_readers_role_gets_in(settings: Settings, server: str) -> None:
    """As docs/connect.md says it."""
    copy_marts(settings)
    assert settings.postgres
    anna = f"anna_{into(settings)}"
    with psycopg.connect(server, autocommit=True) as owner:
        owner.execute(f"create role {anna} login password 'x' in role {settings.postgres.reader}")
    with psycopg.connect(server.replace("owner@", f"{anna}@")) as con:
        found = con.execute(
            f"select max(business_date), max(published_at) from {into(settings)}.publications"
        ).fetchone()
    assert found == (LAST, PUBLISHED_AT)


def test_an_open_connection_and_a_view_see_the_next_publication(settings: Settings, server: str) -> None:
    copy_marts(settings)
    with psycopg.connect(server, autocommit=True) as bi:
        bi.execute(f"create view public.days_{into(settings)} as select count(*) as n from {into(settings)}.shop_daily")
        publish(settings, Shape(days=9, products=5, absent=frozenset({"lucky_bag_daily"})))
        copy_marts(settings)
        assert bi.execute(f"select n from public.days_{into(settings)}").fetchone() == (9,)
        assert bi.execute("select to_regclass(%s)", [f"{into(settings)}.lucky_bag_daily"]).fetchone() == (None,)
        # A column that is new makes the table anew, and the reader may read it at once.
        con = duckdb.connect(str(settings.current.resolve()))
        con.execute("alter table marts.repurchase_daily add column fresh integer default 7")
        con.close()
        copy_marts(settings)
        assert settings.postgres
        bi.execute(f"set role {settings.postgres.reader}")
        assert bi.execute(f"select distinct fresh from {into(settings)}.repurchase_daily").fetchone() == (7,)


def test_a_copy_that_fails_leaves_the_one_before(settings: Settings, server: str) -> None:
    copy_marts(settings)
    publish(settings, Shape(days=9, products=5))
    con = duckdb.connect(str(settings.current.resolve()))
    con.execute("create table marts.zz_odd as select [1, 2] as list")
    con.close()
    with pytest.raises(QuanyuError, match=r"postgres: zz_odd\.list is INTEGER\[\], which has no counterpart there"):
        copy_marts(settings)
    with psycopg.connect(server) as theirs:
        assert theirs.execute(f"select count(*) from {into(settings)}.shop_daily").fetchone() == (8,)


def test_what_somebody_else_keeps_there_is_not_touched(settings: Settings, server: str) -> None:
    with psycopg.connect(server, autocommit=True) as owner:
        owner.execute(f"create schema {into(settings)}")
        owner.execute(f"create table {into(settings)}.shop_daily (mine text)")
    with pytest.raises(QuanyuError, match="holds tables that quanyu did not write; name another one with `into`"):
        copy_marts(settings)


def test_a_server_that_is_not_there_is_one_line(settings: Settings) -> None:
    away = settings.model_copy(update={"postgres": Postgres(address="postgresql://owner@/none?host=/nonexistent")})
    with pytest.raises(QuanyuError, match=r"^postgres: [^\n]*; the copy of the publication before stands$"):
        copy_marts(away)
