"""Units of work on webhook deliveries and their attempts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from msgspec import Struct

from ordercast.commerce.errors import NotFound
from ordercast.commerce.timestamps import Timestamp
from ordercast.commerce.webhook_endpoints import DeliveryState
from ordercast.db.transaction import Transaction

from . import statements
from .endpoints import WebhookEndpoint, require_text
from .table import ATTEMPTS, DELIVERIES

# Pending deliveries per endpoint. When there are more its cursor stops, and the feed is the queue.
QUEUED_MAX: Final = 10_000
# Rows per unit of work: other writers wait for milliseconds.
FORGOTTEN_AT_ONCE_MAX: Final = 500
ATTEMPTS_SHOWN_MAX: Final = 100
NEWEST: Final = 2**62
"""Greater than every entry."""


class DueDelivery(NamedTuple):
    """A delivery that is due."""

    id: str
    event_id: str
    event: str
    subject: str | None
    body: str
    attempts: int
    entry: int


class NewDelivery(NamedTuple):
    """An event to be delivered to an endpoint."""

    event_id: str
    event: str
    subject: str | None
    seq: int
    body: str


class WebhookDelivery(Struct, frozen=True, rename="camel"):
    """A delivery: an event that an endpoint was or will be sent."""

    id: str
    event_id: str
    """The event's id, the `webhook-id` of each attempt."""
    event: str
    subject: str | None
    """The order or other thing it is about; deliveries of one subject are sent in order."""
    seq: int
    """The event's position in the feed; 0 for a test."""
    state: DeliveryState
    attempts: int
    """Attempts since it was made, or replayed."""
    due_at: str
    """When the next attempt is due, while pending (RFC 3339, UTC)."""
    problem: str | None
    """Why the last attempt failed."""
    created_at: str
    ended_at: str | None
    """When it was delivered, failed or skipped."""


class WebhookAttempt(Struct, frozen=True, rename="camel"):
    """One attempt."""

    at: str
    status: int | None
    """Of the response; null if none came."""
    headers: str
    """Of the response, one per line, truncated."""
    body: str
    """The beginning of the response's."""
    duration_ms: int
    """Duration in milliseconds."""
    problem: str | None
    """Why it failed."""


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """An attempt and its consequence."""

    attempt: WebhookAttempt
    state: DeliveryState
    due_at: Timestamp | None
    """When the next attempt is due, if still pending."""
    is_gone: bool = False


# --- Making deliveries ------------------------------------------------------------------------------------------------


def is_full(transaction: Transaction, endpoint_id: str) -> bool:
    row = transaction.one(statements.QUEUED, endpoint_id=endpoint_id, limit=QUEUED_MAX)
    return row is not None and row[0] >= QUEUED_MAX


def advance(
    transaction: Transaction, endpoint: WebhookEndpoint, through: int, new: Iterable[NewDelivery], now: Timestamp
) -> int:
    """Advance an endpoint's cursor and insert the deliveries of the rows between; return how many. Does nothing if the
    cursor moved meanwhile, or the endpoint was disabled.
    """
    moved = transaction.run(
        statements.ADVANCE, endpoint_id=endpoint.id, old_through=endpoint.through, new_through=through
    )
    if not moved:
        return 0
    rows = [_row(endpoint.id, each, now) for each in new]
    return transaction.many(statements.ADD, rows) if rows else 0


def add_delivery(transaction: Transaction, endpoint_id: str, new: NewDelivery, now: Timestamp) -> WebhookDelivery:
    """Insert one delivery, outside of the feed."""
    transaction.many(statements.ADD, [_row(endpoint_id, new, now)])
    row = transaction.one(statements.BY_EVENT, endpoint_id=endpoint_id, event_id=new.event_id)
    assert row is not None
    return transaction.decoded(row, _delivery, DELIVERIES)


def add_or_replay(
    transaction: Transaction, endpoint_id: str, new: Iterable[NewDelivery], now: Timestamp, *, delivered_too: bool
) -> int:
    """Make these deliveries pending again if they failed or were skipped, or insert them; return how many."""
    found = 0
    for each in new:
        values = _row(endpoint_id, each, now) | {"delivered_too": int(delivered_too)}
        found += transaction.run(statements.ADD_OR_REPLAY, **values)
    return found


def _row(endpoint_id: str, new: NewDelivery, now: Timestamp) -> dict[str, Any]:
    return {"endpoint_id": endpoint_id, **new._asdict(), "due_at": now, "created_at": now}


# --- Sending ----------------------------------------------------------------------------------------------------------


def due(transaction: Transaction, endpoint_id: str, now: Timestamp, limit: int) -> list[DueDelivery]:
    """The deliveries due now, the first of each subject."""
    values = {"endpoint_id": endpoint_id, "now": now, "limit": limit}
    return transaction.read(statements.DUE, _due, DELIVERIES, **values)


def next_due(transaction: Transaction, endpoint_id: str, now: Timestamp) -> str | None:
    """When the next delivery comes due that is not due yet."""
    row = transaction.one(statements.NEXT_DUE, endpoint_id=endpoint_id, now=now)
    return None if row is None else row[0]


class PendingDeliveries(NamedTuple):
    """The number of pending deliveries, counted up to QUEUED_MAX, and the oldest's time."""

    queued: int
    since: str | None


def waiting(transaction: Transaction, endpoint_id: str) -> PendingDeliveries:
    queued = transaction.one(statements.QUEUED, endpoint_id=endpoint_id, limit=QUEUED_MAX)
    oldest = transaction.one(statements.OLDEST_PENDING, endpoint_id=endpoint_id)
    return PendingDeliveries(queued[0] if queued else 0, None if oldest is None else str(oldest[0]))


