"""Talking to customers: chats and complaint tickets (service_sessions), recommendation surveys (nps_surveys)."""

import numpy as np

from pipelines.simulate.columns import DAY, EVENT_TYPES, NULL, Frame, Ints, Mask, concat, identifiers, select, size
from pipelines.simulate.trade import Temper

_SESSION_SPACE, _RESPONSE_SPACE = 14, 15
_IM, _COMPLAINT = 0, 1
_INQUIRY = EVENT_TYPES.index("inquiry")
# Answers of somebody content, and of somebody with a late or failing parcel: scores 0 to 10.
_CONTENT = (0.01, 0.01, 0.01, 0.01, 0.02, 0.04, 0.06, 0.13, 0.22, 0.24, 0.25)
_CROSS = (0.12, 0.10, 0.10, 0.10, 0.10, 0.13, 0.12, 0.10, 0.07, 0.04, 0.02)


def sessions(
    rng: np.random.Generator, seen: Frame, lines: Frame, temper: Temper, first_session: int
) -> tuple[Frame, Ints]:
    """Sessions that a day's inquiries and purchases lead to, with the day (since 1970) each version is delivered.

    Inquiries of the day are answered at once. Buyers ask about their order, more of them when the parcel is late or
    money is wanted back; few complain. A session still open at midnight comes once open and once closed.
    """
    asked = select(seen, (seen["event_type"] == _INQUIRY) & (rng.random(size(seen)) < 0.7))
    before = _opened(asked["shop_id"], _IM, asked["user_id"], np.full(size(asked), NULL), asked["occurred_at"])

    order = _orders(lines)
    count = size(order)
    late, trouble = order["_late"] > 0, order["_asked_at"] >= 0
    delivered = order["delivered_at"] >= 0
    wish = rng.random(count) < 0.05 + 0.3 * late + 0.35 * trouble
    calm = order["paid_at"] + rng.integers(600, 3 * DAY, count)
    moment = np.where(
        trouble,
        np.maximum(order["_asked_at"] - rng.integers(60, 7200, count), order["paid_at"] + 60),
        np.where(late, order["due_delivery_at"] + rng.integers(600, 2 * DAY, count), calm),
    )
    chats = _pick(order, wish, _IM, moment)
    chance = 0.003 * temper.anger * np.where(late, 4.0, 1.0) * np.sqrt(order["_flaw"] / 1000.0)
    angry = delivered & (rng.random(count) < chance)
    tickets = _pick(order, angry, _COMPLAINT, order["delivered_at"] + rng.integers(3600, 6 * DAY, count))
    return _versions(rng, concat([before, chats, tickets]), temper, first_session)


def surveys(rng: np.random.Generator, lines: Frame, first_response: int) -> tuple[Frame, Ints]:
    """Answers of one in twelve receivers, days after the parcel, and the day (since 1970) each is delivered."""
    order = _orders(lines)
    order = select(order, (order["delivered_at"] >= 0) & (rng.random(size(order)) < 0.085))
    count = size(order)
    cross = (order["_late"] > 0) | (order["_faulty"] > 0)
    answered = order["delivered_at"] + rng.integers(DAY, 8 * DAY, count)
    frame: Frame = {
        "shop_id": order["shop_id"],
        "response_id": identifiers(_RESPONSE_SPACE, first_response + np.arange(count, dtype=np.int64)),
        "user_id": order["user_id"],
        "order_id": np.where(rng.random(count) < 0.04, NULL, order["order_id"]),
        "score": np.where(cross, rng.choice(11, count, p=_CROSS), rng.choice(11, count, p=_CONTENT)),
        "answered_at": answered,
    }
    return frame, answered // DAY


def _orders(lines: Frame) -> Frame:
    """One row a paid order: its first line, and whether the parcel came after its promise."""
    _, first = np.unique(lines["_order"], return_index=True)
    order = select(lines, first)
    order["_late"] = (order["delivered_at"] > order["due_delivery_at"]).astype(np.int64)
    return select(order, order["paid_at"] >= 0)


def _opened(shop: Ints, kind: int, user: Ints, order: Ints, moment: Ints) -> Frame:
    return {
        "shop_id": shop,
        "kind": np.full(len(shop), kind, dtype=np.int64),
        "user_id": user,
        "order_id": order,
        "opened_at": moment,
    }


def _pick(order: Frame, which: Mask, kind: int, moment: Ints) -> Frame:
    chosen = select(order, which)
    return _opened(chosen["shop_id"], kind, chosen["user_id"], chosen["order_id"], moment[which])


def _versions(rng: np.random.Generator, opened: Frame, temper: Temper, first_session: int) -> tuple[Frame, Ints]:
    count = size(opened)
    is_im = opened["kind"] == _IM
    turns = 1 + rng.geometric(0.32, count)
    hour = opened["opened_at"] % DAY // 3600
    # Nobody sits there at night: turns wait, some for ever.
    asleep = (hour >= 23) | (hour < 8)
    missed = np.minimum(rng.binomial(turns, np.where(asleep, 0.08, 0.012)), turns)
    wait = rng.lognormal(np.log(24), 0.6, count) * np.where(asleep, 6.0, 1.0)
    seconds = np.floor((turns - missed) * wait).astype(np.int64)
    cross = rng.random(count) < np.minimum(0.06 * temper.anger, 0.9)
    rating = np.where(cross, rng.integers(1, 4, count), rng.integers(4, 6, count))
    rating = np.where(is_im & (rng.random(count) < 0.45), rating, NULL)
    closed = opened["opened_at"] + np.where(is_im, turns * 70 + seconds, rng.integers(DAY, 4 * DAY, count))
    whole = opened | {
        "session_id": identifiers(_SESSION_SPACE, first_session + np.arange(count, dtype=np.int64)),
        "human_turns": np.where(is_im, turns, NULL),
        "reply_seconds": np.where(is_im, seconds, NULL),
        "unanswered_turns": np.where(is_im, missed, NULL),
        "rating": rating,
        "closed_at": closed,
        "is_escalated": (rng.random(count) < np.where(is_im, 0.004, 0.2)).astype(np.int64),
    }
    open_day, close_day = opened["opened_at"] // DAY, closed // DAY
    waiting = select(whole, close_day > open_day)
    for name in ("rating", "closed_at"):
        waiting[name] = np.full(size(waiting), NULL, dtype=np.int64)
    return concat([waiting, whole]), np.concatenate([open_day[close_day > open_day], close_day])
