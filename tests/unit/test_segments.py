"""Segment files: what they compile to, and what a person is told whose file cannot be computed."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import duckdb
import pytest

from pipelines.config import PROJECT_DIR
from pipelines.transform.segments import KNOWN, Segment, SegmentError, read_segment, read_segments, write_segments
from pipelines.transform.versions import rule_version
from pipelines.warehouse.schema import ensure_schema

HEAD = "label_zh: 名\nlabel_en: Name\ndescription: What for.\n"


def compiled(tmp_path: Path, where: str) -> Segment:
    path = tmp_path / "test.yml"
    path.write_text(f"{HEAD}where: {where}\n", encoding="utf-8")
    return read_segment(path, "seeds/segments/test.yml")


def shape(segment: Segment) -> set[frozenset[str]]:
    """Clauses as sets of `attribute=values`, negated ones with a leading `not `; "known to the shop" left out."""
    return {
        frozenset(
            ("not " if negated else "")
            + f"{condition.subject if condition.attribute == 'any' else condition.attribute}={'|'.join(condition.accepted)}"
            for condition, negated in clause
            if condition != KNOWN
        )
        for clause in segment.clauses
    }


def test_the_shipped_segments_compile() -> None:
    shipped = {segment.name: segment for segment in read_segments(PROJECT_DIR)}
    assert set(shipped) == {"high_potential_new", "asked_not_bought", "lapsing_good_customers"}
    assert shipped["high_potential_new"].feeds == {"orders", "traffic_events"}
    assert all(segment.label_zh and segment.description for segment in shipped.values())


def test_and_or_not_become_clauses(tmp_path: Path) -> None:
    segment = compiled(
        tmp_path, "{all: [{gender: 女}, {any: [{fan: true}, {not: {all: [{layer: A1}, {member: true}]}}]}]}"
    )
    assert shape(segment) == {
        frozenset({"gender=女", "fan=true"}),
        frozenset({"gender=女", "not layer=1"}),
        frozenset({"gender=女", "not member=true"}),
    }


def test_what_is_said_twice_is_kept_once_and_what_contradicts_itself_falls_away(tmp_path: Path) -> None:
    segment = compiled(
        tmp_path, "{any: [{fan: true}, {all: [{fan: true}, {gender: 女}]}, {all: [{member: true}, {member: false}]}]}"
    )
    assert shape(segment) == {frozenset({"fan=true"})}


def test_only_known_users_are_ever_in_a_segment(tmp_path: Path) -> None:
    for where in ("{gender: 女}", "{not: {fan: true}}", "{customer: new}", "{bought: {days: 9}}", "{member: true}"):
        assert all((KNOWN, False) in clause for clause in compiled(tmp_path, where).clauses), where
    for where in ("{layer: [A3, 4]}", "{saw: {days: 9}}", "{touched: {days: 9, scene: live}}", "{fan: true}"):
        assert all((KNOWN, False) not in clause for clause in compiled(tmp_path, where).clauses), where


def test_a_segment_names_the_feeds_it_asks(tmp_path: Path) -> None:
    where = "{any: [{saw: {days: 9, category_1: 鞋}}, {touched: {days: 9, topic: 跑步}}, {province: 浙江}]}"
    assert compiled(tmp_path, where).feeds == {"traffic_events", "products", "contents", "users"}


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("{recency: 3}", "where.recency: unknown field; known are all, any, not, gender"),
        ("{all: [{fan: true}, {memberr: true}]}", "where.all[1].memberr: unknown field; did you mean member?"),
        ("{not: {bought: {dayz: 3}}}", "where.not.bought.dayz: unknown field; did you mean days?"),
        ("{bought: {times: {minimum: 3}}}", "where.bought.times.minimum: unknown field; did you mean min?"),
        ("{bought: {times: {min: 3, max: 2}}}", "where.bought.times: max 2 lies below min 3"),
        ("{bought: {times: {min: 0}}}", "where.bought.times.min: input should be greater than or equal to 1"),
        ("{saw: {category_1: 鞋}}", "where.saw.days: field required"),
        ("{saw: {days: 3, category_1: 鞋, product_id: P}}", "where.saw: names product_id and category_1; name one"),
        ("{bought: {product_id: 0123}}", "where.bought.product_id: expected text or a list of texts; put numbers in"),
        ("{touched: {days: 3, scene: livee}}", "where.touched.scene: 'livee' is none of short_video"),
        ("{layer: A6}", "where.layer: 'A6' is none of O, A1, A2, A3, A4, A5"),
        ("{customer: loyal}", "where.customer: 'loyal' is none of new, old"),
        ("{fan: maybe}", "where.fan: expected true or false, not 'maybe'"),
        ("{fan: true, member: true}", "where: expected one of all, any, not"),
        ("{all: []}", "where.all: expected a list of conditions"),
        ("{all: [{fan: true}, {fan: false}]}", "where: contradicts itself, nobody can be in it"),
        ("[1]", "where: input should be a valid dictionary"),
    ],
)
def test_a_mistake_is_named_in_one_line(tmp_path: Path, where: str, said: str) -> None:
    with pytest.raises(SegmentError) as error:
        compiled(tmp_path, where)
    assert str(error.value).startswith(f"seeds/segments/test.yml: {said}")
    assert "\n" not in str(error.value)


def test_a_tree_that_unfolds_without_end_is_refused(tmp_path: Path) -> None:
    pairs = ", ".join(f"{{any: [{{gender: a{n}}}, {{province: b{n}}}]}}" for n in range(14))
    with pytest.raises(SegmentError, match="unfolds to"):
        compiled(tmp_path, f"{{all: [{pairs}]}}")


def test_no_yaml_and_no_mapping_are_named(tmp_path: Path) -> None:
    for text, said in (
        ("a: [", "not readable as YAML"),
        ("- a", "expected a mapping"),
        (HEAD, "where: field required"),
    ):
        path = tmp_path / "bad.yml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(SegmentError, match=said):
            read_segment(path, "bad.yml")


def test_the_rows_say_what_the_tree_says(tmp_path: Path) -> None:
    """Every combination of three traits, judged by the rows the way the models do and by the sentence itself."""
    segment = compiled(
        tmp_path, "{any: [{all: [{gender: 女}, {not: {fan: true}}]}, {all: [{fan: true}, {member: true}]}]}"
    )
    with duckdb.connect() as con:
        ensure_schema(con)
        write_segments(con, [segment])
        write_segments(con, [segment])
        rows = con.execute(
            "select distinct clause_number, attribute, is_negated from control.segment_clauses "
            "join control.segment_conditions using (condition_id)"
        ).fetchall()
        assert con.execute("select segment, feed from control.segment_feeds order by feed").fetchall() == [
            ("test", feed) for feed in ("members", "traffic_events", "users")
        ]
    for gender, fan, member in product((True, False), repeat=3):
        true = {"layer": True, "gender": gender, "fan": fan, "member": member}
        inside = any(
            all(true[attribute] != negated for number, attribute, negated in rows if number == clause)
            for clause in {number for number, _, _ in rows}
        )
        assert inside == ((gender and not fan) or (fan and member))


def test_a_changed_file_is_another_rule_version(tmp_path: Path) -> None:
    folder = tmp_path / "seeds" / "segments"
    folder.mkdir(parents=True)
    (folder / "a.yml").write_text(f"{HEAD}where: {{fan: true}}\n", encoding="utf-8")
    before = rule_version(tmp_path)
    (folder / "a.yml").write_text(f"{HEAD}where: {{fan: false}}\n", encoding="utf-8")
    assert rule_version(tmp_path) != before
