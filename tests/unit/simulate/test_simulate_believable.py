"""Would a merchant recognise the shop? Properties with wide margins, none of them a printed result."""

import json
from datetime import date, timedelta

import duckdb
import pytest

from pipelines.simulate import Temper, simulate
from pipelines.simulate.seasons import busyness, promotions, running, warming_up


def one(summer, sql: str):
    return summer.db.sql(sql).fetchone()


def test_funnel_narrows(summer):
    events = summer.report.totals["shops"]["shop-1"]["events"]
    orders = one(summer, "select count(distinct order_id) from lines")[0]
    assert events["impression"] > events["view"] > events["product_click"] > events["add_to_cart"] > orders
    assert events["product_impression"] > 2 * events["product_click"]
    # Nobody clicks what was not shown: each click follows an impression of the product to the same user that day.
    assert one(summer, """
        select count(*) from traffic_events c
        where event_type = 'product_click' and user_id is not null and not exists (
            select 1 from traffic_events i
            where i.event_type = 'product_impression' and i.user_id = c.user_id and i.product_id = c.product_id
              and i.occurred_at between c.occurred_at - interval 1 day and c.occurred_at
        ) and regexp_extract(filename, '(\\d{4}-\\d\\d-\\d\\d)', 1)::date < date '2025-07-20'
    """)[0] <= 0.03 * events["product_click"]  # fmt: skip


def test_money_adds_up(summer):
    assert one(summer, """
        select count(*) from lines
        where list_amount - paid_amount - merchant_discount - platform_discount - coupon_amount <> 0
           or paid_amount < 0 or quantity < 1
    """) == (0,)  # fmt: skip
    gifts, free, unpaid, hidden, presale = one(summer, """
        select avg(is_gift::int), avg((paid_amount = 0 and not is_gift)::int), avg((paid_at is null)::int),
               avg((user_id is null)::int), avg(is_presale::int) from lines
    """)  # fmt: skip
    assert 0.01 < gifts < 0.06
    assert 0 < free < 0.02
    assert 0.03 < unpaid < 0.1
    assert 0.05 < hidden < 0.15
    assert 0 < presale < 0.1
    assert one(summer, "select count(*) from lines where is_gift and paid_amount > 0") == (0,)


def test_orders_travel_forward(summer):
    assert one(summer, """
        select count(*) from lines
        where paid_at < created_at or shipped_at < paid_at or picked_up_at < shipped_at
           or delivered_at < picked_up_at or finished_at < delivered_at or updated_at < created_at
    """) == (0,)  # fmt: skip
    statuses = dict(summer.db.sql("select status, count(*) from lines group by all").fetchall())
    assert set(statuses) >= {"paid", "shipped", "delivered", "finished", "closed"}
    assert one(summer, "select count(*) from lines where status = 'closed' and paid_at is null")[0] > 0
    assert one(summer, "select count(*) from lines where status = 'closed' and paid_at is not null")[0] > 0
    versions = one(summer, "select count(*) / count(distinct order_line_id) from orders")[0]
    assert 2.5 < versions < 5


def test_refunds_and_reviews(summer):
    share, early, partial = one(summer, """
        select count(distinct p.order_line_id) / (select count(*) from paid),
               avg((r.refunded_at < p.paid_at + interval 1 day)::int), avg((r.refund_amount < p.paid_amount)::int)
        from refunds r join paid p using (order_line_id) where r.status = 'succeeded'
    """)  # fmt: skip
    assert 0.04 < share < 0.15
    assert 0.05 < early < 0.5
    assert 0.05 < partial < 0.5
    assert one(summer, "select count(*) from refunds where kind = 'exchange' and refund_amount <> 0") == (0,)
    assert one(summer, "select count(*) from refunds where reviewed_at < applied_at or refunded_at < reviewed_at") == (
        0,
    )
    good, bad = one(summer, "select avg((rating >= 4)::int), avg((rating <= 2)::int) from reviews")
    assert good > 0.7
    assert 0.02 < bad < 0.2
    assert one(summer, "select count(*) from (select review_id from reviews group by 1 having count(*) > 1)")[0] > 0


