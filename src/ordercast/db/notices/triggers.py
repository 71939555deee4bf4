"""Writes an escalation step to the feed, for boards and other subscribers."""

from __future__ import annotations

from inspect import cleandoc
from typing import Final

from ordercast.db.dialects import Trigger
from ordercast.db.trigger_helpers import FEED_COLUMNS
from ordercast.db.types import ChangeKind


def _feed_insert(kind: ChangeKind, table: str, name: str) -> str:
    """SQL that inserts a feed row about the new row's order or booking, if it is in `table`; its id is called
    `name`.
    """
    document = f"""@json_object('{name}', o.id, 'number', o.number, 'step', NEW.step, 'committedAt', o.created_at,
          'sentAt', s.sent_at, 'receivedAt', n.received_at)"""
    return cleandoc(f"""
        INSERT INTO feed ({FEED_COLUMNS})
          SELECT '{kind}', o.id, o.version, 'service:timer', NULL, NEW.at, NULL,
            @json_text({document})
          FROM {table} o
            LEFT JOIN notices_sent s ON s.entity_id = o.id
            LEFT JOIN notices n ON n.entity_id = o.id
          WHERE o.id = NEW.entity_id
    """)


TRIGGERS: Final = (
    Trigger(
        "notice_escalations_told",
        "AFTER INSERT",
        "notice_escalations",
        (
            _feed_insert(ChangeKind.ORDER_UNSEEN, "orders", "orderId"),
            _feed_insert(ChangeKind.BOOKING_UNSEEN, "bookings", "bookingId"),
        ),
    ),
)
