"""Queries of a day's statistics: indexed, and aggregated by the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import Annotated, Any, Final

import msgspec

from ordercast.commerce.booking_states import BookingStatus
from ordercast.commerce.states import OrderStatus
from ordercast.commerce.stats import (
    BookingFigures,
    Hour,
    Percentiles,
    Stats,
    bounds,
    local_hour,
    open_orders,
    percentiles,
)
from ordercast.commerce.timestamps import Timestamp
from ordercast.commerce.transitions import TERMINAL

from . import shop
from .notices import statements as notices
from .noun import Noun
from .orders.table import FINISHING_SQL
from .sql import literals
from .statement import Statement, statements_in
from .transaction import Transaction

# --- Statements -------------------------------------------------------------------------------------------------------

_IS_OPEN: Final = f"orders.status IN ({literals({*OrderStatus} - {*TERMINAL})})"
_IS_UNFULFILLED: Final = f"orders.status IN ({literals({*TERMINAL} - {OrderStatus.DELIVERED})})"

# Cast: PostgreSQL's sum is numeric.
BY_MINUTE: Final = Statement(f"""
    SELECT substr(orders.created_at, 1, 16), orders.status, count(*),
      CAST(sum(CASE WHEN {_IS_UNFULFILLED} THEN 0 ELSE orders.total END) AS bigint),
      CAST(sum(orders.captured - orders.refunded) AS bigint)
    FROM orders WHERE orders.created_at >= :begin AND orders.created_at < :end
    GROUP BY substr(orders.created_at, 1, 16), orders.status
""")
# Without the hint SQLite reads all orders.
OPEN_AGES: Final = Statement(f"""
    SELECT @seconds_between(orders.created_at, :now) FROM orders @sqlite(INDEXED BY orders_by_status) WHERE {_IS_OPEN}
""")
# As above, row by row.
BY_ORDER: Final = Statement(f"""
    SELECT orders.id, orders.created_at, orders.status, CASE WHEN {_IS_UNFULFILLED} THEN 0 ELSE 1 END, orders.total,
      orders.captured, orders.refunded
    FROM orders WHERE orders.created_at >= :begin AND orders.created_at < :end
""")
OPEN_SINCE: Final = Statement(f"SELECT orders.id, orders.created_at FROM orders WHERE {_IS_OPEN}")
BOOKINGS_BY_STATUS: Final = Statement("""
    SELECT bookings.status, count(*), CAST(sum(bookings.captured - bookings.refunded) AS bigint)
    FROM bookings WHERE bookings.starts_at >= :begin AND bookings.starts_at < :end
    GROUP BY bookings.status
""")
# As above, row by row.
BY_BOOKING: Final = Statement("""
    SELECT bookings.number, bookings.status, bookings.captured, bookings.refunded
    FROM bookings WHERE bookings.starts_at >= :begin AND bookings.starts_at < :end
""")
# The partial index's condition, word for word, for SQLite.
_FINISHED: Final = f"""
    SELECT order_history.entry, order_history.to_status, (
      SELECT began.at FROM order_history AS began
      WHERE began.order_id = order_history.order_id AND began.entry < order_history.entry
        AND began.to_status = CASE order_history.to_status
          WHEN '{OrderStatus.DELIVERED}' THEN '{OrderStatus.PICKED_UP}' ELSE '{OrderStatus.PROCESSING}' END
        AND began.from_status <> began.to_status
      ORDER BY began.entry DESC LIMIT 1) AS since, order_history.at
    FROM order_history
    WHERE {FINISHING_SQL} AND order_history.at >= :begin AND order_history.at < :end
      AND order_history.from_status IN ('{OrderStatus.PROCESSING}', '{OrderStatus.IN_TRANSIT}')
"""
DURATIONS: Final = Statement(f"""
    SELECT finished.to_status, @seconds_between(finished.since, finished.at) FROM ({_FINISHED}) AS finished
""")
MOMENTS_OF_FINISHED: Final = Statement(
    f"SELECT finished.entry, finished.to_status, finished.since, finished.at FROM ({_FINISHED}) AS finished"
)

NOUN: Final = Noun(name="stats", statements=statements_in(globals()))

# --- Units of work ----------------------------------------------------------------------------------------------------


def day(
    transaction: Transaction, of: date, tz: tzinfo, *, tz_name: str, now: Timestamp, latency: Percentiles | None
) -> Stats:
    """A day's statistics now. Raises InvalidField for an invalid date."""
    begin, end = bounds(of, tz)
    statuses: Counter[str] = Counter()
    orders, ordered, revenue = [0] * 24, [0] * 24, 0
    for minute, status, count, total, received in _by_minute(transaction, begin, end):
        hour = local_hour(minute, tz)
        statuses[status] += count
        orders[hour] += count
        ordered[hour] += total
        revenue += received
    preparation, delivery = _durations(transaction, begin, end)
    ages = _open_ages(transaction, now)
    return Stats(
        of.isoformat(),
        tz_name,
        shop.currency(transaction),
        statuses.total(),
        sum(ordered),
        revenue,
        dict(statuses),
        [Hour(*figures) for figures in zip(orders, ordered, strict=True)],
        percentiles(preparation),
        percentiles(delivery),
        open_orders(ages),
        _bookings(transaction, begin, end),
        percentiles(_notice(transaction, begin, end)),
        latency,
        now,
    )


