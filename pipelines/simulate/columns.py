"""What a simulated feed looks like: its columns, and how columns of integers become text, money and times.

The generators hold everything as integer arrays: ids as numbers, money in cents, times as seconds of the
business wall clock since 1970, enums and texts as positions in a vocabulary. Nothing is a float, so nothing rounds.
A negative number is NULL. This module alone knows how such a frame is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Frame = dict[str, Ints]

NULL = -1
DAY = 86_400

Kind = Literal["id", "code", "enum", "text", "time", "date", "int", "money", "tenths", "rate", "bool"]

SCENES = ("short_video", "live", "mall", "search", "unknown")
SOURCES = ("paid", "recommend", "follow", "search", "short_video_referral", "other")
ENTRIES = (
    "recommend", "follow", "paid", "short_video_referral", "search", "mall",
    "shop", "showcase", "cart", "favorites", "order_page", "other",
)  # fmt: skip
EVENT_TYPES = (
    "impression", "view", "product_impression", "product_click", "like", "comment", "favorite", "share", "follow",
    "fan_club_join", "gift", "search", "search_click", "product_favorite", "add_to_cart", "shop_visit",
    "coupon_claim", "inquiry", "product_question", "member_join", "lucky_bag_join",
)  # fmt: skip
ORDER_STATUS = ("created", "paid", "shipped", "delivered", "finished", "closed")
REFUND_KINDS = ("refund_only", "return_refund", "exchange", "price_protection")
REFUND_REASONS = (
    "quality", "logistics_damage", "not_as_described", "late_delivery", "no_longer_needed", "other",
)  # fmt: skip
REFUND_STATUS = ("applied", "approved", "rejected", "succeeded", "cancelled")
CONTENT_TYPES = ("short_video", "image_text", "live")
INTENTS = ("seeding", "selling")
CAMPAIGN_KINDS = ("official", "shop")
SESSION_KINDS = ("im", "complaint")
SUBJECTS = ("operating_score", "experience_score", "audience")
GRAINS = ("day", "week", "month")


@dataclass(frozen=True)
class Column:
    """One column of a feed. `code` columns (shop_id) and `text` columns take their words from the run's vocabulary."""

    name: str
    kind: Kind
    values: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True)
