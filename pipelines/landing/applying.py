"""From typed rows to the raw tables: which rows are bad, which are repeated, which version of a key stays.

Works on the temporary tables of one file, inside the transaction of that file. Files and cells are no concern here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime

import duckdb

from pipelines.landing.declarations import PERSONAL_COLUMN, SHOP_COLUMN, SHOP_SPEC, ColumnSpec, FeedSpec, load_feeds
from pipelines.landing.grammar import BLANKS, Clock, identifier, listed, quoted, typing_query
from pipelines.landing.pseudonyms import pseudonym_sql
from pipelines.landing.reading import BROKEN, CELLS
from pipelines.landing.translating import TITLE, TRANSLATED, Translation

TYPED = "landing_typed"
_NEW = "landing_new"
USERS = "landing_users"
TEXTS = "landing_texts"
_FRESH = "landing_fresh_users"
_DROPPED = "landing_dropped"
_HELD = "landing_held"
_NAMED = "landing_named"
# Shorter user ids cannot be told from quantities and dates in other columns.
_TELLING = 6
BUYER_MAP = "buyer_map"
# Rows from which the optimizer earns what it costs.
_WORTH_PLANNING = 20_000
_TEMPORARY = (TYPED, _NEW, USERS, TEXTS, _FRESH, _DROPPED, _HELD, _NAMED)


@dataclass(frozen=True)
class Delivery:
    """The file at hand, as one feed sees it; `translation` where it is an export of the platform."""

    spec: FeedSpec
    columns: tuple[str, ...]
    sha256: str
    path: str
    load_seq: int
    default_shop: str
    clock: Clock
    translation: Translation | None = None

    @property
    def typed(self) -> tuple[ColumnSpec, ...]:
        """The columns whose cells are typed, in file order."""
        if self.translation:
            return self.translation.typed
        return tuple(self.spec.by_name[name] for name in self.columns)

    @property
    def shown(self) -> dict[str, str]:
        """Columns of `landing_cells` that a quarantined row shows, and what the file calls them."""
        return self.translation.shown if self.translation else {name: name for name in self.columns}

    @property
    def withheld(self) -> frozenset[str]:
        """Those of them that hold what people wrote."""
        if self.translation:
            return self.translation.withheld
        return frozenset(name for name in self.columns if self.spec.by_name[name].withheld)

    def title_sql(self, name: str) -> str:
        """SQL of what the file calls a column."""
        if self.translation is None:
            return quoted(name)
        titles = self.translation.titles
        return quoted(titles[name]) if name in titles else TITLE if self.translation.is_spread else quoted(name)


@dataclass(frozen=True)
class Books:
    """What became of the rows of a file. `read` = `loaded` + `duplicate` + `quarantined` + `set_aside`."""

    read: int = 0
    loaded: int = 0
    duplicate: int = 0
    quarantined: int = 0
    set_aside: int = 0
    nulled: int = 0
    rounded: int = 0

    @property
    def balance(self) -> bool:
        """Whether every row is accounted for."""
        return self.read == self.loaded + self.duplicate + self.quarantined + self.set_aside


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def drop_temporary(con: duckdb.DuckDBPyConnection) -> None:
    """Remove what a file left in the connection."""
    for table in _TEMPORARY:
        con.execute(f"drop table if exists {table}")


def apply_cells(con: duckdb.DuckDBPyConnection, delivery: Delivery, rows: int, set_aside: int = 0) -> Books:
    """Type the cells and bring them into the raw tables. `rows` is what the reader saw, `set_aside` those of them that
    are no rows of data. Of a delivered row that gives several, all load or none; it is counted once.
    """
    drop_temporary(con)
    with _unplanned(con) if rows < _WORTH_PLANNING else nullcontext():
        type_cells(con, delivery)
    quarantined = _quarantine(con, delivery)
    nulled, rounded = con.execute(
        f"select coalesce(sum(values_nulled), 0), coalesce(sum(values_rounded), 0) from {TYPED} "
        "where bad_column is null"
    ).fetchone() or (0, 0)
    _number_users(con, delivery)
    _collect_new(con, delivery)
    lines = "count(distinct source_line)" if delivery.translation and delivery.translation.is_spread else "count(*)"
    accepted = _count(con, f"select {lines} from {_NEW}")
    _drop_repeated(con, delivery.spec)
    insert = _insert_unseen if delivery.spec.immutable else _insert_newer
    insert(con, delivery)
    loaded = _count(con, f"select {lines} from {_NEW}")
    release_by_key(con, delivery)
    release_by_path(con, delivery)
    refresh_presence(con, delivery.spec, delivery.load_seq)
    if delivery.spec.feed == BUYER_MAP:
        refresh_presence(con, load_feeds()["orders"], delivery.load_seq)
    return Books(
        read=rows,
        loaded=loaded,
        duplicate=accepted - loaded,
        quarantined=quarantined,
        # A row without a single value says nothing.
        set_aside=rows - accepted - quarantined if lines != "count(*)" else set_aside,
        nulled=int(nulled),
        rounded=int(rounded),
    )


@contextmanager
def _unplanned(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Without the optimizer: over the thousand expressions of a small file it takes longer than the work it saves."""
    names = con.execute("select string_agg(name) from duckdb_optimizers()").fetchone()
    con.execute(f"set disabled_optimizers = {quoted(names[0] if names else '')}")
    try:
        yield
    finally:
        con.execute("set disabled_optimizers = ''")


