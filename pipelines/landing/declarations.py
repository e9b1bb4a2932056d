"""The input contract as data: one YAML file a feed in `feeds/`.

Everything that depends on a feed's columns derives from here: tables, typing, quarantine, staging checks, simulator,
dictionary. What a value means to a metric does not belong here.
"""

from __future__ import annotations

import hashlib
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipelines.errors import QuanyuError

FEEDS_DIR = Path(__file__).parent / "feeds"
SHOP_COLUMN = "shop_id"
PERSONAL_COLUMN = "user_key"
# Part of every declaration's digest: raise it when the readers or the grammar learn something, so that refused files
# are tried again.
GRAMMAR_VERSION = 2

ColumnType = Literal["id", "text", "enum", "ts", "date", "int", "money", "number", "rate", "bool"]

SQL_TYPES: dict[str, str] = {
    "id": "VARCHAR",
    "text": "VARCHAR",
    "enum": "VARCHAR",
    "ts": "TIMESTAMP",
    "date": "DATE",
    "int": "BIGINT",
    "money": "DECIMAL(18,2)",
    "number": "DECIMAL(18,3)",
    "rate": "DECIMAL(28,12)",
    "bool": "BOOLEAN",
}


class DeclarationError(QuanyuError):
    """A file of `feeds/` contradicts itself."""


class ColumnSpec(BaseModel):
    """One column of a feed, as merchants deliver it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    type: ColumnType
    required: bool = False
    # Allowed values of an enum; `strict` quarantines an unknown one even where the column is optional.
    values: tuple[str, ...] = ()
    strict: bool = False
    min: int | None = None
    max: int | None = None
    # A date alone means the last second of the day.
    end_of_day: bool = False
    # A plan or a promise: may lie more than one day after the run.
    planned: bool = False
    # A duration: `1分30秒` and `00:01:30` are seconds.
    duration: bool = False
    # A user id: stored as `user_key`, replaced by its pseudonym wherever it is shown.
    personal: bool = False
    # Free text a person typed: kept in the build database only, left out of `quarantine.raw_row`.
    withheld: bool = False
    # Set by the layout of an export; not read from a canonical file.
    internal: bool = False
    label_zh: str
    description: str

    @property
    def stored_name(self) -> str:
        """Name in the raw table."""
        return PERSONAL_COLUMN if self.personal else self.name

    @property
    def sql_type(self) -> str:
        """Type in the raw table."""
        return "BIGINT" if self.personal else SQL_TYPES[self.type]

    @model_validator(mode="after")
    def _consistent(self) -> ColumnSpec:
        if (self.type == "enum") != bool(self.values):
            raise ValueError(f"{self.name}: an enum has values, nothing else has")
        if (self.min is not None or self.max is not None) and self.type not in ("int", "money", "number", "rate"):
            raise ValueError(f"{self.name}: min and max need a numeric type")
        if (self.end_of_day or self.planned) and self.type not in ("ts", "date"):
            raise ValueError(f"{self.name}: end_of_day and planned need a time")
        if self.internal and (self.required or self.personal):
            raise ValueError(f"{self.name}: an internal column is neither required nor personal")
        if self.personal and self.type != "id":
            raise ValueError(f"{self.name}: a personal column is an id")
        return self


class Derivation(BaseModel):
    """`column := from` where `when` is one of `among`, for files whose header lacks `column`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    source: str = Field(alias="from")
    when: str
    among: tuple[str, ...]


class Alternative(BaseModel):
    """`column` is required in rows where all of `unless` are empty."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    unless: tuple[str, ...]


class StagedColumn(BaseModel):
    """A column that the staging model adds to those of the feed; here only its prose."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label_zh: str
    description: str


