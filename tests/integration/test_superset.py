"""A real Superset beside a home: the dashboard imported, drawn in a browser, equal to the published file to the digit,
unable to write, and showing the next publication without being told.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from filelock import FileLock
from playwright.sync_api import Page, Request, Response

from pipelines.config import PROJECT_DIR
from pipelines.orchestration import night
from pipelines.simulate import deliveries, simulate
from tests.fixtures.browser import chromium_of_the_system
from tests.oracle.nights import published, run_nights

pytestmark = pytest.mark.slow
FILES = PROJECT_DIR / "bi" / "superset"
FIRST, DAYS = date(2025, 3, 1), 70
LAST = FIRST + timedelta(days=DAYS - 1)
PATIENCE_SECONDS = 180
ANIMATION_MS = 2000
# How uv says that the packages are out of reach; any other fault of the lock fails the test.
OUT_OF_REACH = ("Failed to fetch", "error sending request", "operation timed out", "network was disabled")
MISSING = "the packages of bi/superset/requirements.lock cannot be fetched on this machine"
# Superset asks only for charts in view, so the view holds all of them.
VIEWPORT = {"width": 1500, "height": 2700}

SCORE_DAY = "grain = 'day'"
HALVES = "breadth_points as 内容宽度得分, depth_points as 转化深度得分"
DIMENSIONS = "product_points as 商品体验得分, logistics_points as 物流体验得分, service_points as 服务体验得分"
LAYERS = {1: "A1 了解", 2: "A2 吸引", 3: "A3 问询", 4: "A4 行动", 5: "A5 拥护"}
SIDES = {-1: "新增", 0: "O 机会", **LAYERS}
AXES = {
    "total_impressions": "总曝光量", "content_count": "内容数量", "live_dwell_seconds": "直播停留时长",
    "live_interaction_rate": "直播互动率", "product_click_rate": "商品点击率", "click_purchase_rate": "点击成交率",
    "price_per_unit": "件单价", "repurchase_rate_90d": "90 天复购率",
}  # fmt: skip
# Charts over time: rows (day, series, value). The others: rows as they are shown.
OVER_TIME = {
    "paid": "select business_date, '支付金额', paid_amount from marts.shop_daily where {shop}",
    "asset": "select business_date, '人群资产', asset from marts.audience_health_daily where {shop}",
    "score": f"select period_start, '经营得分（百分制）', score_100 from marts.operating_score where {SCORE_DAY} and {{shop}}",
    "experience": "select business_date, '体验得分（10分）', experience_10 from marts.experience_score_daily where {shop}",
    "audience_stock": "select business_date, cast(layer as varchar), users from marts.audience_5a_daily where layer > 0 and {shop}",
    "score_trend": f"unpivot (select period_start, {HALVES} from marts.operating_score where {SCORE_DAY} and {{shop}}) on columns(* exclude (period_start))",
    "experience_trend": f"unpivot (select business_date, {DIMENSIONS} from marts.experience_score_daily where {{shop}}) on columns(* exclude (business_date))",
    "paths": "select business_date, path_class_zh, sum(paid_amount) from marts.purchase_path_daily where {shop} group by all",
    "fields": "select business_date, field_class_zh, paid_amount from marts.field_matrix_daily where {shop}",
}
AS_SHOWN = {
    "freshness": "select business_date, published_at, '正常' from operations.publications order by published_at desc limit 1",
    "audience_flow": "select from_layer, to_layer, users from marts.audience_5a_flow where horizon_days = 7 and from_layer <> to_layer and business_date = {day} and {shop}",
    "score_radar": f"select indicator, fraction from marts.operating_score_indicators where {SCORE_DAY} and period_start = {{day}} and {{shop}}",
    "goods_quadrant": "select coalesce(n.name, product_id), quadrant_zh, quantity_share, amount_share, net_amount from marts.product_quadrant left join (select shop_id, entity_id as product_id, name from marts.entity_names where kind = 'product') as n using (shop_id, product_id) where scope = 'all' and quadrant <> 'no_sales' and business_date = {day} and {shop}",
    "campaigns": "select campaign_name, starts_on, ends_on, paid_amount, baseline_amount, uplift, net_incremental_amount, a3_gained, repurchase_30d, roi from marts.campaign_performance where {shop}",
}


@dataclass
class Drawn:
    """A dashboard as it was drawn: what each chart was given, by the name of its file, and who answered the browser."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    shops: dict[str, list[str]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)