def test_a_few_users_and_products_make_most_of_it(summer):
    for column, table, least in (("user_id", "traffic_events", 0.5), ("product_id", "paid", 0.5)):
        share = one(summer, f"""
            with counts as (select count(*) n from {table} where {column} is not null group by {column}),
            ranked as (select n, row_number() over (order by n desc) r, count(*) over () c from counts)
            select sum(n) filter (r <= 0.2 * c) / sum(n) from ranked
        """)[0]  # fmt: skip
        assert share > least, column
    assert 0.07 < one(summer, "select avg((user_id is null)::int) from traffic_events")[0] < 0.13


def test_all_four_quadrants_are_sold(summer):
    classes = summer.db.sql("""
        with sold as (
            select product_id, sum(paid_amount) a, sum(quantity) q from paid
            where paid_at >= timestamp '2025-07-01' group by 1
        ),
        shares as (select *, count(*) over () n, sum(a) over () ta, sum(q) over () tq from sold)
        select a * n >= ta, q * n >= tq, count(*) from shares group by all
    """).fetchall()
    assert len(classes) == 4
    assert min(count for _, _, count in classes) >= 2


def test_buyers_come_back(summer):
    repeat = one(summer, """
        select avg((n >= 2)::int) from (
            select user_id, count(distinct paid_at::date) n from paid where user_id is not null group by 1)
    """)[0]  # fmt: skip
    assert 0.15 < repeat < 0.7
    gaps = summer.db.sql("""
        with days as (select distinct user_id, paid_at::date d from paid where user_id is not null),
        gaps as (select d - lag(d) over (partition by user_id order by d) gap from days)
        select count(*) filter (gap <= 20), count(*) filter (gap between 61 and 80) from gaps
    """).fetchone()
    assert gaps[0] > 2 * gaps[1]


def test_rooms_and_posts(summer):
    lives = one(summer, """
        with newest as (
            select * from contents qualify row_number() over (partition by content_id order by filename desc) = 1)
        select count(distinct published_at::date) filter (content_type = 'live' and published_at >= '2025-04-01'),
               avg((ended_at - published_at >= interval 30 minute)::int) filter (content_type = 'live'),
               count(*) filter (content_type <> 'live' and ended_at is not null),
               count(*) filter (content_type = 'live' and ended_at::date > published_at::date) from newest
    """)  # fmt: skip
    assert lives[0] > 100
    assert 0.8 < lives[1] < 1
    assert lives[2] == 0
    assert lives[3] > 0
    # Who watches a live does so while it is on.
    assert one(summer, """
        select count(*) from traffic_events e join (
            select content_id, min(published_at) p, max(ended_at) x from contents where content_type = 'live' group by 1
        ) c using (content_id)
        where event_type = 'impression' and not occurred_at between p and x + interval 1 minute
    """) == (0,)  # fmt: skip
    assert one(summer, """
        select count(*) from traffic_events e join (select content_id, min(published_at) p from contents group by 1) c
        using (content_id) where occurred_at < p
    """) == (0,)  # fmt: skip


def test_authors_of_every_size(summer):
    tiers = summer.db.sql("""
        select case when followers >= 1000000 then 'head' when followers >= 100000 then 'waist'
                    when followers >= 10000 then 'tail' else 'koc' end, count(distinct author_id)
        from authors where not coalesce(is_own, false) group by 1
    """).fetchall()
    assert {name for name, _ in tiers} == {"head", "waist", "tail", "koc"}
    own, external, none = one(summer, """
        with a as (select author_id, bool_or(is_own) own from authors group by 1)
        select sum(paid_amount) filter (own), sum(paid_amount) filter (p.author_id is not null and own is not true),
               sum(paid_amount) filter (p.author_id is null) from paid p left join a using (author_id)
    """)  # fmt: skip
    assert 12 * min(own, external, none) > own + external + none