class FeedSpec(BaseModel):
    """One feed. `columns` are in file order without `shop_id`: every feed may carry it, every key starts with it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    feed: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label_zh: str
    description: str
    # What a merchant gains by delivering it.
    unlocks: str
    key: tuple[str, ...]
    # Column that says which version of a key is newer; without it the later delivery is.
    version: str | None = None
    # The first delivered row of a key stays, whatever comes later.
    immutable: bool = False
    # The raw table stores the calendar date of this column as `business_date`, right after it.
    day_of: str | None = None
    derive_when_absent: tuple[Derivation, ...] = ()
    require_one_of: Alternative | None = None
    columns: tuple[ColumnSpec, ...]
    staged: tuple[StagedColumn, ...] = ()

    @cached_property
    def by_name(self) -> dict[str, ColumnSpec]:
        """Columns by their name in files, `shop_id` included."""
        return {column.name: column for column in (SHOP_SPEC, *self.columns)}

    @cached_property
    def file_columns(self) -> frozenset[str]:
        """Names that a canonical file may have in its header."""
        return frozenset(column.name for column in self.all_columns if not column.internal)

    @cached_property
    def all_columns(self) -> tuple[ColumnSpec, ...]:
        """`shop_id` and the declared columns, in the order of the raw table."""
        return (SHOP_SPEC, *self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """Columns a header must have."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def personal(self) -> ColumnSpec | None:
        """The column that names a user, if the feed has one."""
        return next((column for column in self.columns if column.personal), None)

    @property
    def key_stored(self) -> tuple[str, ...]:
        """Key columns of the raw table, `shop_id` first."""
        return (SHOP_COLUMN, *(self.by_name[name].stored_name for name in self.key))

    @property
    def raw_table(self) -> str:
        """Table of the current version of every key."""
        return f"raw.raw_{self.feed}"

    @property
    def superseded_table(self) -> str:
        """Table of the versions that a later delivery replaced."""
        return f"raw.raw_{self.feed}_superseded"

    @cached_property
    def data_columns(self) -> tuple[tuple[str, str], ...]:
        """(name, SQL type) of the raw table up to, not including, `load_seq` and `source_line`."""
        stored: list[tuple[str, str]] = []
        for column in self.all_columns:
            kind = column.sql_type
            if self.immutable and column.type == "enum":
                # Events come by the million: a byte for a word spares a tenth of their load.
                kind = "ENUM('" + "', '".join(column.values) + "')"
            stored.append((column.stored_name, kind))
            if column.name == self.day_of:
                stored.append(("business_date", "DATE"))
        if self.immutable:
            # 8 bytes that spare comparing long ids with every event ever loaded.
            stored.append(("key_hash", "UBIGINT"))
        return tuple(stored)

    @cached_property
    def digest(self) -> str:
        """Changes when the declaration or the grammar does; refused files are then tried again."""
        content = f"{GRAMMAR_VERSION}\n{self.model_dump_json(by_alias=True)}"
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    @model_validator(mode="after")
    def _consistent(self) -> FeedSpec:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names) or SHOP_COLUMN in names:
            raise ValueError("column names must be unique, shop_id is added by itself")
        referred = [*self.key, *(name for name in (self.version, self.day_of) if name)]
        for derivation in self.derive_when_absent:
            referred += [derivation.column, derivation.source, derivation.when]
        if self.require_one_of:
            referred += [self.require_one_of.column, *self.require_one_of.unless]
        if unknown := sorted(set(referred) - set(names)):
            raise ValueError(f"refers to columns it does not declare: {', '.join(unknown)}")
        if sum(column.personal for column in self.columns) > 1:
            raise ValueError("one personal column at most")
        if self.immutable and (self.version or len(self.key) != 1):
            raise ValueError("an immutable feed has one key column and no versions")
        return self


SHOP_SPEC = ColumnSpec(
    name=SHOP_COLUMN,
    type="id",
    label_zh="店铺编号",
    description="Shop; the configured default shop where a file names none.",
)


def parse_feed(text: str, origin: str) -> FeedSpec:
    """One declaration. Raises `DeclarationError` naming `origin`."""
    try:
        return FeedSpec.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError) as error:
        reason = " ".join(str(error).split())
        raise DeclarationError(f"{origin}: not a valid feed declaration: {reason}") from error


@cache
def load_feeds() -> dict[str, FeedSpec]:
    """All declared feeds by name, in alphabetical order."""
    feeds: dict[str, FeedSpec] = {}
    for path in sorted(FEEDS_DIR.glob("*.yml")):
        spec = parse_feed(path.read_text(encoding="utf-8"), path.name)
        if spec.feed != path.stem:
            raise DeclarationError(f"{path.name}: declares feed {spec.feed}; name the file {spec.feed}.yml")
        feeds[spec.feed] = spec
    return feeds
