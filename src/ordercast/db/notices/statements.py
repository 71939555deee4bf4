"""Noting who noticed an order, and finding those that nobody did."""

from __future__ import annotations

from typing import Final

from ordercast.commerce.notice import NoticeStep
from ordercast.commerce.people import STAFF
from ordercast.commerce.states import OrderStatus
from ordercast.db.sql import literals
from ordercast.db.statement import BulkStatement, Statement

# --- Noting -----------------------------------------------------------------------------------------------------------

# Several nodes write to their own sockets: the first is the earliest.
SENT: Final = BulkStatement("""
    INSERT INTO notices @bulk_values(entity_id ordercast_id, committed_at ordercast_moment, sent_at ordercast_moment)
    ON CONFLICT (entity_id) DO UPDATE SET sent_at = excluded.sent_at
    WHERE notices.sent_at IS NULL OR notices.sent_at > excluded.sent_at
""")
COMMITTED: Final = Statement("SELECT id, created_at FROM orders WHERE id IN (@json_texts(:ids))")
BEGIN: Final = BulkStatement("""
    INSERT INTO notices @bulk_values(entity_id ordercast_id, committed_at ordercast_moment)
    ON CONFLICT (entity_id) DO NOTHING
""")
_NOTED: Final = "entity_id, received_at, received_by, screens, opened_at, opened_by"
# In one order for everybody.
NOTED: Final = Statement(f"""
    SELECT {_NOTED}, committed_at FROM notices WHERE entity_id IN (@json_texts(:ids)) ORDER BY entity_id @for_update
""")
NOTE: Final = Statement("""
    UPDATE notices SET received_at = :new_received_at, received_by = :new_received_by, screens = :new_screens,
      opened_at = :new_opened_at, opened_by = :new_opened_by
    WHERE entity_id = :notice_id
""")

# --- Looking ----------------------------------------------------------------------------------------------------------

OF_ENTITY: Final = Statement(f"SELECT {_NOTED}, committed_at, sent_at FROM notices WHERE entity_id = :id")
ESCALATIONS: Final = Statement("SELECT step, at FROM notice_escalations WHERE entity_id = :id")
# As history names them: ``store:usr_...``.
_BY_STAFF: Final = f"substr(order_history.actor, 1, 6) IN ({literals(f'{role}:' for role in STAFF)})"
FIRST_MOVE: Final = Statement(f"""
    SELECT at, actor FROM order_history WHERE order_id = :id AND {_BY_STAFF} ORDER BY entry LIMIT 1
""")
NAMES: Final = Statement("SELECT id, name FROM accounts WHERE id IN (@json_texts(:ids))")
SECONDS: Final = Statement("""
    SELECT @seconds_between(committed_at, received_at) FROM notices
    WHERE committed_at >= :begin AND committed_at < :end AND received_at IS NOT NULL
""")
# The same, row by row.
MOMENTS: Final = Statement("""
    SELECT entity_id, committed_at, received_at FROM notices
    WHERE committed_at >= :begin AND committed_at < :end AND received_at IS NOT NULL
""")

# --- What nobody has opened -------------------------------------------------------------------------------------------

_IS_UNOPENED: Final = f"""orders.status = '{OrderStatus.PENDING}'
      AND NOT EXISTS (SELECT * FROM notices WHERE notices.entity_id = orders.id AND notices.opened_at IS NOT NULL)
      AND NOT EXISTS (SELECT * FROM order_history WHERE order_history.order_id = orders.id AND {_BY_STAFF})"""
_REACHED_A_SCREEN: Final = """SELECT * FROM notices
        WHERE notices.entity_id = orders.id AND (notices.sent_at IS NOT NULL OR notices.received_at IS NOT NULL)"""
_DUE: Final = f"""
    SELECT orders.number, orders.id, orders.created_at FROM orders
    WHERE {_IS_UNOPENED} AND orders.created_at >= :since
      AND (orders.created_at < :before
        OR (orders.created_at < :unsent_before AND NOT EXISTS ({_REACHED_A_SCREEN})))
      AND NOT EXISTS (
        SELECT * FROM notice_escalations
        WHERE notice_escalations.entity_id = orders.id AND notice_escalations.step = :step)
    ORDER BY orders.number LIMIT :limit
"""
# What somebody is changing just now is looked at again in the next round.
DUE: Final = Statement(f"{_DUE} @for_update @postgresql(SKIP LOCKED)")
IS_DUE: Final = Statement(_DUE)
ESCALATE: Final = BulkStatement("""
    INSERT INTO notice_escalations @bulk_values(entity_id ordercast_id, step ordercast_word, at ordercast_moment)
    ON CONFLICT (entity_id, step) DO NOTHING
""")
# Those that mails were owed for, and that nobody has opened since. CROSS, which tells SQLite where to begin.
UNOPENED_AFTER_MAIL: Final = Statement(f"""
    SELECT orders.number, orders.created_at
    FROM notice_escalations CROSS JOIN orders
    WHERE orders.id = notice_escalations.entity_id AND notice_escalations.step = '{NoticeStep.MAIL}'
      AND notice_escalations.at >= :since AND {_IS_UNOPENED}
    ORDER BY notice_escalations.at LIMIT :limit
""")
