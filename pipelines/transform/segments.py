"""Audience segments: the files of `seeds/segments/`, checked and compiled to rows that SQL joins.

A file is a tree of conditions under all, any and not. Its disjunctive normal form is a handful of rows: a user is in
the segment who holds every condition of one clause and none of its negated ones. So no SQL text is ever made from a
file, and the models stay the same however many segments there are. What a condition means is decided in the models of
`models/intermediate/segments`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipelines.errors import QuanyuError
from pipelines.landing.declarations import load_feeds

if TYPE_CHECKING:
    import duckdb

Model = TypeVar("Model", bound=BaseModel)

FOLDER = Path("seeds", "segments")
MOST_CLAUSES = 64
LAYERS = ("O", "A1", "A2", "A3", "A4", "A5")
PROFILE = ("gender", "age_band", "city_tier", "province")
BRANCHES = ("all", "any", "not")


class SegmentError(QuanyuError):
    """A segment file says something that cannot be computed; the message names file, place and the nearest word."""


class Strict(BaseModel):
    """A mapping whose unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Count(Strict):
    """How often, 1 at least: who never did it is found with `not`."""

    min: int = Field(default=1, ge=1)
    max: int | None = Field(default=None, ge=1)


class DaysAgo(Strict):
    """How long ago the last time was, 0 = on the day."""

    min: int = Field(default=0, ge=0)
    max: int | None = Field(default=None, ge=0)


class Money(Strict):
    """Yuan, after refunds."""

    min: Decimal | None = Field(default=None, ge=0, max_digits=18, decimal_places=2)
    max: Decimal | None = Field(default=None, ge=0, max_digits=18, decimal_places=2)


class Preference(Strict):
    """What it was about: one column and the values that count, or no column at all."""

    @model_validator(mode="after")
    def _one_column(self) -> Preference:
        if len(named := self.columns()) > 1:
            raise ValueError(f"names {' and '.join(named)}; name one of them, and join two conditions under all")
        return self

    @classmethod
    def choices(cls) -> list[str]:
        """The columns of which one may be named."""
        return [name for name, field in cls.model_fields.items() if field.annotation == tuple[str, ...]]

    def columns(self) -> dict[str, tuple[str, ...]]:
        """The column that is named, with its values."""
        return {name: getattr(self, name) for name in self.choices() if getattr(self, name)}


class Goods(Preference):
    """Of which product or category."""

    product_id: tuple[str, ...] = ()
    category_1: tuple[str, ...] = ()
    category_2: tuple[str, ...] = ()


class Measured(Preference):
    """Facts that are counted: within how many days, and how often."""

    days: int | None = Field(default=None, ge=1)
    times: Count = Count()


class Saw(Goods, Measured):
    """Any event of the user with such a product, being shown it included."""

    days: int = Field(ge=1, le=365)


class Touched(Measured):
    """A behaviour other than being shown something (R66), on such a content or campaign."""

    content_id: tuple[str, ...] = ()
    content_type: tuple[str, ...] = ()
    topic: tuple[str, ...] = ()
    author_id: tuple[str, ...] = ()
    campaign_id: tuple[str, ...] = ()
    scene: tuple[str, ...] = ()
    days: int = Field(ge=1, le=365)


class Bought(Goods, Measured):
    """Purchases that are still effective: recency (`last_days_ago`), frequency (`times`: pay dates), money."""

    campaign_id: tuple[str, ...] = ()
    content_id: tuple[str, ...] = ()
    author_id: tuple[str, ...] = ()
    scene: tuple[str, ...] = ()
    net_amount: Money = Money()
    last_days_ago: DaysAgo = DaysAgo()


class SegmentFile(Strict):
    """A whole file; its name without `.yml` is the segment's."""

    label_zh: str = Field(min_length=1)
    label_en: str = Field(min_length=1)
    description: str = Field(min_length=1)
    where: dict[str, Any]


