"""No leak between shops: two shops that share every id, user and day give the same marts together as each alone."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.fixtures.left_out import OPTIONAL
from tests.oracle.generate import KEYS, Profile, as_deliveries
from tests.oracle.generate_complete import COMPLETE, Item, complete
from tests.oracle.nights import published, run_at_once

LAST = date(2024, 5, 12)


def shared_names(rows: list[Item]) -> list[Item]:
    """Users lose the shop in their name, so that the same people are met in both."""
    return [
        (day, feed, row | {"user_id": row["user_id"].split("-")[0]} if row.get("user_id") else row)
        for day, feed, row in rows
    ]


def overlapping(one: list[Item], other: list[Item], feed: str) -> bool:
    """Whether some key of the feed, shop aside, stands in both."""
    keys = [{tuple(row.get(k) for k in KEYS[feed]) for _, f, row in rows if f == feed} for rows in (one, other)]
    return not keys[0].isdisjoint(keys[1])


def leaks(together: Path, alone: Path, shop: str) -> list[str]:
    """Tables of schema marts in which a shop's rows differ between two publications, either way."""
    problems = []
    with duckdb.connect() as db:
        for name, path in (("together", together), ("alone", alone)):
            db.execute(f"attach '{path}' as {name} (read_only)")
        marts = db.sql("select table_name from duckdb_tables() where database_name = 'alone' and schema_name = 'marts'")
        for (mart,) in marts.fetchall():
            mine = {
                side: f"select * from {side}.marts.{mart} where shop_id = '{shop}'" for side in ("together", "alone")
            }
            for side, other in (("together", "alone"), ("alone", "together")):
                rows = db.sql(f"{mine[side]} except all {mine[other]}").fetchmany(2)
                problems += [f"{mart}: {shop} {side} only: {row}" for row in rows]
    return problems


@pytest.mark.slow
@pytest.mark.parametrize("seed", [31, 32])
def test_two_shops_together_are_what_each_is_alone(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    left_out = set(rng.sample(OPTIONAL, 4))
    size = Profile(users=20, products=5, days=COMPLETE.days, orders_a_day=3, events_a_day=7)
    shops = {"north": shared_names(complete(seed, "north", LAST))}
    shops["south"] = [item for item in shared_names(complete(seed + 1, "south", LAST, size)) if item[1] not in left_out]
    for feed in KEYS.keys() - left_out:
        assert overlapping(shops["north"], shops["south"], feed), f"no {feed} in common: nothing could leak"

    homes = {}
    for name, rows in (*shops.items(), ("together", shops["north"] + shops["south"])):
        homes[name] = tmp_path / name
        homes[name].mkdir()
        run_at_once(homes[name], as_deliveries(rows, [LAST]), LAST)
    problems = [leak for shop in shops for leak in leaks(published(homes["together"]), published(homes[shop]), shop)]
    assert not problems, "\n".join(problems)