def _durations(transaction: Transaction, begin: Timestamp, end: Timestamp) -> tuple[list[float], list[float]]:
    """Durations of preparation and delivery; those without a beginning, as imports, are left out."""
    preparation: list[float] = []
    delivery: list[float] = []
    for status, seconds in _counted(
        transaction,
        lambda: transaction.all(DURATIONS, begin=begin, end=end),
        lambda: transaction.read(MOMENTS_OF_FINISHED, _lasted, "order_history", begin=begin, end=end),
    ):
        if seconds is not None:
            (delivery if status == OrderStatus.DELIVERED else preparation).append(seconds)
    return preparation, delivery


def _bookings(transaction: Transaction, begin: Timestamp, end: Timestamp) -> BookingFigures:
    """Figures of the bookings that begin between these moments."""

    def together() -> Rows:
        rows = transaction.all(BOOKINGS_BY_STATUS, begin=begin, end=end)
        return [(str(BookingStatus(status)), count, _sum(received)) for status, count, received in rows]

    counts: Counter[str] = Counter()
    revenue = 0
    for status, count, received in _counted(
        transaction,
        together,
        lambda: transaction.read(BY_BOOKING, _booking, "bookings", begin=begin, end=end),
    ):
        counts[status] += count
        revenue += received
    return BookingFigures(counts.total(), dict(counts), revenue)


def _notice(transaction: Transaction, begin: Timestamp, end: Timestamp) -> list[float]:
    """Seconds until that day's orders reached a screen; clocks of nodes may differ."""
    rows = _counted(
        transaction,
        lambda: transaction.all(notices.SECONDS, begin=begin, end=end),
        lambda: transaction.read(notices.MOMENTS, lambda row: (_seconds(*row[1:]),), "notices", begin=begin, end=end),
    )
    return [max(0.0, seconds) for (seconds,) in rows if seconds is not None]


# --- Where a row has no figures ---------------------------------------------------------------------------------------
# A damaged row can fail the database's aggregation. Then rows are aggregated here, without damaged ones.

Rows = Sequence[tuple[Any, ...]]

# No order comes to that, and sums of it fit 64 bits.
AMOUNT_MAX: Final = 10**15


def _counted(transaction: Transaction, together: Callable[[], Rows], one_by_one: Callable[[], Rows]) -> Rows:
    try:
        rows = transaction.attempt(lambda _: together())
    except Exception as error:
        if not transaction.is_of_row(error):
            raise
        return one_by_one()
    return rows


def _by_minute(transaction: Transaction, begin: Timestamp, end: Timestamp) -> Rows:
    """Minute, status, count, total, received."""

    def together() -> Rows:
        rows = transaction.all(BY_MINUTE, begin=begin, end=end)
        for minute, _, _, total, received in rows:
            local_hour(minute, UTC)
            _sum(total)
            _sum(received)
        return rows

    def one_by_one() -> Rows:
        return transaction.read(BY_ORDER, _order, "orders", begin=begin, end=end)

    return _counted(transaction, together, one_by_one)


def _order(row: tuple[Any, ...]) -> tuple[str, str, int, int, int]:
    _, created_at, status, is_fulfilled, *sums = row
    total, captured, refunded = msgspec.convert(sums, tuple[_Amount, _Amount, _Amount])
    local_hour(created_at[:16], UTC)
    return created_at[:16], str(OrderStatus(status)), 1, total if is_fulfilled else 0, captured - refunded


def _booking(row: tuple[Any, ...]) -> tuple[str, int, int]:
    _, status, *sums = row
    captured, refunded = msgspec.convert(sums, tuple[_Amount, _Amount])
    return str(BookingStatus(status)), 1, captured - refunded


def _sum(value: object) -> int:
    """A sum of the database. Raises ValueError for what damaged rows come to."""
    if type(value) is not int or abs(value) > AMOUNT_MAX:
        raise ValueError("a sum is none")
    return value


_Amount = Annotated[int, msgspec.Meta(ge=0, le=AMOUNT_MAX)]


def _open_ages(transaction: Transaction, now: Timestamp) -> list[float]:
    rows = _counted(
        transaction,
        lambda: transaction.all(OPEN_AGES, now=now),
        lambda: transaction.read(OPEN_SINCE, lambda row: (_seconds(row[1], now),), "orders"),
    )
    return [age for (age,) in rows if age is not None]


def _lasted(row: tuple[Any, ...]) -> tuple[str, float | None]:
    _, status, since, at = row
    return status, None if since is None else _seconds(since, at)


def _seconds(begin: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
