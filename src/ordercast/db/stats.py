"""Queries for a day's figures: each on an index, and grouped by the database."""

from __future__ import annotations

from collections import Counter
from datetime import date, tzinfo

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
    for minute, status, count, total, received in transaction.all(
        transaction.sql.stats.by_minute, begin=begin, end=end
    ):
        hour = local_hour(minute, tz)
        statuses[status] += count
        orders[hour] += count
        ordered[hour] += total
        revenue += received
    preparation, delivery = _durations(transaction, begin, end)
    ages = [age for (age,) in transaction.all(transaction.sql.stats.open_ages, now=now) if age is not None]
    return Stats(
        of.isoformat(),
        tz_name,
        shop.rules(transaction).currency,
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
    for status, seconds in transaction.all(transaction.sql.stats.durations, begin=begin, end=end):
        if seconds is not None:
            (delivery if status == OrderStatus.DELIVERED else preparation).append(seconds)
    return preparation, delivery