# --- typing ----------------------------------------------------------------------------------------------------------


def type_cells(con: duckdb.DuckDBPyConnection, delivery: Delivery) -> None:
    """`landing_typed`: line, every column of the feed by its file name, first bad column and its reason, counters."""
    spec = delivery.spec
    present = delivery.typed
    values = [f"{_value(column, delivery)} as {identifier(column.name)}" for column in spec.all_columns]
    bad = [(delivery.title_sql(column.name), f"{column.name}_error") for column in present]
    if spec.require_one_of:
        rule = spec.require_one_of
        empty = [f"{name}_text is null" for name in (rule.column, *rule.unless) if name in delivery.columns]
        bad.append(
            (delivery.title_sql(rule.column), f"case when {' and '.join(empty) or 'true'} then 'missing_required' end")
        )
    computed = delivery.translation.computed if delivery.translation else {}
    for name, sql in computed.items():
        if spec.by_name[name].required:
            bad.append((delivery.title_sql(name), f"case when {sql} is null then 'missing_required' end"))
    for name, sql in (delivery.translation.overflows if delivery.translation else {}).items():
        bad.append((delivery.title_sql(name), f"case when {sql} then 'overflow' end"))
    first = " ".join(f"when {error} is not null then {title}" for title, error in bad)
    reason = ", ".join(error for _, error in bad)
    nulled = " + ".join(f"{column.name}_nulled" for column in present)
    rounded = " + ".join(f"{column.name}_rounded" for column in present)
    key = [f"{column.name}_error is not null" for column in present if column.name in _key(spec)]
    key += [f"{sql} is null" for name, sql in computed.items() if name in _key(spec)]
    source, place = CELLS, "line"
    if delivery.translation:
        source = TRANSLATED
        place = "landing_place" if delivery.translation.is_spread else "line"
    shop = _value(SHOP_SPEC, delivery)
    con.execute(
        f"create temp table {TYPED} as select line, {place} as place, {', '.join(values)}, "
        f"case {first} end as bad_column, coalesce({reason}, null) as bad_reason, {nulled} as values_nulled, "
        f"{rounded} as values_rounded, {' or '.join(key) or 'false'} as is_key_broken "
        f"from (select *, {shop} as shop_id_of_row from ({typing_query(source, present, delivery.clock)}))"
    )
    if delivery.translation and delivery.translation.is_spread:
        # One bad value holds its whole row back, under the first bad column.
        con.execute(
            f"delete from {TYPED} as t using (select line, min(place) as place from {TYPED} "
            "where bad_column is not null group by line) as b where t.line = b.line and t.place <> b.place"
        )


def _key(spec: FeedSpec) -> tuple[str, ...]:
    return (SHOP_COLUMN, *spec.key)