MEASURED: dict[str, type[Measured]] = {"saw": Saw, "touched": Touched, "bought": Bought}
FLAGS = ("fan", "member")
FIELDS = (*PROFILE, "layer", *FLAGS, "customer", "high_potential_new", *MEASURED)
FEED_OF = {
    **dict.fromkeys(PROFILE, "users"),
    "member": "members",
    "fan": "traffic_events",
    "saw": "traffic_events",
    "touched": "traffic_events",
    "bought": "orders",
    "paid": "orders",
    "category_1": "products",
    "category_2": "products",
    "content_type": "contents",
    "topic": "contents",
}


@dataclass(frozen=True, order=True)
class Condition:
    """One thing that is true of a user or not. `days_rule` names the rule that gives the days the file leaves out."""

    subject: str
    attribute: str = "any"
    accepted: tuple[str, ...] = ("",)
    days: int | None = None
    days_rule: str | None = None
    min_times: int | None = None
    max_times: int | None = None
    min_amount: Decimal | None = None
    max_amount: Decimal | None = None
    min_days_ago: int | None = None
    max_days_ago: int | None = None

    @property
    def feeds(self) -> set[str]:
        """Feeds without which a shop cannot answer it."""
        return {FEED_OF[word] for word in (self.subject, self.attribute) if word in FEED_OF}


Literal = tuple[Condition, bool]
Clause = frozenset[Literal]
KNOWN = Condition("trait", "layer", tuple(str(layer) for layer in range(6)))
# Whoever holds one of these is known to the shop; of the others only known users count.
SPEAKS_OF_KNOWN = ("layer", "fan", "saw", "touched")


@dataclass(frozen=True)
class Segment:
    """A compiled file: a user is in it who satisfies one clause whole. A literal is (condition, is negated)."""

    name: str
    label_zh: str
    label_en: str
    description: str
    clauses: tuple[tuple[Literal, ...], ...]

    @property
    def feeds(self) -> set[str]:
        """Feeds without which a shop has no answer."""
        return {feed for clause in self.clauses for condition, _ in clause for feed in condition.feeds}


def read_segments(project: Path) -> list[Segment]:
    """Every segment of the project, by name. Raises `SegmentError` for the first file that does not hold."""
    folder = project / FOLDER
    return [read_segment(path, f"{(FOLDER / path.name).as_posix()}") for path in sorted(folder.glob("*.yml"))]


