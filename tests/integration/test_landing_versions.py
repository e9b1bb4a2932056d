"""Which version of a key stays, which file is read at all, and when a quarantined row is released."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from tests.fixtures.landing import EVENT_HEADER, NOW, ORDER_HEADER, Shop, csv_text, event, order

AMOUNT = "select cast(paid_amount as varchar) from raw.raw_orders where order_line_id = 'L1'"
BOOKS = "select rows_read, rows_loaded, rows_duplicate, rows_quarantined from control.load_audit where path = '{}'"


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANYU_HASH_KEY", "a key for tests")
    return Shop(tmp_path)


def orders(*rows):
    return csv_text(ORDER_HEADER, rows)


def events(*rows):
    return csv_text(EVENT_HEADER, rows)


def book(shop, path):
    return shop.rows(BOOKS.format(path))


# --- versions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "stays", "loaded"),
    [
        ("2026-06-02 00:00:00", "2026-06-03 00:00:00", "2.00", 1),
        ("2026-06-03 00:00:00", "2026-06-02 00:00:00", "1.00", 0),
        ("2026-06-03 00:00:00", "2026-06-03 00:00:00", "2.00", 1),
        ("", "2026-06-02 00:00:00", "2.00", 1),
        ("2026-06-02 00:00:00", "", "1.00", 0),
        ("", "", "2.00", 1),
    ],
)
def test_the_newer_version_stays_and_without_one_the_later_delivery(shop, first, second, stays, loaded):
    shop.drop("orders/1.csv", orders(order("L1", paid_amount="1.00", updated_at=first)))
    shop.load()
    shop.drop("orders/2.csv", orders(order("L1", paid_amount="2.00", updated_at=second)))
    shop.load()
    shop.check_books()
    assert shop.one(AMOUNT) == stays
    assert shop.one("select count(*) from raw.raw_orders") == 1
    assert book(shop, "orders/2.csv") == [(1, loaded, 1 - loaded, 0)]
    replaced = [("1.00", 1, 2)] if loaded else []
    assert (
        shop.rows("select cast(paid_amount as varchar), load_seq, superseded_seq from raw.raw_orders_superseded")
        == replaced
    )


def test_within_a_file_the_later_line_stays_among_equals_and_the_newer_version_otherwise(shop):
    shop.drop(
        "orders/1.csv",
        orders(
            order("L1", paid_amount="1.00"),
            order("L1", paid_amount="2.00"),
            order("L2", paid_amount="3.00", updated_at="2026-06-09 00:00:00"),
            order("L2", paid_amount="4.00"),
            order("L2", paid_amount="5.00", updated_at=""),
        ),
    )
    shop.load()
    shop.check_books()
    assert shop.rows("select order_line_id, cast(paid_amount as varchar) from raw.raw_orders order by 1") == [
        ("L1", "2.00"),
        ("L2", "3.00"),
    ]
    assert book(shop, "orders/1.csv") == [(5, 2, 3, 0)]
    assert shop.one("select count(*) from raw.raw_orders_superseded") == 0


def test_files_of_one_run_are_delivered_by_export_time_then_modification_time_then_path(shop):
    at = NOW.timestamp()
    row = "product_id,title\nP1,{}\n"
    # Export times of 2026-06-07 in the names; the third file was exported later than it was modified.
    shop.drop("products/z.csv", row.format("modified first"), mtime=1780800000)
    shop.drop("products/1780818388_b.csv", row.format("exported second"), mtime=at)
    shop.drop("products/1780818387_c.csv", row.format("exported first"), mtime=at + 1)
    report = shop.load()
    assert [file.path for file in report.files] == [
        "products/z.csv",
        "products/1780818387_c.csv",
        "products/1780818388_b.csv",
    ]
    assert shop.rows("select title from raw.raw_products") == [("exported second",)]
    shop.drop("products/b.csv", row.format("b"), mtime=at)
    shop.drop("products/a.csv", row.format("a"), mtime=at)
    shop.load()
    assert shop.rows("select title from raw.raw_products") == [("b",)]


def test_the_first_event_stays_whatever_comes_later(shop):
    shop.drop("traffic_events/1.csv", events(event(1, scene="live"), event(2)))
    shop.load()
    shop.drop("traffic_events/2.csv", events(event(1, scene="mall"), event(3), event(3, scene="mall")))
    # The same through the long way: a quoted cell rules the short one out.
    shop.drop("traffic_events/3.csv", events(event(3, scene="mall"), event(4, search_query='"a,b"'), event(1)))
    report = shop.load()
    assert [file.reader for file in report.files] == ["direct", "bulk"]
    shop.check_books()
    assert shop.rows("select event_id, scene, load_seq from raw.raw_traffic_events order by 1") == [
        (event(1).split(",")[0], "live", 1),
        (event(2).split(",")[0], "live", 1),
        (event(3).split(",")[0], "live", 2),
        (event(4).split(",")[0], "live", 3),
    ]
    assert book(shop, "traffic_events/2.csv") == [(3, 1, 2, 0)]
    assert book(shop, "traffic_events/3.csv") == [(3, 1, 2, 0)]


def test_keys_with_empty_parts_are_equal(shop):
    header = "business_date,scene,traffic_source,author_id,content_id,product_id,views"
    shop.drop("traffic_daily/1.csv", csv_text(header, ["2026-06-01,live,,,,,5", "2026-06-01,live,paid,,,,1"]))
    shop.load()
    shop.drop("traffic_daily/2.csv", csv_text(header, ["2026-06-01,live,,,,,7"]))
    shop.load()
    shop.check_books()
    assert shop.rows("select traffic_source, views from raw.raw_traffic_daily order by 2") == [("paid", 1), (None, 7)]


def test_a_key_belongs_to_its_shop(shop):
    header = "shop_id," + ORDER_HEADER
    shop.drop("orders/1.csv", csv_text(header, ["A," + order("L1"), "B," + order("L1"), "," + order("L1")]))
    shop.load(default_shop="B")
    shop.check_books()
    assert shop.rows("select shop_id, source_line from raw.raw_orders order by 1") == [("A", 2), ("B", 4)]
    assert shop.rows("select shop_id, rows_held, rows_with_user from control.feed_presence order by 1") == [
        ("A", 1, 1),
        ("B", 1, 1),
    ]


def test_a_file_restates_only_the_columns_it_carries(shop):
    shop.drop("orders/1.csv", csv_text(ORDER_HEADER + ",author_id", [order("L1") + ",A9"]))
    shop.load()
    shop.drop("orders/2.csv", orders(order("L1", paid_amount="5.00", scene="")))
    shop.load()
    assert shop.rows("select author_id, scene, cast(paid_amount as varchar) from raw.raw_orders") == [
        ("A9", None, "5.00")
    ]


def test_keys_that_vanish_from_a_changed_file_stay(shop):
    shop.drop("orders/1.csv", orders(order("L1"), order("L2")))
    shop.load()
    shop.drop("orders/1.csv", orders(order("L2", paid_amount="7.00")))
    shop.load()
    shop.check_books()
    assert shop.rows("select order_line_id, cast(paid_amount as varchar) from raw.raw_orders order by 1") == [
        ("L1", "9.90"),
        ("L2", "7.00"),
    ]


def test_without_a_payment_column_the_status_says_what_was_paid(shop):
    header = "order_line_id,order_id,product_id,quantity,paid_amount,created_at,status"
    row = "{0},O1,P1,1,9.90,2026-06-01 10:00:00,{0}"
    statuses = ["created", "paid", "shipped", "delivered", "finished", "closed"]
    shop.drop("orders/1.csv", csv_text(header, [row.format(status) for status in statuses] + ["x,O1,P1,1,1,20260601,"]))
    shop.load()
    paid = shop.rows("select order_line_id from raw.raw_orders where paid_at = created_at order by 1")
    assert [line for (line,) in paid] == ["delivered", "finished", "paid", "shipped"]
    assert shop.one("select count(paid_at) from raw.raw_orders") == 4


# --- once -----------------------------------------------------------------------------------------------------------


def test_an_unchanged_file_is_not_looked_into_again(shop):
    path = shop.drop("orders/1.csv", orders(order("L1")))
    shop.load()
    path.chmod(0)
    report = shop.load()
    path.chmod(0o600)
    assert (report.files, report.unchanged) == ((), 1)
    assert shop.one("select count(*) from control.load_audit") == 1


def test_the_same_bytes_under_another_name_are_a_no_op(shop):
    shop.drop("orders/1.csv", orders(order("L1")))
    shop.load()
    shop.drop("orders/again/2.csv", orders(order("L1")))
    report = shop.load()
    shop.check_books()
    assert [file.status for file in report.files] == ["already_loaded"]
    assert shop.rows("select path, status, rows_read, load_seq from control.load_audit order by path") == [
        ("orders/1.csv", "loaded", 1, 1),
        ("orders/again/2.csv", "already_loaded", 0, None),
    ]
    assert shop.load().unchanged == 2


def test_a_touched_file_is_a_no_op_and_a_changed_one_restates(shop):
    path = shop.drop("orders/1.csv", orders(order("L1")))
    shop.load()
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    assert shop.load().files == ()
    shop.drop("orders/1.csv", orders(order("L1", paid_amount="1.00")))
    shop.load()
    assert shop.one(AMOUNT) == "1.00"
    # Back to the bytes that were loaded first: nothing new.
    shop.drop("orders/1.csv", orders(order("L1")))
    shop.load()
    assert shop.one(AMOUNT) == "1.00"
    shop.check_books()


def test_a_file_rewritten_under_its_old_time_and_size_is_read(shop):
    path = shop.drop("orders/1.csv", orders(order("L1", paid_amount="1.00")), mtime=1780000000)
    shop.load()
    shop.drop("orders/1.csv", orders(order("L1", paid_amount="2.00")), mtime=1780000000)
    assert path.stat().st_mtime == 1780000000
    shop.load()
    assert shop.one(AMOUNT) == "2.00"


def test_a_refused_file_is_tried_again_only_when_it_changed(shop):
    shop.drop("orders/1.csv", "order_line_id\nL1\n")
    assert len(shop.load().refused) == 1
    assert shop.load().files == ()
    shop.con.execute("update control.landing_files set declaration = 'older'")
    assert len(shop.load().refused) == 1
    assert shop.one("select count(*) from control.load_audit") == 1
    shop.drop("orders/1.csv", orders(order("L1")))
    assert [file.status for file in shop.load().files] == ["loaded"]
    assert shop.rows("select status from control.load_audit order by status") == [("loaded",), ("refused",)]


# --- release --------------------------------------------------------------------------------------------------------


def held(shop):
    return shop.rows("select line, reason from control.quarantine where released_at is null order by path, line")


def test_a_mended_row_is_released_by_its_key(shop):
    shop.drop("orders/1.csv", orders(order("L1", quantity="0"), order("L2", status="x"), order("L3")))
    shop.load()
    assert held(shop) == [(2, "below_minimum"), (3, "unknown_value")]
    shop.drop("orders/2.csv", orders(order("L1")))
    shop.load(now=NOW + timedelta(hours=1))
    assert held(shop) == [(3, "unknown_value")]
    assert shop.one("select released_at from control.quarantine where line = 2") == NOW + timedelta(hours=1)
    shop.check_books()


def test_a_mended_event_is_released_by_its_key(shop):
    shop.drop("traffic_events/1.csv", events(event(1, scene="x"), event(2)))
    shop.load()
    assert held(shop) == [(2, "unknown_value")]
    shop.drop("traffic_events/2.csv", events(event(1)))
    shop.load()
    assert held(shop) == []


def test_a_row_keyed_by_its_user_is_released_by_the_pseudonym(shop):
    shop.drop("members/1.csv", "user_id,joined_at\nzhang,10:00\n")
    shop.load()
    assert held(shop) == [(2, "time_only")]
    shop.drop("members/2.csv", "user_id,joined_at\nzhang,2026-06-01\n")
    shop.load()
    assert held(shop) == []


def test_a_row_without_a_readable_key_waits_for_a_newer_version_of_its_file(shop):
    shop.drop("orders/1.csv", orders(order("6.91793E+18"), "too,few", order("L3")))
    shop.load()
    assert held(shop) == [(2, "mangled_id"), (3, "column_count")]
    shop.drop("orders/2.csv", orders(order("L1")))
    shop.load()
    assert len(held(shop)) == 2
    shop.drop("orders/1.csv", orders(order("L1"), order("L2"), order("L3")))
    shop.load()
    assert held(shop) == []
    shop.check_books()


def test_a_half_written_file_is_cured_by_content_that_was_loaded_before_under_another_name(shop):
    whole = orders(order("L1"), order("L2"))
    shop.drop("orders/whole.csv", whole)
    shop.drop("orders/half.csv", whole[:-9] + '"cut')
    shop.load()
    assert shop.rows("select path from control.quarantine where released_at is null") == [("orders/half.csv",)]
    shop.drop("orders/half.csv", whole)
    shop.load()
    shop.check_books()
    assert shop.rows("select path from control.quarantine where released_at is null") == []


def test_a_row_that_the_content_loaded_before_does_not_hold_stays_held_back(shop):
    whole = orders(order("L1"))
    shop.drop("orders/whole.csv", whole)
    shop.drop("orders/half.csv", orders(order("L1"), order("L2", quantity="0")))
    shop.load()
    shop.drop("orders/half.csv", whole)
    shop.load()
    assert shop.rows("select path, line from control.quarantine where released_at is null") == [("orders/half.csv", 3)]


def test_what_content_itself_holds_back_stays_when_it_is_dropped_again(shop):
    bad = orders(order("L1"), order("L2", quantity="0"))
    path = shop.drop("orders/1.csv", bad)
    shop.load()
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    shop.drop("orders/copy.csv", bad)
    shop.load()
    assert shop.rows("select path, line from control.quarantine where released_at is null") == [("orders/1.csv", 3)]