def _value(column: ColumnSpec, delivery: Delivery) -> str:
    """SQL of a column over the typing query; what the file lacks is derived or NULL."""
    if delivery.translation and column.name in delivery.translation.computed:
        return delivery.translation.computed[column.name]
    if column.name in delivery.columns:
        value = f"{column.name}_value"
        return f"coalesce({value}, {quoted(delivery.default_shop)})" if column.name == SHOP_COLUMN else value
    if column.name == SHOP_COLUMN:
        return quoted(delivery.default_shop)
    for rule in delivery.spec.derive_when_absent:
        if rule.column == column.name and {rule.source, rule.when} <= set(delivery.columns):
            return f"case when {rule.when}_value in ({listed(rule.among)}) then {rule.source}_value end"
    kind = "varchar" if column.personal else column.sql_type
    return f"null::{kind}"


# --- users -----------------------------------------------------------------------------------------------------------


def _number_users(con: duckdb.DuckDBPyConnection, delivery: Delivery) -> None:
    """`landing_users`: raw id and number of every user among the good rows; new pseudonyms get numbers."""
    personal = delivery.spec.personal
    if personal is None:
        return
    name = identifier(personal.name)
    no_users_yet(con)
    number_users(
        con, f"select distinct {name} as user_text from {TYPED} where bad_column is null and {name} is not null"
    )


def no_users_yet(con: duckdb.DuckDBPyConnection) -> None:
    """Create `landing_users (user_text, user_key)`, empty."""
    con.execute(f"create temp table {USERS} (user_text varchar, user_key bigint)")


def number_users(con: duckdb.DuckDBPyConnection, distinct_ids: str) -> None:
    """Add to `landing_users` the ids of the query `distinct_ids (user_text)`."""
    con.execute(
        f"create or replace temp table {_FRESH} as select f.user_text, f.user_id, k.user_key is null as is_new, "
        "coalesce(k.user_key, (select coalesce(max(user_key), 0) from control.user_keys) + row_number() over ()) "
        f"as user_key from (select user_text, {pseudonym_sql('user_text')} as user_id from ({distinct_ids})) as f "
        "left join control.user_keys as k on k.user_id = f.user_id"
    )
    con.execute(f"insert into control.user_keys select user_id, user_key from {_FRESH} where is_new")
    con.execute(f"insert into {USERS} select user_text, user_key from {_FRESH}")
    con.execute(f"drop table {_FRESH}")


# --- the rows to load ------------------------------------------------------------------------------------------------


def stored_expressions(spec: FeedSpec, source: str, user_key: str, hash_of: str) -> list[tuple[str, str]]:
    """(name, SQL) of the data columns of the raw table, over rows named `source` with the feed's own column names."""
    expressions: list[tuple[str, str]] = []
    for column in spec.all_columns:
        sql = user_key if column.personal else f"{source}.{identifier(column.name)}"
        expressions.append((column.stored_name, sql))
        if column.name == spec.day_of:
            expressions.append(("business_date", f"cast({source}.{identifier(column.name)} as date)"))
    if spec.immutable:
        expressions.append(("key_hash", hash_of))
    return expressions


def sources(spec: FeedSpec) -> list[ColumnSpec | None]:
    """The declared column behind each of `stored_expressions`, None for a hash."""
    columns: list[ColumnSpec | None] = []
    for column in spec.all_columns:
        columns.append(column)
        if column.name == spec.day_of:
            columns.append(column)
    return [*columns, None] if spec.immutable else columns


def shop_sql(source: str, delivery: Delivery) -> str:
    """SQL of the shop of a typed row."""
    default = quoted(delivery.default_shop)
    return f"coalesce({source}.{SHOP_COLUMN}, {default})" if SHOP_COLUMN in delivery.columns else default


def key_hash(spec: FeedSpec, source: str) -> str:
    """SQL of a 64-bit hash of the stored key. Equal keys have equal hashes, NULLs included."""
    return f"hash({', '.join(f'{source}.{identifier(name)}' for name in spec.key_stored)})"


