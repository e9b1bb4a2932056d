"""The raw tables of a warehouse that an earlier version made."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest

from pipelines.landing.declarations import FeedSpec, load_feeds
from pipelines.warehouse import schema
from pipelines.warehouse.schema import ensure_schema


def test_a_rate_of_six_places_is_widened_and_keeps_its_value() -> None:
    with duckdb.connect() as con:
        con.execute("create schema raw")
        con.execute("create table raw.raw_author_audience (shop_id varchar, share decimal(18,6))")
        con.execute("insert into raw.raw_author_audience values ('s', 0.333333)")
        for _ in range(2):
            ensure_schema(con)
            found = con.execute("select share, typeof(share) from raw.raw_author_audience").fetchall()
            assert found == [(Decimal("0.333333"), "DECIMAL(28,12)")]


def test_words_that_were_kept_as_text_become_a_list_of_words_and_stay() -> None:
    with duckdb.connect() as con:
        con.execute("create schema raw")
        con.execute("create table raw.raw_traffic_events (shop_id varchar, event_id varchar, scene varchar)")
        con.execute("insert into raw.raw_traffic_events values ('s', 'e1', 'live'), ('s', 'e2', null)")
        for _ in range(2):
            ensure_schema(con)
            found = con.execute("select event_id, cast(scene as varchar) from raw.raw_traffic_events").fetchall()
            assert found == [("e1", "live"), ("e2", None)]
        with pytest.raises(duckdb.ConversionException):
            con.execute("update raw.raw_traffic_events set scene = 'shelf'")


def test_a_word_that_a_newer_declaration_adds_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    known = load_feeds()["traffic_events"]
    declared = known.model_dump(by_alias=True)
    [scene] = [column for column in declared["columns"] if column["name"] == "scene"]
    scene["values"] = (*scene["values"], "car")
    newer = {"traffic_events": FeedSpec.model_validate(declared)}
    with duckdb.connect() as con:
        ensure_schema(con)
        con.execute("insert into raw.raw_traffic_events (event_id, scene) values ('e1', 'live')")
        monkeypatch.setattr(schema, "load_feeds", lambda: newer)
        ensure_schema(con)
        con.execute("insert into raw.raw_traffic_events (event_id, scene) values ('e2', 'car')")
        found = con.execute("select event_id, cast(scene as varchar) from raw.raw_traffic_events order by 1").fetchall()
    assert found == [("e1", "live"), ("e2", "car")]