def read_segment(path: Path, shown: str) -> Segment:
    """One file, called `shown` in errors."""
    try:
        text = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SegmentError(f"{shown}: not readable as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(text, dict):
        raise SegmentError(f"{shown}: expected a mapping with label_zh, label_en, description and where")
    file = checked(SegmentFile, text, shown, "")
    clauses = simplified(normal_form(file.where, False, shown, "where"))
    if not clauses:
        raise SegmentError(f"{shown}: where: contradicts itself, nobody can be in it")
    if len(clauses) > MOST_CLAUSES:
        raise SegmentError(
            f"{shown}: where: unfolds to {len(clauses)} combinations, {MOST_CLAUSES} at most; split the segment"
        )
    return Segment(
        path.stem, file.label_zh, file.label_en, file.description, tuple(sorted(map(in_order, clauses), key=repr))
    )


def in_order(clause: Clause) -> tuple[Literal, ...]:
    """The literals of a clause, and "known to the shop" where none of them says so."""
    known = any(
        not negated and (condition.attribute if condition.subject == "trait" else condition.subject) in SPEAKS_OF_KNOWN
        for condition, negated in clause
    )
    return tuple(sorted(clause if known else clause | {(KNOWN, False)}, key=repr))


def simplified(clauses: Iterable[Clause]) -> set[Clause]:
    """Without clauses that contradict themselves or that another one already holds."""
    possible = {c for c in clauses if not any((condition, not negated) in c for condition, negated in c)}
    return {c for c in possible if not any(other < c for other in possible)}


def normal_form(node: Any, negated: bool, shown: str, place: str) -> set[Clause]:
    """The clauses of a node, or of its opposite."""
    if not isinstance(node, dict) or len(node) != 1:
        raise SegmentError(
            f"{shown}: {place}: expected one of {', '.join((*BRANCHES, *FIELDS))}; "
            "put several conditions under all or any"
        )
    [(word, inner)] = node.items()
    here = f"{place}.{word}"
    if word == "not":
        return normal_form(inner, not negated, shown, here)
    if word in ("all", "any"):
        if not isinstance(inner, list) or not inner:
            raise SegmentError(f"{shown}: {here}: expected a list of conditions")
        parts = [normal_form(each, negated, shown, f"{here}[{n}]") for n, each in enumerate(inner)]
        return joined(parts, shown, here) if (word == "all") != negated else {c for part in parts for c in part}
    if word not in FIELDS:
        raise SegmentError(f"{shown}: {here}: unknown field{nearest(word, (*BRANCHES, *FIELDS))}")
    if word == "high_potential_new":
        return normal_form_of(high_potential_new(checked(Goods, inner, shown, here)), negated, shown, here)
    condition, opposite = leaf(word, inner, shown, here)
    return {frozenset({(condition, opposite != negated)})}


def normal_form_of(literals: Sequence[Literal], negated: bool, shown: str, place: str) -> set[Clause]:
    """The clauses of literals that hold together, or of their opposite."""
    if negated:
        return {frozenset({(condition, not opposite)}) for condition, opposite in literals}
    return {frozenset(literals)}


def joined(parts: Sequence[set[Clause]], shown: str, place: str) -> set[Clause]:
    """Every choice of one clause a part, taken together."""
    clauses: set[Clause] = {frozenset()}
    for part in parts:
        clauses = {one | other for one in clauses for other in part}
        if len(clauses) > MOST_CLAUSES**2:
            raise SegmentError(f"{shown}: {place}: unfolds to too many combinations; split the segment")
    return clauses


def high_potential_new(goods: Goods) -> list[Literal]:
    """Active, saw the category lately, never bought."""
    [(column, values)] = goods.columns().items() or [("any", ("",))]
    return [
        (Condition("trait", "layer", ("1", "2", "3", "4", "5")), False),
        (Condition("saw", column, values, days_rule="high_potential_days", min_times=1), False),
        (Condition("paid", min_times=1), True),
    ]


def leaf(word: str, given: Any, shown: str, place: str) -> Literal:
    """The condition of a field, and whether the file asks for its opposite."""
    if word in FLAGS:
        if not isinstance(given, bool):
            raise SegmentError(f"{shown}: {place}: expected true or false, not {given!r}")
        return Condition("trait", word, ("true",)), not given
    if word == "customer":
        [kind] = one_of([given], ("new", "old"), shown, place)
        return Condition("paid", days_rule="old_customer_days", min_times=1), kind == "new"
    if word == "layer":
        names = [LAYERS[v] if isinstance(v, int) and v in range(6) else v for v in as_list(given)]
        found = one_of(names, LAYERS, shown, place)
        return Condition("trait", word, tuple(str(LAYERS.index(name)) for name in found)), False
    if word in PROFILE:
        return Condition("trait", word, texts(given, shown, place)), False
    spec = checked(MEASURED[word], given, shown, place)
    return measured(word, spec, shown, place), False


def measured(word: str, spec: Measured, shown: str, place: str) -> Condition:
    """The condition of `saw`, `touched` or `bought`."""
    [(column, values)] = spec.columns().items() or [("any", ("",))]
    feed = {"content_type": "contents", "scene": "traffic_events"}.get(column)
    if feed:
        values = one_of(values, load_feeds()[feed].by_name[column].values, shown, f"{place}.{column}")
    money = spec.net_amount if isinstance(spec, Bought) else Money()
    ago = spec.last_days_ago if isinstance(spec, Bought) else DaysAgo()
    for name, least, most in (
        ("times", spec.times.min, spec.times.max),
        ("net_amount", money.min, money.max),
        ("last_days_ago", ago.min, ago.max),
    ):
        if least is not None and most is not None and most < least:
            raise SegmentError(f"{shown}: {place}.{name}: max {most} lies below min {least}")
    return Condition(
        word, column, tuple(sorted(set(values))), spec.days,
        min_times=spec.times.min, max_times=spec.times.max, min_amount=money.min, max_amount=money.max,
        min_days_ago=ago.min, max_days_ago=ago.max,
    )  # fmt: skip


def checked(model: type[Model], given: Any, shown: str, place: str) -> Model:
    """The mapping as a model; its first error as one line."""
    if isinstance(given, dict) and issubclass(model, Preference):
        listed = model.choices()
        given = {k: texts(v, shown, f"{place}.{k}") if k in listed else v for k, v in given.items()}
    try:
        return model.model_validate({} if given is None else given)
    except ValidationError as error:
        first = error.errors()[0]
        steps = [str(step) for step in first["loc"]]
        where = ".".join(filter(None, [place, *steps]))
        if first["type"] == "extra_forbidden":
            fields = known_fields(model, steps[:-1])
            raise SegmentError(f"{shown}: {where}: unknown field{nearest(steps[-1], fields)}") from error
        reason = first["msg"].removeprefix("Value error, ")
        raise SegmentError(f"{shown}: {where or 'file'}: {reason[:1].lower()}{reason[1:]}") from error


def known_fields(model: type[BaseModel], steps: Sequence[str]) -> list[str]:
    """Names of the fields below a path of a model."""
    for step in steps:
        inner = model.model_fields[step].annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            model = inner
    return list(model.model_fields)


def as_list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def texts(given: Any, shown: str, place: str) -> tuple[str, ...]:
    """One or several values, as text. A number is refused: YAML would have dropped its leading zeros."""
    values = as_list(given)
    if not values or not all(isinstance(value, str) and value.strip() for value in values):
        raise SegmentError(f"{shown}: {place}: expected text or a list of texts; put numbers in quotes")
    return tuple(sorted({value.strip() for value in values}))


def one_of(given: Sequence[Any], allowed: Sequence[str], shown: str, place: str) -> tuple[str, ...]:
    """The values, all of them allowed."""
    for value in given:
        if value not in allowed:
            raise SegmentError(
                f"{shown}: {place}: {value!r} is none of {', '.join(allowed)}{nearest(str(value), allowed)}"
            )
    return tuple(sorted(set(given)))


def nearest(word: object, known: Sequence[str]) -> str:
    """A hint to the known word that was probably meant."""
    near = difflib.get_close_matches(str(word), known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"


def write_segments(con: duckdb.DuckDBPyConnection, segments: Sequence[Segment]) -> None:
    """Replace the rows of `control.segments`, `segment_feeds`, `segment_clauses` and `segment_conditions`."""
    conditions = sorted({c for s in segments for clause in s.clauses for c, _ in clause}, key=repr)
    number = {condition: n for n, condition in enumerate(conditions, 1)}
    rows: dict[str, list[tuple[Any, ...]]] = {
        "segments": [(s.name, s.label_zh, s.label_en, s.description) for s in segments],
        "segment_feeds": [(s.name, feed) for s in segments for feed in sorted(s.feeds)],
        "segment_clauses": [
            (s.name, n, number[condition], negated)
            for s in segments
            for n, clause in enumerate(s.clauses, 1)
            for condition, negated in clause
        ],
        "segment_conditions": [
            (
                number[c], c.subject, c.attribute, value, c.days, c.days_rule, c.min_times, c.max_times,
                c.min_amount, c.max_amount, c.min_days_ago, c.max_days_ago,
            )
            for c in conditions
            for value in c.accepted
        ],
    }  # fmt: skip
    con.execute("begin")
    for table, values in rows.items():
        con.execute(f"delete from control.{table}")
        if values:
            marks = ", ".join("?" * len(values[0]))
            con.executemany(f"insert into control.{table} values ({marks})", values)
    con.execute("commit")