def _collect_new(con: duckdb.DuckDBPyConnection, delivery: Delivery) -> None:
    """`landing_new`: the good rows as they will be stored, with `source_line`."""
    spec = delivery.spec
    join, user = "", "null"
    if spec.personal:
        join = f"left join {USERS} as u on t.{identifier(spec.personal.name)} = u.user_text"
        user = "u.user_key"
    stored = stored_expressions(spec, "t", user, f"hash(t.{SHOP_COLUMN}, t.{identifier(spec.key[0])})")
    columns = ", ".join(f"{sql} as {identifier(name)}" for name, sql in stored)
    con.execute(
        f"create temp table {_NEW} as select {columns}, t.line as source_line, t.rowid as row_no "
        f"from {TYPED} as t {join} where t.bad_column is null"
    )


def _drop_repeated(con: duckdb.DuckDBPyConnection, spec: FeedSpec) -> None:
    """Remove from `landing_new` all but the row of each key that stays: the first event, else the newest version."""
    hashed = key_hash(spec, "n")
    order = "source_line" if spec.immutable else "source_line desc"
    if spec.version:
        order = f"{identifier(spec.version)} desc nulls last, {order}"
    keys = ", ".join(identifier(name) for name in spec.key_stored)
    con.execute(
        f"create temp table {_DROPPED} as select row_no from (select row_no, row_number() over "
        f"(partition by {keys} order by {order}) as place from {_NEW} as n where {hashed} in "
        f"(select {hashed} from {_NEW} as n group by 1 having count(*) > 1)) where place > 1"
    )
    con.execute(f"delete from {_NEW} where row_no in (select row_no from {_DROPPED})")


def same_key(spec: FeedSpec, left: str, right: str) -> str:
    nullable = [name for name in spec.key if not spec.by_name[name].required]
    stored_nullable = {spec.by_name[name].stored_name for name in nullable}
    return " and ".join(
        f"{left}.{identifier(name)} {'is not distinct from' if name in stored_nullable else '='} "
        f"{right}.{identifier(name)}"
        for name in spec.key_stored
    )


def _insert_unseen(con: duckdb.DuckDBPyConnection, delivery: Delivery) -> None:
    """Insert the events that no earlier file brought."""
    spec = delivery.spec
    con.execute(
        f"delete from {_NEW} where row_no in (select n.row_no from {_NEW} as n join {spec.raw_table} as r "
        f"on n.key_hash = r.key_hash and {same_key(spec, 'n', 'r')})"
    )
    names = ", ".join(identifier(name) for name, _ in spec.data_columns)
    con.execute(
        f"insert into {spec.raw_table} ({names}, load_seq, source_line) "
        f"select {names}, {delivery.load_seq}, source_line from {_NEW}"
    )


def _insert_newer(con: duckdb.DuckDBPyConnection, delivery: Delivery) -> None:
    """Insert the versions newer than what is held; those they replace move to the superseded table.

    Deliveries are applied in order, so a version that is not older by its version column is newer. A column that the
    file does not have keeps the value held: a file restates only what it carries.
    """
    spec = delivery.spec
    names = [name for name, _ in spec.data_columns]
    held = ", ".join(f"r.{identifier(name)}" for name in (*names, "load_seq", "source_line"))
    con.execute(
        f"create temp table {_HELD} as select n.row_no as new_row, r.rowid as held_row, {held} "
        f"from {_NEW} as n join {spec.raw_table} as r on {same_key(spec, 'n', 'r')}"
    )
    if spec.version:
        version = identifier(spec.version)
        older = f"h.{version} is not null and (n.{version} is null or n.{version} < h.{version})"
        con.execute(
            f"delete from {_NEW} where row_no in (select n.row_no from {_NEW} as n "
            f"join {_HELD} as h on n.row_no = h.new_row where {older})"
        )
        con.execute(f"delete from {_HELD} where new_row not in (select row_no from {_NEW})")
    columns = ", ".join(identifier(name) for name in (*names, "load_seq", "source_line"))
    con.execute(
        f"insert into {spec.superseded_table} ({columns}, superseded_seq) "
        f"select {columns}, {delivery.load_seq} from {_HELD}"
    )
    con.execute(f"delete from {spec.raw_table} where rowid in (select held_row from {_HELD})")
    carried = {spec.by_name[name].stored_name for name in delivery.columns} | set(spec.key_stored)
    derived = {rule.column for rule in spec.derive_when_absent} - carried

    def current(name: str) -> str:
        quoted_name = identifier(name)
        if name in derived:
            return f"coalesce(h.{quoted_name}, n.{quoted_name})"
        return f"n.{quoted_name}" if name in carried else f"h.{quoted_name}"

    con.execute(
        f"insert into {spec.raw_table} ({columns}) select {', '.join(current(name) for name in names)}, "
        f"{delivery.load_seq}, n.source_line from {_NEW} as n left join {_HELD} as h on n.row_no = h.new_row "
        "order by n.source_line, n.row_no"
    )


