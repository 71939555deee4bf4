"""SQL by which a conversation's participants follow its subject: buyer, and driver or carer.

Contains no module of orders or bookings, whose triggers include it.
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
    """The driver of the order row `order` (``NEW`` or a table's name); NULL once it has ended, when drivers lose
    access.
    """
    return f"CASE WHEN {order}.status NOT IN ({literals(TERMINAL)}) THEN {order}.driver_id END"


def carer_of(booking: str) -> str:
    """The carer of a booking row; every booking has one."""
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
"""Part of the orders' trigger, before its feed row, which must be the change's last; and a trigger of its own for
mirrored orders.
"""

OPEN_FOR_BOOKING: Final = cleandoc(f"""
    INSERT INTO conversations (about, subject_id, actor, last_at, created_at)
      VALUES ('{Subject.BOOKING}', NEW.id, NEW.actor, NEW.created_at, NEW.created_at)
      ON CONFLICT (about, subject_id) DO NOTHING
""")
"""Opens a booking's conversation. Part of the bookings' trigger, as `FOLLOW_ORDER` is of the orders'."""

FOLLOW_BOOKING: Final = cleandoc(f"""
    UPDATE conversations
      SET customer_id = NEW.customer_id, assignee_id = {_CARER},
        assignee_role = CASE WHEN {_CARER} IS NOT NULL THEN '{Role.CARER}' END
      WHERE about = '{Subject.BOOKING}' AND subject_id = NEW.id
        AND (OLD.customer_id IS DISTINCT FROM NEW.customer_id OR OLD.carer_id IS DISTINCT FROM NEW.carer_id
          OR OLD.status IS DISTINCT FROM NEW.status)
""")
