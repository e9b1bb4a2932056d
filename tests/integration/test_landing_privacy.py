"""No raw user id anywhere outside the landing folder, and the pseudonym is the one the contract names."""

from __future__ import annotations

import gzip
import hashlib
import hmac

import pytest

from tests.fixtures.landing import EVENT_HEADER, KEY, ORDER_HEADER, Shop, csv_text, event, order

SECRET = "buyer-7391846205-zhang"


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANYU_HASH_KEY", KEY)
    return Shop(tmp_path)


def pseudonym(user_id: str) -> str:
    return hmac.new(KEY.encode(), user_id.encode(), hashlib.sha256).hexdigest()


def test_the_pseudonym_is_the_keyed_hash_of_the_trimmed_id(shop):
    shop.drop("orders/1.csv", csv_text(ORDER_HEADER, [order("L1", user_id=f"\t {SECRET} "), order("L2", user_id="")]))
    shop.drop("traffic_events/1.csv", csv_text(EVENT_HEADER, [event(1, user_id=SECRET), event(2, user_id="用户二")]))
    shop.load()
    users = "select k.user_id from {} as r left join control.user_keys as k using (user_key) order by source_line"
    assert shop.rows(users.format("raw.raw_orders")) == [(pseudonym(SECRET),), (None,)]
    assert shop.rows(users.format("raw.raw_traffic_events")) == [(pseudonym(SECRET),), (pseudonym("用户二"),)]
    assert shop.one("select count(*) from control.user_keys") == 2
    assert shop.one("select count(distinct user_key) from control.user_keys") == 2


def test_quarantine_shows_the_pseudonym_and_only_columns_that_are_loaded(shop):
    rows = [order("L1", user_id=SECRET, quantity="0") + ",13800000000", order("L2", user_id=SECRET)]
    shop.drop("orders/1.csv", csv_text(ORDER_HEADER + ",phone", [*rows, f"{SECRET},broken"]))
    reviews = f"R1,P1,{SECRET},9,call 13800000000,2026-06-01"
    shop.drop("reviews/1.csv", csv_text("review_id,product_id,user_id,rating,content,created_at", [reviews]))
    shop.load()
    shown = "\n".join(row for (row,) in shop.rows("select raw_row from control.quarantine"))
    assert pseudonym(SECRET) in shown
    assert SECRET not in shown
    assert "13800000000" not in shown
    assert '"quantity":"0"' in shown


def test_no_raw_user_id_is_left_behind(shop, tmp_path):
    good = [order("L1", user_id=SECRET), order("L2", user_id=SECRET, quantity="x"), f"{SECRET},{SECRET}"]
    text = csv_text(ORDER_HEADER, good)
    shop.drop("orders/plain.csv", text)
    shop.drop("orders/packed.csv.gz", gzip.compress(text.replace("L1", "L9").encode()))
    shop.drop("orders/wide.csv", text.replace("L1", "L8").encode("utf-16"))
    shop.drop("orders/quoted.csv", text.replace(SECRET, f'"{SECRET}"') + f'L5,"{SECRET}\n')
    shop.drop("orders/refused.csv", text.replace("quantity", "amount"))
    shop.drop("orders/headless.csv", "\n".join(good))
    shop.drop("traffic_events/1.csv", csv_text(EVENT_HEADER, [event(1, user_id=SECRET)]))
    shop.drop(
        "traffic_events/2.csv", csv_text(EVENT_HEADER, [event(2, user_id=SECRET), event(3, scene="x", user_id=SECRET)])
    )
    shop.drop("members/1.csv", f"user_id,joined_at\n{SECRET},never\n")
    shop.load()
    shop.check_books()
    assert SECRET not in "\n".join(shop.said)
    shop.con.execute("checkpoint")
    shop.con.close()
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_relative_to(shop.landing)]
    assert kept
    for path in kept:
        assert SECRET.encode() not in path.read_bytes(), path


def test_a_user_id_in_the_wrong_column_of_a_bad_row_is_a_pseudonym_too(shop):
    rows = [
        order("L1", user_id=SECRET),
        order("L2", user_id="someone-else", product_id=SECRET, quantity="0"),
        order("another-user", order_id="another-user", user_id="another-user", quantity="x"),
    ]
    shop.drop("orders/1.csv", csv_text(ORDER_HEADER, rows))
    shop.load()
    assert shop.one("select rows_quarantined from control.load_audit") == 2
    kept = "\n".join(
        " ".join(map(str, row)) for row in shop.rows("select raw_row, row_key, reason from control.quarantine")
    )
    assert SECRET not in kept
    assert "another-user" not in kept
    assert kept.count(pseudonym(SECRET)) == 1
    assert kept.count(pseudonym("another-user")) == 3
    shop.drop("orders/2.csv", csv_text(ORDER_HEADER, [order("L2", user_id="someone-else")]))
    shop.load()
    assert shop.one("select count(*) from control.quarantine where released_at is not null") == 1