def installed() -> Path:
    """The programs of Superset's own environment, made once from its lock beside ours; a changed lock makes it anew."""
    lock = FILES / "requirements.lock"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    home = Path(sys.prefix) / f"superset-{digest}"
    uv = [str(Path(sys.executable).with_name("uv")), "--quiet"]
    with FileLock(f"{home}.lock"):
        if not (home / ".installed").exists():
            for old in home.parent.glob("superset-*"):
                if old.is_dir():
                    shutil.rmtree(old)
            subprocess.run([*uv, "venv", "--python", sys.executable, str(home)], check=True, capture_output=True)
            sync = ["pip", "sync", "--require-hashes", "--python", str(home / "bin" / "python"), str(lock)]
            done = subprocess.run([*uv, *sync], capture_output=True, text=True)
            if done.returncode and any(sign in done.stderr for sign in OUT_OF_REACH):
                pytest.skip(MISSING)
            assert done.returncode == 0, done.stderr
            (home / ".installed").touch()
    return home / "bin"


def make(home: Path) -> None:
    """A home of two shops whose newest day waits beside the landing folder."""
    simulate(home / "shop", days=DAYS, users=4000, shops=2, seed=5, start=FIRST, daily_tail=1, events_target=120_000)
    for day, files in deliveries(home / "shop"):
        for file in files:
            folder = home / ("later" if day == LAST else "landing") / file.parent.name
            folder.mkdir(parents=True, exist_ok=True)
            shutil.move(file, folder / file.name)
    run_nights(home, [night.Request(on=LAST - timedelta(days=1))])


def arrive(home: Path) -> None:
    shutil.copytree(home / "later", home / "landing", dirs_exist_ok=True)
    run_nights(home, [night.Request(on=LAST)])


