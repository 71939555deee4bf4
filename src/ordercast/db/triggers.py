"""The triggers that fill feed and history, so that no writer, ours or another's, can change an order unheard.

Our own statements bump ``version`` and set ``actor`` and ``reason`` on the row. A change that did not came from
outside: the trigger bumps the version itself and records an actor that begins with ``db:``.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from .content import content_triggers
from .conversations.search import search_triggers
from .dialects import POSTGRESQL, SQLITE, Dialect, Trigger
from .nouns import NOUNS
from .postgresql.triggers import POSTGRESQL_TRIGGERS
from .publish_by_sql import publish_triggers
from .sqlite.invalid_values import VALIDATORS
from .sqlite.row_numbers import number_triggers


@cache
def triggers(dialect: Dialect) -> tuple[Trigger, ...]:
    """All of them, in the order in which they are made."""
    return (
        *(trigger for noun in NOUNS for trigger in noun.triggers),
        *content_triggers(dialect),
        *((*VALIDATORS, *number_triggers(), *search_triggers(), *publish_triggers()) if dialect is SQLITE else ()),
        *(POSTGRESQL_TRIGGERS if dialect is POSTGRESQL else ()),
    )


def missing_triggers(at_work: Iterable[tuple[Any, ...]], dialect: Dialect) -> list[str]:
    """The names of triggers that were dropped or disabled, whose events are lost. `at_work` are the rows of
    ``dialect.triggers_at_work``, one cheap query.
    """
    return sorted({trigger.name for trigger in triggers(dialect)} - {name for (name,) in at_work})