def record(transaction: Transaction, endpoint_id: str, delivery: DueDelivery, outcome: AttemptOutcome) -> bool:
    """Write an attempt and its outcome; False if the delivery has ended meanwhile."""
    attempt = outcome.attempt
    if outcome.due_at is None:
        values = {"new_state": outcome.state, "new_problem": attempt.problem, "at": attempt.at}
        noted = transaction.run(statements.END, delivery_id=delivery.id, **values)
    else:
        values = {"new_problem": attempt.problem, "new_due_at": outcome.due_at}
        noted = transaction.run(statements.POSTPONE, delivery_id=delivery.id, **values)
    if not noted:
        return False
    if delivery.subject is not None:
        transaction.run(
            statements.POSTPONE_BEHIND,
            endpoint_id=endpoint_id,
            subject=delivery.subject,
            entry=delivery.entry,
            new_due_at=outcome.due_at or attempt.at,
        )
    transaction.run(
        statements.ADD_ATTEMPT,
        delivery_id=delivery.id,
        at=attempt.at,
        answered=attempt.status,
        headers=attempt.headers,
        body=attempt.body,
        duration_ms=attempt.duration_ms,
        problem=attempt.problem,
    )
    if outcome.state is DeliveryState.DELIVERED:
        transaction.run(statements.RECOVER, endpoint_id=endpoint_id)
    else:
        transaction.run(statements.FAIL, endpoint_id=endpoint_id, since=attempt.at)
    return True


# --- The log ----------------------------------------------------------------------------------------------------------


class LogPage(NamedTuple):
    items: list[WebhookDelivery]
    next_before: int | None


def deliveries(
    transaction: Transaction, endpoint_id: str, *, state: DeliveryState | None, before: int, limit: int
) -> LogPage:
    """The newest deliveries below the entry `before`."""
    values: dict[str, Any] = {"endpoint_id": endpoint_id, "before": before, "limit": limit + 1}
    if state is None:
        rows = transaction.all(statements.BEFORE, **values)
    else:
        rows = transaction.all(statements.OF_STATE_BEFORE, state=state, **values)
    items = transaction.readable(rows[:limit], _delivery, DELIVERIES)
    return LogPage(items, rows[limit - 1][0] if len(rows) > limit else None)


def find_delivery(transaction: Transaction, endpoint_id: str, delivery_id: str) -> WebhookDelivery:
    """Find a delivery. Raises NotFound."""
    values = {"delivery_id": delivery_id, "endpoint_id": endpoint_id}
    found = transaction.read_one(statements.DELIVERY, _delivery, DELIVERIES, **values)
    if found is None:
        raise NotFound("webhook delivery")
    return found


def body_of(transaction: Transaction, delivery_id: str) -> str:
    row = transaction.one(statements.BODY, delivery_id=delivery_id)
    return "" if row is None else str(row[0])


def attempts(transaction: Transaction, delivery_id: str) -> list[WebhookAttempt]:
    """The attempts of a delivery, newest first."""
    values = {"delivery_id": delivery_id, "limit": ATTEMPTS_SHOWN_MAX}
    return transaction.read(statements.ATTEMPTS, _attempt, ATTEMPTS, **values)


def replay(transaction: Transaction, endpoint_id: str, delivery_id: str, now: Timestamp) -> WebhookDelivery:
    """Make a delivery pending again, at its first attempt. Raises NotFound."""
    transaction.run(statements.REPLAY, delivery_id=delivery_id, endpoint_id=endpoint_id, now=now)
    return find_delivery(transaction, endpoint_id, delivery_id)


def forget_old(transaction: Transaction, before: Timestamp) -> int:
    """Delete some deliveries older than `before`, whatever their state; return how many."""
    return transaction.run(statements.FORGET_OLD, before=before, limit=FORGOTTEN_AT_ONCE_MAX)


def remove_some(transaction: Transaction, endpoint_id: str) -> int:
    """Delete some of an endpoint's deliveries; return how many."""
    return transaction.run(statements.REMOVE_OF, endpoint_id=endpoint_id, limit=FORGOTTEN_AT_ONCE_MAX)


# --- Rows -------------------------------------------------------------------------------------------------------------


def _due(row: tuple[Any, ...]) -> DueDelivery:
    id_, event_id, event, subject, body, attempts_made, entry = row
    about = None if subject is None else require_text(subject)
    return DueDelivery(
        require_text(id_),
        require_text(event_id),
        require_text(event),
        about,
        require_text(body),
        int(attempts_made),
        int(entry),
    )


def _delivery(row: tuple[Any, ...]) -> WebhookDelivery:
    _, id_, event_id, event, subject, seq, state, attempts_made, due_at, problem, created_at, ended_at = row
    return WebhookDelivery(
        require_text(id_),
        require_text(event_id),
        require_text(event),
        None if subject is None else require_text(subject),
        int(seq),
        DeliveryState(state),
        int(attempts_made),
        require_text(due_at),
        None if problem is None else require_text(problem),
        require_text(created_at),
        None if ended_at is None else require_text(ended_at),
    )


def _attempt(row: tuple[Any, ...]) -> WebhookAttempt:
    _, at, status, headers, body, duration_ms, problem = row
    return WebhookAttempt(
        require_text(at),
        None if status is None else int(status),
        require_text(headers),
        require_text(body),
        int(duration_ms),
        None if problem is None else require_text(problem),
    )