class Feed:
    """One feed: columns in file order, the key, and the column whose newest value decides which version is current.

    Without `version` the later delivery decides.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    version: str | None = None

    def column(self, name: str) -> Column:
        """The column of that name; KeyError when the feed has none."""
        return {column.name: column for column in self.columns}[name]


def _columns(text: str, **values: tuple[str, ...]) -> tuple[Column, ...]:
    """`name:kind` pairs, `!` after the kind for a required column; the words of an enum by its name."""
    built = []
    for item in text.split():
        name, kind = item.split(":")
        built.append(Column(name, kind.rstrip("!"), values.get(name, ()), kind.endswith("!")))  # type: ignore[arg-type]
    return tuple(built)


FEEDS: dict[str, Feed] = {
    feed.name: feed
    for feed in (
        Feed(
            "orders",
            _columns(
                "shop_id:code order_line_id:id! order_id:id! user_id:id product_id:id! sku_id:id product_name:text"
                " quantity:int! list_amount:money paid_amount:money! merchant_discount:money platform_discount:money"
                " commission_amount:money created_at:time! paid_at:time promised_ship_at:time shipped_at:time"
                " picked_up_at:time due_delivery_at:time delivered_at:time finished_at:time status:enum scene:enum"
                " entry:enum author_id:id content_id:id campaign_id:id ad_id:id is_gift:bool is_presale:bool"
                " coupon_amount:money updated_at:time",
                status=ORDER_STATUS,
                scene=SCENES,
                entry=ENTRIES,
            ),
            ("order_line_id",),
            "updated_at",
        ),
        Feed(
            "refunds",
            _columns(
                "shop_id:code refund_id:id! order_line_id:id! kind:enum reason:enum applied_at:time! reviewed_at:time"
                " refunded_at:time refund_amount:money! refund_quantity:int is_platform_liable:bool is_escalated:bool"
                " status:enum updated_at:time",
                kind=REFUND_KINDS,
                reason=REFUND_REASONS,
                status=REFUND_STATUS,
            ),
            ("refund_id",),
            "updated_at",
        ),
        Feed(
            "reviews",
            _columns(
                "shop_id:code review_id:id! order_id:id order_line_id:id product_id:id user_id:id rating:int!"
                " logistics_rating:int service_rating:int content:text created_at:time! updated_at:time"
            ),
            ("review_id", "order_id"),
            "updated_at",
        ),
        Feed(
            "traffic_events",
            _columns(
                "shop_id:code event_id:id! occurred_at:time! event_type:enum! user_id:id scene:enum!"
                " traffic_source:enum author_id:id content_id:id product_id:id campaign_id:id watch_seconds:tenths"
                " is_complete_play:bool search_query:text",
                event_type=EVENT_TYPES,
                scene=SCENES,
                traffic_source=SOURCES,
            ),
            ("event_id",),
        ),
        Feed(
            "products",
            _columns(
                "shop_id:code product_id:id! spu_id:id title:text category_1:text category_2:text listed_at:time"
                " list_price:money unit_cost:money margin_rate:rate"
            ),
            ("product_id",),
        ),
        Feed(
            "authors",
            _columns(
                "shop_id:code author_id:id! snapshot_on:date! name:text is_own:bool is_celebrity:bool followers:int"
                " category_1:text"
            ),
            ("author_id", "snapshot_on"),
        ),
        Feed(
            "contents",
            _columns(
                "shop_id:code content_id:id! content_type:enum! author_id:id! published_at:time! ended_at:time"
                " declared_intent:enum has_product_link:bool topic:text",
                content_type=CONTENT_TYPES,
                declared_intent=INTENTS,
            ),
            ("content_id",),
        ),
        Feed(
            "users",
            _columns(
                "shop_id:code user_id:id! snapshot_on:date! gender:text age_band:text city_tier:text province:text"
            ),
            ("user_id", "snapshot_on"),
        ),
        Feed(
            "members",
            _columns("shop_id:code user_id:id! joined_at:time! left_at:time level:text"),
            ("user_id",),
        ),
        Feed(
            "campaigns",
            _columns(
                "shop_id:code campaign_id:id! name:text! kind:enum warm_up_on:date starts_on:date! ends_on:date!"
                " is_verified:bool",
                kind=CAMPAIGN_KINDS,
            ),
            ("campaign_id",),
        ),
        Feed(
            "lucky_bags",
            _columns(
                "shop_id:code bag_id:id! content_id:id! started_at:time! ended_at:time participations:int"
                " participants:int winners:int cost_amount:money"
            ),
            ("bag_id",),
        ),
        Feed(
            "ad_spend",
            _columns(
                "shop_id:code business_date:date! ad_id:id! campaign_id:id content_id:id author_id:id scene:enum"
                " cost_amount:money! impressions:int clicks:int",
                scene=SCENES,
            ),
            ("business_date", "ad_id"),
        ),
        Feed(
            "service_sessions",
            _columns(
                "shop_id:code session_id:id! kind:enum! user_id:id order_id:id opened_at:time! human_turns:int"
                " reply_seconds:int unanswered_turns:int rating:int closed_at:time is_escalated:bool",
                kind=SESSION_KINDS,
            ),
            ("session_id",),
        ),
        Feed(
            "nps_surveys",
            _columns("shop_id:code response_id:id! user_id:id order_id:id score:int! answered_at:time!"),
            ("response_id",),
        ),
        Feed(
            "author_audience",
            _columns(
                "shop_id:code author_id:id! snapshot_on:date! gender:text age_band:text city_tier:text share:rate"
            ),
            ("author_id", "snapshot_on", "gender", "age_band", "city_tier"),
        ),
        Feed(
            "benchmarks",
            _columns(
                "shop_id:code subject:enum! indicator:text! grain:enum! floor:rate! average:rate! excellent:rate!"
                " source:text! valid_from:date! valid_to:date",
                subject=SUBJECTS,
                grain=GRAINS,
            ),
            ("subject", "indicator", "grain", "valid_from"),
        ),
        Feed(
            "official_metrics",
            _columns("shop_id:code business_date:date! metric:text! value:rate! source:text!"),
            ("business_date", "metric", "source"),
        ),
    )
}


@dataclass
class Vocabulary:
    """Every free text of a run, once. Frames hold positions in it."""

    words: list[str] = field(default_factory=list)
    _positions: dict[str, int] = field(default_factory=dict)

    def positions(self, words: Sequence[str]) -> Ints:
        """Positions of the words, added where they are new."""
        for word in words:
            if word not in self._positions:
                self._positions[word] = len(self.words)
                self.words.append(word)
        return np.array([self._positions[word] for word in words], dtype=np.int64)


def identifiers(space: int, numbers: Ints) -> Ints:
    """Nineteen-digit ids, distinct for distinct numbers below 10^12 of one space (0-30) and across spaces."""
    # 7368787 shares no factor with 10, so the multiplication only shuffles the numbers below 10^15.
    return (61 + space) * 10**17 + (numbers.astype(np.int64) * 7_368_787) % 10**15


def concat(frames: Sequence[Frame]) -> Frame:
    """Frames of the same columns, one below the other."""
    if len(frames) == 1:
        return frames[0]
    return {name: np.concatenate([frame[name] for frame in frames]) for name in frames[0]}


def select(frame: Mapping[str, Ints], rows: Ints | Mask) -> Frame:
    """The rows of a frame, by mask or position."""
    return {name: values[rows] for name, values in frame.items()}


def size(frame: Mapping[str, Ints]) -> int:
    """Rows of a frame."""
    return len(next(iter(frame.values())))


def to_table(feed: Feed, frame: Mapping[str, Ints], vocabulary: Vocabulary) -> pa.Table:
    """The frame as typed Arrow columns in the feed's order: text, decimals, wall-clock timestamps."""
    words = pa.array(vocabulary.words, type=pa.string())
    arrays = [_encode(column, np.asarray(frame[column.name], dtype=np.int64), words) for column in feed.columns]
    return pa.table(arrays, names=[column.name for column in feed.columns])


