"""The platform's own exports as data: one YAML file a layout in `layouts/`.

A layout says by which headers it is recognised, which feeds it fills and how each of their columns is had from the
delivered ones. How a header is matched and how cells become cells of a feed stand elsewhere.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipelines.landing.declarations import ColumnSpec, ColumnType, DeclarationError, FeedSpec, load_feeds

LAYOUTS_DIR = Path(__file__).parent / "layouts"
METRIC, VALUE = "metric", "value"

_BLANKS = re.compile(r"[\s\ufeff\u00a0\u3000]+")
_FOLDED = str.maketrans({"（": "(", "）": ")", "劵": "券", "帐": "账", "／": "/", "：": ":", "×": "x", "～": "~"})


def folded(header: str) -> str:
    """A header cell as it is compared: without blanks, byte order mark, quotes and the unit (元), brackets half-width,
    劵 → 券, 帐 → 账, lower case.
    """
    text = _BLANKS.sub("", header).strip("\"'").translate(_FOLDED).lower()
    return text.removesuffix("(元)") or text


class Source(BaseModel):
    """Where one feed column comes from: just one of `from`, `constant`, `period`, `hash_of`, `product_of`."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    header: str | None = Field(default=None, alias="from")
    # Words of the export → words of the feed; null says nothing. A word that is not listed is left as it is, for the
    # feed to judge, unless `otherwise` names another.
    words: dict[str, str | None] = {}
    otherwise: str | None = None
    prefix: str = ""
    # `instead` is read where `once` is filled.
    instead: str | None = None
    once: str | None = None
    constant: str | None = None
    # From the period in the file name: its last day, or its only day.
    period: Literal["last_day", "only_day"] | None = None
    # Of typed columns of the same row: a key where the platform gives none, and a number that it gives as a mean.
    hash_of: tuple[str, ...] = ()
    product_of: tuple[str, ...] = ()
    times: int = 1

    @property
    def headers(self) -> tuple[str, ...]:
        """Delivered columns that the text is made of, the main one first."""
        return tuple(name for name in (self.header, self.instead, self.once) if name)

    @property
    def is_computed(self) -> bool:
        """Whether the value is made of typed values, not of text."""
        return bool(self.hash_of or self.product_of)

    @model_validator(mode="after")
    def _one_kind(self) -> Source:
        kinds = (self.header, self.constant, self.period, self.hash_of, self.product_of)
        if sum(bool(kind) for kind in kinds) != 1:
            raise ValueError("a column has one of from, constant, period, hash_of, product_of")
        if bool(self.instead) != bool(self.once):
            raise ValueError("instead and once belong together")
        return self