@contextmanager
def serving(home: Path, programs: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """Superset set up as docs/connect.md says, the dashboard imported: its address and the password of `admin`."""
    password = secrets.token_urlsafe(12)
    env = os.environ | {
        "SUPERSET_HOME": str(folder),
        "SUPERSET_CONFIG_PATH": str(FILES / "superset_config.py"),
        "SUPERSET_SECRET_KEY": secrets.token_urlsafe(32),
    }
    # Superset is started five times; the second start must not compile it again.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    env.pop("PYTHONPATH", None)

    def run(*command: str) -> None:
        done = subprocess.run(command, env=env, cwd=PROJECT_DIR, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"

    superset = str(programs / "superset")
    person = [
        "--username",
        "admin",
        "--firstname",
        "Shop",
        "--lastname",
        "Owner",
        "--email",
        "owner@shop.example",
        "--password",
    ]
    run(superset, "db", "upgrade")
    run(superset, "fab", "create-admin", *person, password)
    run(superset, "init")
    for _ in range(2):  # A second import must find its own and replace it.
        run(sys.executable, "-m", "pipelines.cli", "--home", str(home), "superset", superset)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "log"
    workers = ["-w", "1", "-k", "gthread", "--threads", "8", "--timeout", "120"]
    server = subprocess.Popen(
        [str(programs / "gunicorn"), "--bind", f"127.0.0.1:{port}", *workers, "superset.app:create_app()"],
        env=env, cwd=folder, stdout=log.open("wb"), stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not answers(f"http://127.0.0.1:{port}/health"):
            assert server.poll() is None and time.monotonic() < deadline, log.read_text(errors="replace")[-4000:]
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}", password
        assert server.poll() is None, log.read_text(errors="replace")[-4000:]
    finally:
        server.terminate()
        server.wait(30)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def drawn(page: Page, base: str, picture: Path) -> Drawn:
    """Open the dashboard and wait until every chart stands on it."""
    names = {
        content["slice_name"]: path.stem
        for path in sorted((FILES / "charts").glob("*.yaml"))
        for content in [yaml.safe_load(path.read_text("utf-8"))]
    }
    charts = page.request.get(f"{base}/api/v1/dashboard/quanyu/charts").json()["result"]
    known = {chart["id"]: names[chart["slice_name"]] for chart in charts}
    seen = Drawn()

    def answered(request: Request) -> None:
        response: Response | None = request.response()
        assert response
        seen.hosts.add(request.url.split("/")[2] if request.url.startswith("http") else "")
        if response.status >= 400:
            seen.failures.append(f"{response.status} {request.url}")
        if "/api/v1/chart/data" not in request.url:
            return
        form = json.loads(request.post_data or "{}")
        name = known.get(form["form_data"].get("slice_id"))
        if name and response.ok:
            [query] = form["queries"]
            seen.shops[name] = [shop for rule in query["filters"] if rule["col"] == "shop_id" for shop in rule["val"]]
            seen.rows[name] = response.json()["result"][0]["data"]

    page.on("requestfinished", answered)
    page.goto(f"{base}/superset/dashboard/quanyu/")
    try:
        page.wait_for_function(
            """(count) => {
                const charts = [...document.querySelectorAll("[data-test=chart-container]")];
                const stands = (chart) => chart.querySelector("canvas, tbody td, .header-line");
                return charts.length === count && charts.every(stands) && !document.querySelector("[data-test=loading-indicator]");
            }""",
            arg=len(known),
            timeout=PATIENCE_SECONDS * 1000,
        )
        page.wait_for_timeout(ANIMATION_MS)
    finally:
        page.screenshot(path=picture)
    page.remove_listener("requestfinished", answered)
    return seen


def told(value: Any) -> Any:
    """A value as the browser is told it: days and times as milliseconds since 1970, numbers to twelve digits."""
    if isinstance(value, datetime):
        return pytest.approx(value.replace(tzinfo=UTC).timestamp() * 1000, abs=1)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp() * 1000
    return value if value is None or isinstance(value, str) else pytest.approx(float(value), rel=1e-12, abs=1e-15)


def in_order(rows: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    return sorted(rows, key=lambda row: [str(cell) for cell in row[:2]])


def equals_the_file(seen: Drawn, home: Path, day: date) -> None:
    """Every chart shows what the published file says of the shop that the filter chose first."""
    chosen = {tuple(shops) for name, shops in seen.shops.items() if name != "freshness"}
    assert chosen == {("shop-1",)} and seen.shops["freshness"] == []
    assert seen.rows.keys() == OVER_TIME.keys() | AS_SHOWN.keys()
    with duckdb.connect(str(published(home)), read_only=True) as con:

        def ask(sql: str) -> list[tuple[Any, ...]]:
            return con.execute(sql.format(shop="shop_id = 'shop-1'", day=f"date '{day}'")).fetchall()

        for name, sql in OVER_TIME.items():
            expected = [
                (told(at), LAYERS[int(of)] if name == "audience_stock" else of, value) for at, of, value in ask(sql)
            ]
            found = [
                (row[at], series, row[series])
                for row in seen.rows[name]
                for at in row.keys() & {"business_date", "period_start"}
                for series in row.keys() - {at}
            ]
            expected, found = ([row for row in rows if row[2] is not None] for rows in (expected, found))
            assert expected, f"{name} shows nothing"
            assert [(*row[:2], pytest.approx(float(row[2]), rel=1e-12)) for row in in_order(expected)] == in_order(
                found
            ), name
        for name, sql in AS_SHOWN.items():
            expected = ask(sql)
            if name == "audience_flow":
                expected = [(f"期初 {SIDES[start]}", f"期末 {SIDES[end]}", users) for start, end, users in expected]
            found = [tuple(row.values()) for row in seen.rows[name]]
            if name == "score_radar":
                expected = [(AXES[indicator], fraction) for indicator, fraction in expected]
                found = list(seen.rows[name][0].items())
            assert expected, f"{name} shows nothing"
            assert [tuple(map(told, row)) for row in in_order(expected)] == in_order(found), name


def test_a_superset_shows_each_publication_and_changes_nothing(tmp_path: Path) -> None:
    programs = installed()
    home, folder = tmp_path / "home", tmp_path / "superset"
    folder.mkdir()
    make(home)
    with serving(home, programs, folder) as (base, password), chromium_of_the_system() as browser:
        page = browser.new_page(viewport=VIEWPORT)
        page.goto(f"{base}/login/")
        page.fill("#username", "admin")
        page.fill("#password", password)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/login" not in url)

        before = drawn(page, base, tmp_path / "before.png")
        equals_the_file(before, home, LAST - timedelta(days=1))
        nothing_went_wrong(before, page, base)
        speaks_chinese(page)
        asks_and_cannot_write(page, base)

        # Superset, the page and a reader of the file all stay open while the next night publishes.
        with duckdb.connect(str(home / "published" / "current.duckdb"), read_only=True) as reader:
            held = published(home)
            arrive(home)
            newest = "select max(business_date) from marts.shop_daily"
            assert reader.execute(newest).fetchone() == (LAST - timedelta(days=1),)
            assert held.exists() and published(home) != held
        after = drawn(page, base, tmp_path / "after.png")
        equals_the_file(after, home, LAST)
        nothing_went_wrong(after, page, base)
        assert page.get_by_text(f"{LAST}").first.is_visible()


def nothing_went_wrong(seen: Drawn, page: Page, base: str) -> None:
    """No error box, no empty chart, no blank canvas, no answer of another host."""
    assert seen.failures == []
    painted = page.locator("[data-test=chart-container] canvas").evaluate_all(
        "all => all.map(c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(value => value > 0))"
    )
    assert len(painted) >= 12 and all(painted), painted
    assert page.locator(".ant-alert, .ant-empty, [role=alert]").count() == 0
    assert seen.hosts - {""} == {base.removeprefix("http://")}


def speaks_chinese(page: Page) -> None:
    """Titles, headings of a table and Superset's own words."""
    for words in ("经营看板", "人群流转：近 7 天换层的人", "净增量金额", "A3新增人数", "编辑看板"):
        assert page.get_by_text(words, exact=True).first.is_visible(), words


def asks_and_cannot_write(page: Page, base: str) -> None:
    """SQL Lab answers questions; it changes nothing and reads nothing else, even where somebody lets it."""
    token = page.request.get(f"{base}/api/v1/security/csrf_token/").json()["result"]
    headers = {"X-CSRFToken": token, "Referer": base}
    [database] = page.request.get(f"{base}/api/v1/database/").json()["result"]

    def lab(sql: str) -> tuple[bool, str]:
        body = {
            "database_id": database["id"],
            "sql": sql,
            "schema": "marts",
            "runAsync": False,
            "client_id": secrets.token_hex(5),
        }
        answer = page.request.post(f"{base}/api/v1/sqllab/execute/", data=body, headers=headers, timeout=60_000)
        return answer.ok, answer.text()

    ok, said = lab("select count(*) as days from marts.shop_daily")
    assert ok and json.loads(said)["data"] == [{"days": 2 * (DAYS - 1)}]
    writing = (
        "delete from marts.shop_daily",
        "create table marts.mine as select 1 as a",
        "drop table marts.shop_daily",
    )
    for sql in writing:
        ok, said = lab(sql)
        assert not ok and "DML" in said.upper(), f"{sql}: {said}"
    allowed = page.request.put(f"{base}/api/v1/database/{database['id']}", data={"allow_dml": True}, headers=headers)
    assert allowed.ok, allowed.text()
    for sql in writing:
        ok, said = lab(sql)
        assert not ok and "read-only" in said, f"{sql}: {said}"
    for sql in ("select * from read_text('/etc/hostname')", "select * from read_csv('/etc/passwd')"):
        ok, said = lab(sql)
        assert not ok and "disabled by configuration" in said, f"{sql}: {said}"