def to_text(table: pa.Table) -> pa.Table:
    """Every column as the text a CSV export would show."""
    return pa.table([_as_text(column) for column in table.columns], names=table.column_names)


def _encode(column: Column, values: Ints, words: pa.Array) -> pa.Array:
    absent = values < 0
    match column.kind:
        case "id":
            return pa.array(values, mask=absent).cast(pa.string())
        case "code" | "text":
            return pc.take(words, pa.array(values, mask=absent))
        case "enum":
            return pc.take(pa.array(column.values, type=pa.string()), pa.array(values, mask=absent))
        case "time":
            return pa.array(values, mask=absent, type=pa.int64()).cast(pa.timestamp("s"))
        case "date":
            return pa.array(values.astype(np.int32), mask=absent, type=pa.int32()).cast(pa.date32())
        case "int":
            return pa.array(values, mask=absent)
        case "bool":
            return pa.array(values > 0, mask=absent)
        case "money":
            return _decimal(values, absent, 18, 2)
        case "tenths":
            return _decimal(values, absent, 18, 1)
        case "rate":
            return _decimal(values, absent, 18, 4)


def _decimal(values: Ints, absent: Mask, precision: int, scale: int) -> pa.Array:
    """Unscaled integers as decimals: the sixteen bytes of each are laid out directly, so nothing passes a float."""
    pairs = np.empty((len(values), 2), dtype=np.int64)
    pairs[:, 0] = values
    pairs[:, 1] = values >> 63
    valid = pa.array(~absent).buffers()[1]
    return pa.Array.from_buffers(pa.decimal128(precision, scale), len(values), [valid, pa.py_buffer(pairs.tobytes())])


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_string(column.type):
        return column
    return column.cast(pa.string())
