"""One shop's spring and early summer, simulated once for all tests of this folder."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.simulate import SimulationReport, simulate
from pipelines.simulate.columns import FEEDS

TYPES = {
    "time": "timestamp", "date": "date", "int": "bigint", "money": "decimal(18,2)", "bool": "boolean",
    "rate": "decimal(18,4)",
}  # fmt: skip
CSV_FEEDS = (
    "orders", "refunds", "reviews", "contents", "authors", "members", "campaigns", "lucky_bags", "ad_spend",
    "service_sessions", "nps_surveys", "author_audience", "benchmarks", "official_metrics",
)  # fmt: skip


@dataclass(frozen=True)
class Simulated:
    out: Path
    report: SimulationReport
    db: duckdb.DuckDBPyConnection


@pytest.fixture(scope="session")
def summer(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """120 days around 618; the feeds as typed tables with all their versions, `lines` and `paid` the current ones."""
    out = tmp_path_factory.mktemp("simulate") / "summer"
    report = simulate(out, days=120, users=3000, seed=11, start=date(2025, 4, 1), events_target=90_000)
    db = duckdb.connect()
    for feed in CSV_FEEDS:
        columns = {column.name: TYPES.get(column.kind, "varchar") for column in FEEDS[feed].columns}
        db.sql(f"""
            create table {feed} as select * from read_csv(
                '{out}/{feed}/*', filename = true, header = true, auto_detect = false, delim = ',', quote = '"',
                escape = '"', columns = {columns})
        """)
    db.sql(f"create table users as select * from read_parquet('{out}/users/*', filename = true)")
    db.sql(f"create table traffic_events as select * from read_parquet('{out}/traffic_events/*', filename = true)")
    db.sql("""
        create table lines as
        select * from orders
        qualify row_number() over (partition by order_line_id order by updated_at desc) = 1
    """)
    db.sql("create table paid as select * from lines where paid_at is not null and paid_amount > 0 and not is_gift")
    return Simulated(out, report, db)
