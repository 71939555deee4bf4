"""Queries for a day's figures: each on an index, and grouped by the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import Annotated, Any, Final

import msgspec

from ordercast.commerce.moments import Moment
from ordercast.commerce.states import OrderStatus
from ordercast.commerce.stats import Hour, Spread, Stats, bounds, local_hour, open_orders, spread

from . import shop
from .transaction import Transaction


def day(transaction: Transaction, of: date, tz: tzinfo, *, tz_name: str, now: Moment, latency: Spread | None) -> Stats:
    """One day's figures, as they stand now. Raises InvalidField for a day that no calendar has."""
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
        spread(preparation),
        spread(delivery),
        open_orders(ages),
        latency,
        now,
    )


def _durations(transaction: Transaction, begin: Moment, end: Moment) -> tuple[list[float], list[float]]:
    """How long preparing and delivering took of what was finished; what has no beginning, as an import, is left out."""
    preparation: list[float] = []
    delivery: list[float] = []
    sql = transaction.sql.stats
    for status, seconds in _counted(
        transaction,
        lambda: transaction.all(sql.durations, begin=begin, end=end),
        lambda: transaction.read(sql.moments_of_finished, _lasted, "order_history", begin=begin, end=end),
    ):
        if seconds is not None:
            (delivery if status == OrderStatus.DELIVERED else preparation).append(seconds)
    return preparation, delivery


# --- Where a row has no figures ---------------------------------------------------------------------------------------
# One sum that is too large, or one moment that is none, is an error of all rows that the database counts together. Then
# they are counted here one by one, without those.

Rows = Sequence[tuple[Any, ...]]

# A thousand million million: of no currency an order comes to that, and sums of them stay within 64 bits.
AMOUNT_MAX: Final = 10**15


def _counted(transaction: Transaction, together: Callable[[], Rows], one_by_one: Callable[[], Rows]) -> Rows:
    try:
        rows = transaction.attempt(lambda _: together())
    except Exception as error:
        if not transaction.is_of_row(error):
            raise
        return one_by_one()
    return rows


def _by_minute(transaction: Transaction, begin: Moment, end: Moment) -> Rows:
    """Minute, status, how many orders, what they come to, and what was received of them."""
    sql = transaction.sql.stats

    def together() -> Rows:
        rows = transaction.all(sql.by_minute, begin=begin, end=end)
        for minute, _, _, total, received in rows:
            local_hour(minute, UTC)
            if type(total) is not int or type(received) is not int or max(total, abs(received)) > AMOUNT_MAX:
                raise ValueError("a sum is none")
        return rows

    def one_by_one() -> Rows:
        return transaction.read(sql.by_order, _order, "orders", begin=begin, end=end)

    return _counted(transaction, together, one_by_one)


def _order(row: tuple[Any, ...]) -> tuple[str, str, int, int, int]:
    _, created_at, status, is_fulfilled, *sums = row
    total, captured, refunded = msgspec.convert(sums, tuple[_Amount, _Amount, _Amount])
    local_hour(created_at[:16], UTC)
    return created_at[:16], str(OrderStatus(status)), 1, total if is_fulfilled else 0, captured - refunded


_Amount = Annotated[int, msgspec.Meta(ge=0, le=AMOUNT_MAX)]


def _open_ages(transaction: Transaction, now: Moment) -> list[float]:
    sql = transaction.sql.stats
    rows = _counted(
        transaction,
        lambda: transaction.all(sql.open_ages, now=now),
        lambda: transaction.read(sql.open_since, lambda row: (_seconds(row[1], now),), "orders"),
    )
    return [age for (age,) in rows if age is not None]


def _lasted(row: tuple[Any, ...]) -> tuple[str, float | None]:
    _, status, since, at = row
    return status, None if since is None else _seconds(since, at)


def _seconds(begin: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
