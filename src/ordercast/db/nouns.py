"""The list of nouns: a new one is a module named here."""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import TopologicalSorter
from typing import Final

from . import (
    access,
    accounts,
    bookings,
    carers,
    chat_blocks,
    contact_points,
    conversations,
    deliveries,
    drivers,
    erasures,
    events,
    feed,
    idempotency,
    ledger,
    mails,
    meta,
    mirrored,
    mismatches,
    notices,
    notification_preferences,
    notification_tasks,
    notifications,
    opening,
    order_notes,
    orders,
    payables,
    payment_tasks,
    payment_webhooks,
    products,
    promotions,
    revocations,
    sandbox,
    saved_cards,
    services,
    sessions,
    shop,
    stats,
    webhooks,
)
from .columns import Table
from .conversations import search as message_search
from .dialects import POSTGRESQL, Dialect
from .noun import Noun, PersonalData
from .orders import search as order_search
from .orders import timeline as order_timeline
from .statement import Statement

NOUNS: Final[tuple[Noun, ...]] = (
    accounts.NOUN,
    access.NOUN,
    revocations.NOUN,
    orders.NOUN,
    order_search.NOUN,
    order_notes.NOUN,
    order_timeline.NOUN,
    deliveries.NOUN,
    conversations.NOUN,
    message_search.NOUN,
    chat_blocks.NOUN,
    drivers.NOUN,
    ledger.NOUN,
    saved_cards.NOUN,
    payment_tasks.NOUN,
    mismatches.NOUN,
    payables.NOUN,
    payment_webhooks.NOUN,
    sandbox.NOUN,
    notifications.NOUN,
    notices.NOUN,
    contact_points.NOUN,
    notification_preferences.NOUN,
    notification_tasks.NOUN,
    mails.NOUN,
    webhooks.NOUN,
    products.NOUN,
    promotions.NOUN,
    services.NOUN,
    carers.NOUN,
    bookings.NOUN,
    shop.NOUN,
    opening.NOUN,
    mirrored.NOUN,
    erasures.NOUN,
    stats.NOUN,
    feed.NOUN,
    events.NOUN,
    idempotency.NOUN,
    sessions.NOUN,
    meta.NOUN,
)


def _sorted(made: Iterable[Table]) -> tuple[Table, ...]:
    """Sorted by name, each after those that it references."""
    by_name = {table.name: table for table in made}
    order = TopologicalSorter({name: table.needs - {name} for name, table in by_name.items()})
    order.prepare()
    names = list[str]()
    while order.is_active():
        ready = sorted(order.get_ready())
        order.done(*ready)
        names += ready
    return tuple(by_name[name] for name in names)


TABLES: Final = _sorted(table for noun in NOUNS for table in noun.tables)

PERSONAL_DATA: Final = {
    table: holding for noun in NOUNS for table, holding in noun.personal.items() if isinstance(holding, PersonalData)
}
"""Personal data by table, in order of erasure."""


def statements() -> dict[str, Statement]:
    """All statements, as noun and name."""
    return {f"{noun.name}.{name}": statement for noun in NOUNS for name, statement in noun.statements.items()}


def tables(dialect: Dialect) -> list[Table]:
    """The tables of a database, each after those that it references."""
    return [feed.feed_to_number if table is feed.feed and dialect is POSTGRESQL else table for table in TABLES]
