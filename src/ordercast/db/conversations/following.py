"""Who takes part follows what a conversation is about: who buys, and who drives while there is something to drive.

SQL without a module of orders or bookings in it, for those that carry it out.
"""

from __future__ import annotations

from inspect import cleandoc
from typing import Final

from ordercast.commerce.booking_transitions import BOOKING_TERMINAL
from ordercast.commerce.conversations import Subject
from ordercast.commerce.people import Role
from ordercast.commerce.transitions import TERMINAL
from ordercast.db.sql import literals


def driver_of(order: str) -> str:
    """Who drives the order, as of `order`, ``NEW`` or a table's name; nobody once it has ended, for a driver is told of
    a buyer what the delivery needs, as long as it needs it.
    """
    return f"CASE WHEN {order}.status NOT IN ({literals(TERMINAL)}) THEN {order}.driver_id END"


def carer_of(booking: str) -> str:
    """The same of a booking, of which somebody always is the carer."""
    return f"CASE WHEN {booking}.status NOT IN ({literals(BOOKING_TERMINAL)}) THEN {booking}.carer_id END"


_DRIVER: Final = driver_of("NEW")
_CARER: Final = carer_of("NEW")

FOLLOW_ORDER: Final = cleandoc(f"""
    UPDATE conversations
      SET customer_id = NEW.customer_id, assignee_id = {_DRIVER},
        assignee_role = CASE WHEN {_DRIVER} IS NOT NULL THEN '{Role.DRIVER}' END
      WHERE about = '{Subject.ORDER}' AND subject_id = NEW.id
        AND (OLD.customer_id IS DISTINCT FROM NEW.customer_id OR OLD.driver_id IS DISTINCT FROM NEW.driver_id
          OR OLD.status IS DISTINCT FROM NEW.status)
""")
"""Part of the trigger on orders, before the order's own row in the feed, which stays the last that a change writes; and
a trigger of its own on those that live elsewhere.
"""

OPEN_FOR_BOOKING: Final = cleandoc(f"""
    INSERT INTO conversations (about, subject_id, actor, last_at, created_at)
      VALUES ('{Subject.BOOKING}', NEW.id, NEW.actor, NEW.created_at, NEW.created_at)
      ON CONFLICT (about, subject_id) DO NOTHING
""")
"""A booking opens a conversation, whoever makes it. Part of the trigger on bookings, as `FOLLOW_ORDER` is of that on
orders.
"""

FOLLOW_BOOKING: Final = cleandoc(f"""
    UPDATE conversations
      SET customer_id = NEW.customer_id, assignee_id = {_CARER},
        assignee_role = CASE WHEN {_CARER} IS NOT NULL THEN '{Role.CARER}' END
      WHERE about = '{Subject.BOOKING}' AND subject_id = NEW.id
        AND (OLD.customer_id IS DISTINCT FROM NEW.customer_id OR OLD.carer_id IS DISTINCT FROM NEW.carer_id
          OR OLD.status IS DISTINCT FROM NEW.status)
""")