def test_the_year_has_a_shape(summer):
    daily = dict(summer.db.sql("select paid_at::date, sum(paid_amount) from paid group by 1").fetchall())
    usual = sorted(daily.values())[len(daily) // 2]
    assert daily[date(2025, 6, 18)] * 2 > 3 * usual
    weekend, workday = one(summer, """
        select count(*) filter (isodow(occurred_at) >= 6) / 2, count(*) filter (isodow(occurred_at) < 6) / 5
        from traffic_events where occurred_at < timestamp '2025-05-01'
    """)  # fmt: skip
    assert weekend > 1.05 * workday
    night, evening = one(summer, """
        select count(*) filter (h in (2, 3, 4, 5)), count(*) filter (h in (19, 20, 21, 22))
        from (select hour(occurred_at) h from traffic_events)
    """)  # fmt: skip
    assert evening > 5 * night


def test_calendar_of_promotions():
    campaigns = promotions(date(2025, 1, 1), date(2025, 12, 31))
    assert running(campaigns, date(2025, 6, 18)).name == "2025 618 好物节"
    assert running(campaigns, date(2025, 6, 19)) is None
    assert warming_up(campaigns, date(2025, 11, 1)).name == "2025 双11 好物节"
    traffic, buying = busyness(date(2025, 11, 1), 11, campaigns)
    assert traffic[10] > traffic[2] > traffic[0]
    assert buying[0] < 1 < buying[10]


def test_a_worse_temper_shows(tmp_path, summer):
    angry = simulate(
        tmp_path,
        days=120,
        users=3000,
        seed=11,
        start=date(2025, 4, 1),
        events_target=90_000,
        temper=Temper(refunds=3, anger=4, slowness=2),
    )
    calm = summer.report.totals["shops"]["shop-1"]
    worse = angry.totals["shops"]["shop-1"]
    assert worse["refunds"] / worse["paid_lines"] > 2 * calm["refunds"] / calm["paid_lines"]
    assert worse["stars"] / worse["reviews"] < calm["stars"] / calm["reviews"] - 0.2


def test_profiles_and_members(summer):
    described, known, women = one(summer, """
        select count(distinct u.user_id), (select count(distinct user_id) from traffic_events), avg((gender = '女')::int)
        from users u where u.user_id in (select user_id from traffic_events)
    """)  # fmt: skip
    assert 0.9 < described / known < 1
    assert 0.5 < women < 0.75
    assert one(summer, """
        select count(*) from (select user_id from users group by 1
        having count(distinct gender) > 1 or count(distinct age_band) > 1)
    """) == (0,)  # fmt: skip
    # Whoever joined during the simulation did so by an event at that second, the first of theirs.
    joined, unexplained = one(summer, """
        with first as (
            select user_id, min(occurred_at) t from traffic_events where event_type = 'member_join' group by 1)
        select count(distinct m.user_id), count_if(t is null or t < joined_at)
        from members m left join first using (user_id) where joined_at >= timestamp '2025-04-01'
    """)  # fmt: skip
    assert joined > 20
    # The event itself may come a day or three late, at the very end not at all.
    assert unexplained <= 0.05 * joined
    assert one(summer, "select count(*) from members where left_at < joined_at") == (0,)
    assert one(summer, "select count(*) from members where joined_at < timestamp '2025-04-01'")[0] > 0


def test_bags_are_joined_by_events(summer):
    bags, joins, people, winners = one(summer, """
        select count(*), sum(participations), sum(participants), sum(winners) from lucky_bags
    """)  # fmt: skip
    assert bags > 500
    assert joins >= people >= winners > 0
    # Compared up to a week before the end: late events have come by then.
    assert one(summer, """
        with told as (
            select content_id, sum(participations) n from lucky_bags group by 1 having min(started_at) < '2025-07-20'
        ),
        seen as (select content_id, count(*) n from traffic_events where event_type = 'lucky_bag_join' group by 1)
        select count_if(coalesce(seen.n, 0) <> told.n), count_if(told.n > 0) > 50 from told left join seen using (content_id)
    """) == (0, True)  # fmt: skip
    assert one(summer, """
        select count_if(b.started_at < p or b.started_at > x) from lucky_bags b join (
            select content_id, min(published_at) p, max(ended_at) x from contents where content_type = 'live' group by 1
        ) c using (content_id)
    """) == (0,)  # fmt: skip


def test_campaigns_are_announced_and_one_is_planned(summer):
    held, planned, late = one(summer, """
        with named as (
            select campaign_id, starts_on, ends_on, warm_up_on,
                   min(regexp_extract(filename, '(\\d{4}-\\d\\d-\\d\\d)', 1)::date) told
            from campaigns group by all)
        select count_if(starts_on <= '2025-07-29'), count_if(starts_on > '2025-07-29'),
               count_if(told > greatest(warm_up_on, date '2025-04-01')) from named
    """)  # fmt: skip
    assert held >= 4
    assert planned >= 1
    assert late == 0
    assert one(summer, "select count(*) from campaigns where warm_up_on > starts_on or starts_on > ends_on") == (0,)
    # Orders and spend name campaigns that the feed knows, on days of theirs.
    assert one(summer, """
        select count(*) from paid p where campaign_id is not null and not exists (
            select 1 from campaigns c where c.campaign_id = p.campaign_id
            and p.created_at::date between c.starts_on and c.ends_on + 4)
    """) == (0,)  # fmt: skip
    assert one(summer, "select count(*) from ad_spend where campaign_id is not null")[0] > 0


def test_advertising_pays_and_belongs_to_contents(summer):
    cost, foreign, paid = one(summer, """
        select sum(cost_amount), count_if(content_id not in (select content_id from contents)),
               (select sum(paid_amount) from paid) from ad_spend
    """)  # fmt: skip
    assert foreign == 0
    assert 3 < paid / cost < 15
    assert one(summer, """
        select count(*) from paid where ad_id is not null and ad_id not in (select ad_id from ad_spend)
    """)[0] <= 0.3 * one(summer, "select count(*) from paid where ad_id is not null")[0]  # fmt: skip


def test_service_and_surveys(summer):
    im, complaints, slow, rated, bad = one(summer, """
        with closed as (select * from service_sessions where closed_at is not null)
        select count_if(kind = 'im'), count_if(kind = 'complaint'), sum(reply_seconds) / sum(human_turns),
               count(rating), count_if(rating <= 3) from closed
    """)  # fmt: skip
    assert im > 10 * complaints > 0
    assert 15 < slow < 120
    assert 0 < bad < 0.25 * rated
    assert one(summer, """
        select count(*) from service_sessions
        where unanswered_turns > human_turns or closed_at < opened_at or (kind = 'complaint' and order_id is null)
    """) == (0,)  # fmt: skip
    answers, high = one(summer, "select count(*), avg((score >= 9)::int) from nps_surveys")
    assert answers > 30
    assert 0.3 < high < 0.8


def test_what_the_platform_says(summer):
    assert one(summer, """
        select count(*) from (select author_id, snapshot_on from author_audience group by all
        having sum(share) <> 1 or count(*) <> 50)
    """) == (0,)  # fmt: skip
    assert one(summer, "select count(*) from benchmarks where valid_to < valid_from") == (0,)
    days, low, high = one(summer, """
        select count(*), min(value), max(value) from official_metrics where metric = 'experience_score'
    """)  # fmt: skip
    assert days == 120
    assert 60 < low <= high <= 100
    buyers = one(summer, "select count(distinct user_id) from lines")[0]
    told = one(summer, """
        select sum(value) from official_metrics
        where metric in ('a4_users', 'a5_users') and business_date = '2025-07-29'
    """)[0]  # fmt: skip
    assert 0.9 * buyers < told < 1.1 * buyers


@pytest.fixture(scope="module")
def troubled(tmp_path_factory):
    """The same spring with planted troubles: its report, the causes by name, and its feeds as views."""
    out = tmp_path_factory.mktemp("troubled") / "shop"
    report = simulate(
        out, days=120, users=3000, seed=11, start=date(2025, 4, 1), events_target=90_000, profile="troubled"
    )
    causes = {cause["cause"]: cause for cause in json.loads((report.truth / "expected.json").read_text())["causes"]}
    db = duckdb.connect()
    for feed, key in (("orders", "order_line_id"), ("refunds", "refund_id"), ("reviews", "review_id")):
        db.sql(f"""
            create view {feed} as select * from read_csv('{out}/{feed}/*', all_varchar = true)
            qualify row_number() over (partition by {key} order by updated_at desc) = 1
        """)
    db.sql(f"create view traffic_events as select * from read_parquet('{out}/traffic_events/*')")
    return db, causes


def test_planted_parcels_are_late_from_their_day(troubled):
    db, causes = troubled
    since = causes["late_parcels"]["since"]
    before, after = (
        db.sql(f"""
            select avg((delivered_at > due_delivery_at)::int) from orders
            where delivered_at is not null and created_at {sign} '{since}'
        """).fetchone()[0]
        for sign in ("<", ">=")
    )
    assert after > 2 * before
    assert after > 0.3


def test_planted_products_fail_from_their_day(troubled):
    db, causes = troubled
    since, products = causes["faulty_products"]["since"], tuple(causes["faulty_products"]["product_ids"])
    assert len(products) == 2

    def shares(which: str) -> tuple[float, float]:
        return db.sql(f"""
            select count_if(f.order_line_id is not null) / count(*), count_if(r.rating <= '2') / greatest(count(r.rating), 1)
            from orders o
            left join (select distinct order_line_id from refunds where reason = 'quality') f using (order_line_id)
            left join reviews r using (order_line_id)
            where o.delivered_at is not null and o.created_at >= '{since}' and o.product_id {which} {products}
        """).fetchone()

    (quality, bad), (quality_elsewhere, bad_elsewhere) = shares("in"), shares("not in")
    assert quality > 0.1 > 3 * quality_elsewhere
    assert bad > 0.3 > bad_elsewhere


def test_planted_leak_empties_the_audience(troubled, summer):
    db, causes = troubled
    since = date.fromisoformat(causes["leaky_a3"]["since"])

    def still_there(con, day: date) -> float:
        """Share of those who clicked in the 30 days up to a day and were seen again in the 30 days after it."""
        return con.sql(f"""
            with asked as (
                select distinct user_id from traffic_events where user_id is not null and event_type = 'product_click'
                and occurred_at::date between date '{day}' - 29 and date '{day}')
            select avg((user_id in (
                select user_id from traffic_events where user_id is not null
                and occurred_at::date between date '{day}' + 1 and date '{day}' + 30))::int) from asked
        """).fetchone()[0]

    leaking, usual = still_there(db, since + timedelta(days=8)), still_there(summer.db, since + timedelta(days=8))
    assert leaking < 0.75 * usual
    newcomers = """
        select count(*) from (select user_id, min(occurred_at) t from traffic_events where user_id is not null group by 1)
        where t >= timestamp '{} 00:00:00'
    """
    assert db.sql(newcomers.format(since)).fetchone()[0] < 0.3 * one(summer, newcomers.format(since))[0]


def test_a_healthy_shop_has_no_causes(summer):
    assert json.loads((summer.report.truth / "expected.json").read_text())["causes"] == []


def test_some_order_again_whom_the_log_has_not_seen_for_a_month(summer):
    unseen, first = one(summer, """
        select count(distinct user_id), min(created_at)::date from lines as l
        where user_id is not null and not exists (
            select 1 from traffic_events as e
            where e.user_id = l.user_id and e.occurred_at between l.created_at - interval 30 day and l.created_at
        )
    """)  # fmt: skip
    assert unseen >= 10
    # Nobody is met like that before the shop has customers of seven weeks.
    assert first > date(2025, 4, 1) + timedelta(days=45)