class Helper(BaseModel):
    """A delivered column that is typed, but goes into no feed by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    header: str = Field(alias="from")
    type: ColumnType


class Part(BaseModel):
    """What a layout gives to one feed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    feed: str
    columns: dict[str, Source]
    helpers: dict[str, Helper] = {}
    # Each of these headers becomes a row of its own: its name in `metric`, its cell in `value`.
    metrics: tuple[str, ...] = ()
    metric_names: dict[str, str] = {}
    # A column whose word is appended to the metric's name, to tell rows of one day apart.
    metrics_by: str | None = None

    @field_validator("columns", mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        """`column: header` says `column: {from: header}`."""
        if isinstance(value, dict):
            return {name: {"from": source} if isinstance(source, str) else source for name, source in value.items()}
        return value

    @property
    def needs_one_day(self) -> bool:
        """Whether only a file whose period is a single day gives rows."""
        return any(source.period == "only_day" for source in self.columns.values())

    @property
    def needs_period(self) -> bool:
        """Whether the file must name its period."""
        return any(source.period == "last_day" for source in self.columns.values())

    @cached_property
    def headers(self) -> tuple[str, ...]:
        """Delivered columns that are read for this feed."""
        names = [header for source in self.columns.values() for header in source.headers]
        names += [helper.header for helper in self.helpers.values()]
        names += [*self.metrics, *([self.metrics_by] if self.metrics_by else [])]
        return tuple(dict.fromkeys(names))

    def spec_of(self, name: str) -> ColumnSpec:
        """How a column or helper of this part is typed."""
        if name in self.helpers:
            helper = self.helpers[name]
            return ColumnSpec(name=name, type=helper.type, label_zh=helper.header, description=helper.header)
        spec = load_feeds()[self.feed].by_name[name]
        # The platform writes some of its figures as 1分30秒.
        return spec.model_copy(update={"duration": True}) if self.metrics and name == VALUE else spec


class Layout(BaseModel):
    """One export of one system."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label_zh: str
    system: str
    # Where a person finds it, and how often it is worth fetching.
    page: str
    advice: dict[Literal["every", "en"], str] = {}
    valid_from: date
    note: str = ""
    # Which of the two refund clocks its refund columns follow.
    refund_basis: str = ""
    # Why no feed can be had from it.
    why: str = ""
    required: tuple[str, ...]
    # Known columns it takes at the least to be recognised, where the required ones say little.
    at_least: int = 0
    # Known renames: name in some files → name in `columns`.
    aliases: dict[str, str] = {}
    # Rows to set aside: a total has one of these words in this column; the row under the header describes the columns
    # if this one holds no digit.
    totals: dict[str, tuple[str, ...]] = {}
    description_row: str | None = None
    # In a workbook the sheets behind the first cut its rows again, by seller say.
    further_sheets_repeat: bool = False
    # A word that says the platform will know tomorrow.
    not_final: dict[str, str] = {}
    feeds: tuple[Part, ...] = ()
    personal: tuple[str, ...] = ()
    columns: tuple[str, ...]

    @cached_property
    def read(self) -> tuple[str, ...]:
        """Columns that are read from a file, in the order of `columns`."""
        wanted = {header for part in self.feeds for header in part.headers}
        wanted |= {*self.totals, *self.not_final, *([self.description_row] if self.description_row else [])}
        return tuple(name for name in self.columns if name in wanted)

    @cached_property
    def ids(self) -> frozenset[str]:
        """Delivered columns that become an id of some feed: a number there may have lost digits."""
        return frozenset(
            header
            for part in self.feeds
            for name, source in part.columns.items()
            for header in source.headers
            if part.spec_of(name).type == "id"
        )

    @cached_property
    def dated(self) -> tuple[str, ...]:
        """Delivered columns in which the name of a sum would be no value: ids and days of a key, or required ones."""
        feeds = load_feeds()
        return tuple(
            dict.fromkeys(
                header
                for part in self.feeds
                for name, source in part.columns.items()
                for header in source.headers
                if part.spec_of(name).type in ("id", "ts", "date")
                and (part.spec_of(name).required or name in feeds[part.feed].key)
            )
        )

    @cached_property
    def names(self) -> dict[str, str]:
        """Folded header → column, renames left out."""
        return {folded(name): name for name in self.columns}

    @cached_property
    def renames(self) -> dict[str, str]:
        """Folded header → column, for a file that lacks the column under its own name."""
        return {folded(name): column for name, column in self.aliases.items()}

    @model_validator(mode="after")
    def _consistent(self) -> Layout:
        if bool(self.feeds) == bool(self.why):
            raise ValueError("a layout fills feeds or says why it fills none")
        if self.feeds and not self.advice:
            raise ValueError("a layout that fills feeds says how often to fetch it")
        if len(self.names) != len(self.columns):
            raise ValueError("two columns are the same once folded")
        named = [*self.required, *self.aliases.values(), *self.totals, *self.not_final, *self.personal]
        named += [header for part in self.feeds for header in part.headers]
        named += [self.description_row] if self.description_row else []
        if unknown := sorted(set(named) - set(self.columns)):
            raise ValueError(f"names columns it does not list: {', '.join(unknown)}")
        if used := sorted(set(self.personal) & set(self.read)):
            raise ValueError(f"reads what people are called or where they live: {', '.join(used)}")
        for part in self.feeds:
            _fits(part)
        return self


def _fits(part: Part) -> None:
    """Raise `ValueError` unless the part fills its feed."""
    feeds = load_feeds()
    if part.feed not in feeds:
        raise ValueError(f"{part.feed} is no feed")
    spec: FeedSpec = feeds[part.feed]
    filled = {*part.columns, *((METRIC, VALUE) if part.metrics else ())}
    if unknown := sorted(set(part.columns) - set(spec.by_name)):
        raise ValueError(f"{part.feed} has no {', '.join(unknown)}")
    if missing := [name for name in spec.required if name not in filled]:
        raise ValueError(f"{part.feed} needs {', '.join(missing)}")
    if spec.personal and spec.personal.name in filled:
        raise ValueError(f"{part.feed}: no export names its users")
    typed = {*part.columns, *part.helpers}
    for source in part.columns.values():
        if lost := sorted({*source.hash_of, *source.product_of} - typed):
            raise ValueError(f"{part.feed}: computes from {', '.join(lost)}, which is not there")


def parse_layout(text: str, origin: str) -> Layout:
    """One declaration. Raises `DeclarationError` naming `origin`."""
    try:
        return Layout.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError) as error:
        reason = " ".join(str(error).split())
        raise DeclarationError(f"{origin}: not a valid layout declaration: {reason}") from error


@cache
def load_layouts() -> dict[str, Layout]:
    """All declared layouts by name, in alphabetical order."""
    layouts: dict[str, Layout] = {}
    for path in sorted(LAYOUTS_DIR.glob("*.yml")):
        layout = parse_layout(path.read_text(encoding="utf-8"), path.name)
        if layout.layout != path.stem:
            raise DeclarationError(f"{path.name}: declares layout {layout.layout}; name the file {layout.layout}.yml")
        layouts[layout.layout] = layout
    return layouts


@cache
def layouts_digest() -> str:
    """Changes when any layout or feed does; files that no feed took are then tried again."""
    parts = [layout.model_dump_json(by_alias=True) for layout in load_layouts().values()]
    parts += [spec.digest for spec in load_feeds().values()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
