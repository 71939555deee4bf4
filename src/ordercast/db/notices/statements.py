"""SQL on notices: recording them, and finding what is unopened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from ordercast.commerce.booking_states import BookingStatus
from ordercast.commerce.notice import NoticeStep, NoticeSubject
from ordercast.commerce.people import STAFF
from ordercast.commerce.states import OrderStatus
from ordercast.db.sql import literals
from ordercast.db.statement import BulkStatement, Statement

# --- Noting -----------------------------------------------------------------------------------------------------------

# Nodes send independently: keep the earliest time.
SENT: Final = BulkStatement("""
    INSERT INTO notices_sent @bulk_values(
      entity_id ordercast_id, committed_at ordercast_moment, sent_at ordercast_moment)
    ON CONFLICT (entity_id) DO UPDATE SET sent_at = excluded.sent_at WHERE notices_sent.sent_at > excluded.sent_at
""")
# `notices_sent` last: it has the time of orders from other systems too.
COMMITTED: Final = Statement("""
    SELECT id, created_at FROM orders WHERE id IN (@json_texts(:ids))
    UNION ALL SELECT id, created_at FROM bookings WHERE id IN (@json_texts(:ids))
    UNION ALL SELECT entity_id, committed_at FROM notices_sent WHERE entity_id IN (@json_texts(:ids))
""")
BEGIN: Final = BulkStatement("""
    INSERT INTO notices @bulk_values(entity_id ordercast_id, committed_at ordercast_moment)
    ON CONFLICT (entity_id) DO NOTHING
""")
_NOTED: Final = "entity_id, received_at, received_by, screens, opened_at, opened_by"
# Locks in one order on every node.
NOTED: Final = Statement(f"""
    SELECT {_NOTED}, committed_at FROM notices WHERE entity_id IN (@json_texts(:ids)) ORDER BY entity_id @for_update
""")
NOTE: Final = Statement("""
    UPDATE notices SET received_at = :new_received_at, received_by = :new_received_by, screens = :new_screens,
      opened_at = :new_opened_at, opened_by = :new_opened_by
    WHERE entity_id = :notice_id
""")

# --- Looking ----------------------------------------------------------------------------------------------------------

OF_ENTITY: Final = Statement(f"SELECT {_NOTED}, committed_at FROM notices WHERE entity_id = :id")
SENT_AT: Final = Statement("SELECT sent_at FROM notices_sent WHERE entity_id = :id")
ESCALATIONS: Final = Statement("SELECT step, at FROM notice_escalations WHERE entity_id = :id")


class _Subject(NamedTuple):
    """The table and history of a subject, and the state in which it waits for staff."""

    table: str
    history: str
    key: str
    """Its foreign key in the history."""
    waits: str

    @property
    def by_staff(self) -> str:
        """SQL condition: staff acted, as history names them: ``store:usr_...``."""
        return f"substr({self.history}.actor, 1, 6) IN ({literals(f'{role}:' for role in STAFF)})"

    @property
    def is_unopened(self) -> str:
        table, history = self.table, self.history
        return f"""{table}.status = '{self.waits}'
      AND NOT EXISTS (SELECT * FROM notices WHERE notices.entity_id = {table}.id AND notices.opened_at IS NOT NULL)
      AND NOT EXISTS (SELECT * FROM {history} WHERE {history}.{self.key} = {table}.id AND {self.by_staff})"""

    @property
    def reached_no_screen(self) -> str:
        return f"""NOT EXISTS (SELECT * FROM notices_sent WHERE notices_sent.entity_id = {self.table}.id)
            AND NOT EXISTS (
              SELECT * FROM notices WHERE notices.entity_id = {self.table}.id AND notices.received_at IS NOT NULL)"""


_SUBJECTS: Final = {
    NoticeSubject.ORDER: _Subject("orders", "order_history", "order_id", OrderStatus.PENDING),
    NoticeSubject.BOOKING: _Subject("bookings", "booking_history", "booking_id", BookingStatus.REQUESTED),
}


def _of_each(make: Callable[[_Subject], Statement]) -> dict[NoticeSubject, Statement]:
    return {name: make(subject) for name, subject in _SUBJECTS.items()}


FIRST_MOVE: Final = _of_each(
    lambda of: Statement(f"""
        SELECT at, actor FROM {of.history} WHERE {of.key} = :id AND {of.by_staff} ORDER BY entry LIMIT 1
    """)
)
SECONDS: Final = Statement("""
    SELECT @seconds_between(committed_at, received_at) FROM notices
    WHERE committed_at >= :begin AND committed_at < :end AND received_at IS NOT NULL
""")
# As SECONDS, row by row.
MOMENTS: Final = Statement("""
    SELECT entity_id, committed_at, received_at FROM notices
    WHERE committed_at >= :begin AND committed_at < :end AND received_at IS NOT NULL
""")

# --- What nobody has opened -------------------------------------------------------------------------------------------


def _due(of: _Subject, locking: str = "") -> Statement:
    return Statement(f"""
        SELECT {of.table}.number, {of.table}.id, {of.table}.created_at FROM {of.table}
        WHERE {of.is_unopened} AND {of.table}.created_at >= :since AND {of.table}.created_at < :unsent_before
          AND ({of.table}.created_at < :before OR {of.reached_no_screen})
          AND NOT EXISTS (
            SELECT * FROM notice_escalations
            WHERE notice_escalations.entity_id = {of.table}.id AND notice_escalations.step = :step)
        ORDER BY {of.table}.number LIMIT :limit
        {locking}
    """)


# Locked rows are left for the next round.
DUE: Final = _of_each(lambda of: _due(of, "@for_update @postgresql(SKIP LOCKED)"))
IS_DUE: Final = _of_each(_due)
ESCALATE: Final = BulkStatement("""
    INSERT INTO notice_escalations @bulk_values(entity_id ordercast_id, step ordercast_word, at ordercast_moment)
    ON CONFLICT (entity_id, step) DO NOTHING
""")
# Unopened ones that mails were queued for. CROSS JOIN makes SQLite begin with the escalations.
UNOPENED_AFTER_MAIL: Final = _of_each(
    lambda of: Statement(f"""
        SELECT {of.table}.number, {of.table}.created_at
        FROM notice_escalations CROSS JOIN {of.table}
        WHERE {of.table}.id = notice_escalations.entity_id AND notice_escalations.step = '{NoticeStep.MAIL}'
          AND notice_escalations.at >= :since AND {of.is_unopened}
        ORDER BY notice_escalations.at LIMIT :limit
    """)
)