# --- quarantine ------------------------------------------------------------------------------------------------------


def _row_key(spec: FeedSpec, source: str, user: str) -> str:
    """SQL of the hashed key: what a quarantined row is recognised by when it is mended. Hashed, since a shifted row may
    have a user id where the key should be.
    """
    parts = []
    for name in _key(spec):
        value = user if spec.by_name[name].personal else f"{source}.{identifier(name)}::varchar"
        parts.append(f"coalesce({value}, '')")
    key = " || '|' || ".join(parts)
    return f"sha256({key})"


def _quarantine(con: duckdb.DuckDBPyConnection, delivery: Delivery) -> int:
    """Book the bad rows and the records that could not be split. Returns their number."""
    spec = delivery.spec
    bad = _count(con, f"select count(*) from {TYPED} where bad_column is not null")
    broken = _count(con, f"select count(*) from {BROKEN}")
    head = f"{quoted(spec.feed)}, {quoted(delivery.sha256)}, {quoted(delivery.path)}"
    if bad:
        named = _name_misplaced_users(con, delivery)
        shown = []
        for name, title in delivery.shown.items():
            cell = f"c.{identifier(name)}"
            if named:
                cell = f"coalesce(map_extract(getvariable('{_NAMED}'), trim({cell}, {BLANKS}))[1], {cell})"
            if spec.personal and name == spec.personal.name:
                cell = pseudonym_sql(f"t.{identifier(name)}")
            shown.append(f"{quoted(title)}: {'null::varchar' if name in delivery.withheld else cell}")
        user = pseudonym_sql(f"t.{identifier(spec.personal.name)}") if spec.personal else "null"
        con.execute(
            f"insert into control.quarantine select {head}, t.line, t.bad_column, t.bad_reason, "
            f"cast(to_json({{{', '.join(shown)}}}) as varchar), "
            f"case when not t.is_key_broken then {_row_key(spec, 't', user)} end, {delivery.load_seq}, null "
            f"from {TYPED} as t join {CELLS} as c on t.line = c.line where t.bad_column is not null order by t.line"
        )
    if broken:
        con.execute(
            f"insert into control.quarantine select {head}, line, null, reason, detail, null, {delivery.load_seq}, "
            f"null from {BROKEN} order by line"
        )
    return bad + broken


def _name_misplaced_users(con: duckdb.DuckDBPyConnection, delivery: Delivery) -> bool:
    """Whether user ids stand in other columns of bad rows, as in a row that lost a cell. `landing_named`, a variable,
    maps each to its pseudonym.
    """
    spec = delivery.spec
    if spec.personal is None:
        return False
    others = [f"c.{identifier(name)}" for name in delivery.shown if name != spec.personal.name]
    user = identifier(spec.personal.name)
    con.execute(
        f"create temp table {_NAMED} as with bad as (select [{', '.join(others)}] as cells "
        f"from {TYPED} as t join {CELLS} as c on t.line = c.line where t.bad_column is not null), "
        f"texts as (select distinct trim(unnest(cells), {BLANKS}) as cell from bad), "
        f"hashed as (select cell, {pseudonym_sql('cell')} as pseudonym from texts where length(cell) >= {_TELLING}) "
        "select cell, pseudonym from hashed where pseudonym in (select user_id from control.user_keys) "
        f"or cell in (select {user} from {TYPED})"
    )
    if not _count(con, f"select count(*) from {_NAMED}"):
        return False
    con.execute(f"set variable {_NAMED} = (select map(list(cell), list(pseudonym)) from {_NAMED})")
    return True


def release_by_key(con: duckdb.DuckDBPyConnection, delivery: Delivery) -> None:
    """Release what earlier loads held back under a key that this load accepted."""
    spec = delivery.spec
    waiting = (
        f"feed = {quoted(spec.feed)} and released_at is null and row_key is not null and load_seq < {delivery.load_seq}"
    )
    if not _count(con, f"select count(*) from control.quarantine where {waiting}"):
        return
    con.execute(
        f"update control.quarantine set released_at = ? where {waiting} "
        f"and row_key in ({_keys_held(spec)} where r.load_seq = {delivery.load_seq})",
        [_moment(delivery.clock.now)],
    )


def _keys_held(spec: FeedSpec) -> str:
    """A query for the keys of the raw rows `r`, written as quarantine writes them."""
    join, user = "", "null"
    if spec.personal:
        join = f"left join control.user_keys as k on r.{PERSONAL_COLUMN} = k.user_key"
        user = "k.user_id"
    return f"select {_row_key(spec, 'r', user)} from {spec.raw_table} as r {join}"


def release_by_path(con: duckdb.DuckDBPyConnection, delivery: Delivery) -> None:
    """Release rows without a readable key when a newer version of their file loads."""
    con.execute(
        "update control.quarantine set released_at = ? where released_at is null and row_key is null and feed = ? "
        "and path = ? and load_seq < ?",
        [_moment(delivery.clock.now), delivery.spec.feed, delivery.path, delivery.load_seq],
    )


def release_overwritten(con: duckdb.DuckDBPyConnection, path: str, sha: str, now: datetime) -> None:
    """The same for a newer version whose content was loaded before, under this name or another: rows without a readable
    key, and those whose key is held. What that content itself holds back stays.
    """
    waiting = (
        "released_at is null and path = ? and load_seq not in "
        "(select load_seq from control.load_audit where sha256 = ? and load_seq is not null)"
    )
    feeds = con.execute(f"select distinct feed from control.quarantine where {waiting}", [path, sha]).fetchall()
    for (feed,) in feeds:
        con.execute(
            f"update control.quarantine set released_at = ? where {waiting} and feed = ? "
            f"and (row_key is null or row_key in ({_keys_held(load_feeds()[feed])}))",
            [_moment(now), path, sha, feed],
        )


def _moment(now: datetime) -> datetime:
    return now.replace(tzinfo=None, microsecond=0)


# --- presence --------------------------------------------------------------------------------------------------------


def refresh_presence(con: duckdb.DuckDBPyConnection, spec: FeedSpec, load_seq: int) -> None:
    """Count the feed's rows by shop. Events only grow, so the new ones are added; other feeds are counted again."""
    users = f"count({PERSONAL_COLUMN})" if spec.personal else "0"
    table = spec.raw_table
    map_table = load_feeds()[BUYER_MAP].raw_table
    if spec.feed == "orders" and _count(con, f"select count(*) from {map_table}"):
        # A line whose order the merchant has mapped names its user, too (R13b).
        table = (
            f"(select o.{SHOP_COLUMN}, coalesce(o.{PERSONAL_COLUMN}, m.{PERSONAL_COLUMN}) as {PERSONAL_COLUMN} "
            f"from {spec.raw_table} as o left join {map_table} as m "
            f"on o.{SHOP_COLUMN} = m.{SHOP_COLUMN} and o.order_id = m.order_id)"
        )
    counted = f"select {SHOP_COLUMN}, count(*) as rows_held, {users} as rows_with_user from {table}"
    if spec.immutable:
        counted += f" where load_seq = {load_seq} group by 1"
        before = (
            f"select shop_id, rows_held, rows_with_user from control.feed_presence where feed = {quoted(spec.feed)}"
        )
        sums = "shop_id, sum(rows_held)::bigint, sum(rows_with_user)::bigint"
        counted = f"select {sums} from ({counted} union all {before}) group by 1"
    else:
        counted += " group by 1"
    con.execute(f"create or replace temp table landing_presence as {counted}")
    con.execute("delete from control.feed_presence where feed = ?", [spec.feed])
    con.execute(f"insert into control.feed_presence select {quoted(spec.feed)}, * from landing_presence")
    con.execute("drop table landing_presence")


def named(columns: Sequence[str]) -> str:
    """Column list of a statement."""
    return ", ".join(identifier(name) for name in columns)
