"""Stored webhooks of payment providers, each once, until it is applied.

A webhook is stored in the transaction that applies it. One that cannot be applied yet waits here for its payment or is
retried; unknown types are kept for later versions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from ordercast.commerce.errors import NotFound
from ordercast.commerce.notifications import SHOP, NotificationKind, Severity
from ordercast.commerce.payments import ProviderEvent
from ordercast.commerce.reconciliation import MismatchKind
from ordercast.commerce.states import OrderState
from ordercast.commerce.timestamps import Timestamp

from . import columns, ledger, mismatches, notifications, payables, payments
from .columns import index, table, unique
from .noun import Impersonal, Noun
from .payable_sql import booking_id_sql, order_id_sql
from .statement import Statement, statements_in
from .transaction import Transaction

TABLE: Final = "payment_webhooks"

NEWEST: Final = "~"  # greater than every id
# Damaged rows skipped at most, before readable ones behind them wait for a repair.
LOOKED_THROUGH_MAX: Final = 4_096
# A first line of an error; a database's may be longer than a page shows.
PROBLEM_CHARACTERS_MAX: Final = 500


class WebhookState(StrEnum):
    APPLIED = "applied"
    """Applied."""
    WAITING = "waiting"
    """Waits for its payment, which is unknown here yet."""
    DUE = "due"
    """Failed; retried."""
    FAILED = "failed"
    """Failed permanently; staff are notified."""
    IGNORED = "ignored"
    """An unknown type, or one that does not concern payments."""


_IS_DUE: Final = f"state = '{WebhookState.DUE}'"
_WAITS: Final = f"state = '{WebhookState.WAITING}'"
_HAS_FAILED: Final = f"state = '{WebhookState.FAILED}'"

payment_webhooks = table(
    TABLE,
    columns.identifier("id", prefix="pwh", primary_key=True),
    columns.word("provider"),
    # The provider's id of the event, for deduplication.
    columns.line("event_id"),
    columns.line("kind"),
    # The provider's id of the payment.
    columns.line("payment", optional=True),
    columns.identifier("payable_id", optional=True),
    # The signed body; removed once applied.
    columns.document("body", optional=True),
    columns.word("state", default=WebhookState.DUE),
    columns.count("attempts"),
    columns.given_moment("due_at", optional=True),
    columns.text("problem", optional=True),
    columns.moment("received_at"),
    columns.given_moment("ended_at", optional=True),
    columns.one_of("state", WebhookState),
    unique("payment_webhooks_once", "provider", "event_id"),
    index("payment_webhooks_due", "due_at", where=_IS_DUE),
    index("payment_webhooks_waiting", "received_at", where=_WAITS),
    index("payment_webhooks_failed", "payable_id", where=_HAS_FAILED),
    index("payment_webhooks_by_state", "state", "id"),
    index("payment_webhooks_by_age", "received_at"),
)

# --- Statements -------------------------------------------------------------------------------------------------------

ADD: Final = Statement("""
    INSERT INTO payment_webhooks (provider, event_id, kind, payment, payable_id, body, state, attempts, due_at, problem,
      received_at, ended_at)
    VALUES (:provider, :event_id, :kind, :payment, :payable_id, :body, :state, :attempts, :due_at, :problem,
      :received_at, :ended_at)
    ON CONFLICT (provider, event_id) DO NOTHING RETURNING id
""")
OPEN: Final = Statement(f"""
    SELECT id, provider, event_id, body FROM payment_webhooks
    WHERE id = :id AND state <> '{WebhookState.APPLIED}' @for_update
""")
# Without the hint SQLite scans the states and sorts.
DUE: Final = Statement(f"""
    SELECT id, provider, attempts FROM payment_webhooks @sqlite(INDEXED BY payment_webhooks_due)
    WHERE {_IS_DUE} AND due_at <= :now
    ORDER BY due_at LIMIT :limit
""")
# Read after every commit for recent ones, and now and then for all.
PAYMENT_HAS_COME: Final = Statement(f"""
    SELECT id, provider, attempts FROM payment_webhooks @sqlite(INDEXED BY payment_webhooks_waiting)
    WHERE {_WAITS} AND received_at > :since AND (
      EXISTS (
        SELECT payments.entry FROM payments
        WHERE payments.provider = payment_webhooks.provider AND payments.reference = payment_webhooks.payment)
      OR EXISTS (SELECT orders.number FROM orders WHERE orders.id = payment_webhooks.payable_id)
      OR EXISTS (SELECT bookings.number FROM bookings WHERE bookings.id = payment_webhooks.payable_id))
    ORDER BY received_at LIMIT :limit
""")
NEXT_DUE: Final = Statement(f"""
    SELECT min(due_at) FROM payment_webhooks @sqlite(INDEXED BY payment_webhooks_due) WHERE {_IS_DUE}
""")
SETTLE: Final = Statement("""
    UPDATE payment_webhooks SET state = :new_state, kind = :new_kind, payment = :new_payment,
      payable_id = :new_payable_id, body = :new_body, attempts = attempts + 1, due_at = NULL, problem = NULL,
      ended_at = :new_ended_at
    WHERE id = :webhook_id
""")
POSTPONE: Final = Statement(f"""
    UPDATE payment_webhooks SET state = '{WebhookState.DUE}', attempts = :new_attempts, due_at = :new_due_at,
      problem = :new_problem, ended_at = NULL
    WHERE id = :webhook_id AND state <> '{WebhookState.APPLIED}'
""")
GIVE_UP: Final = Statement(f"""
    UPDATE payment_webhooks SET {_HAS_FAILED}, attempts = attempts + 1, due_at = NULL, problem = :new_problem,
      payable_id = :new_payable_id, ended_at = :new_ended_at
    WHERE id = :webhook_id AND ({_IS_DUE} OR {_WAITS})
""")
FAILED_OF_ORDER: Final = Statement(f"""
    SELECT count(*) FROM payment_webhooks WHERE {_HAS_FAILED} AND payable_id = :payable_id
""")
_WEBHOOK: Final = f"""
    SELECT id, provider, event_id, kind, payment, {order_id_sql("payment_webhooks.payable_id")},
      {booking_id_sql("payment_webhooks.payable_id")}, state, attempts, due_at, problem, received_at, ended_at
"""
BY_ID: Final = Statement(f"{_WEBHOOK}, body FROM payment_webhooks WHERE id = :id")
BEFORE: Final = Statement(f"{_WEBHOOK} FROM payment_webhooks WHERE id < :before ORDER BY id DESC LIMIT :limit")
WITH_STATE_BEFORE: Final = Statement(f"""
    {_WEBHOOK} FROM payment_webhooks WHERE state = :state AND id < :before ORDER BY id DESC LIMIT :limit
""")
FORGET_OLD: Final = Statement("""
    DELETE FROM payment_webhooks WHERE id IN (
      SELECT id FROM payment_webhooks WHERE received_at < :before LIMIT :limit @postgresql(FOR UPDATE SKIP LOCKED))
""")

NOUN: Final = Noun(
    name="payment_webhooks",
    tables=(payment_webhooks,),
    statements=statements_in(globals()),
    personal={
        TABLE: Impersonal("a provider's messages: their bodies until they have had their effect, all of it for 60 days")
    },
)

# --- Receiving --------------------------------------------------------------------------------------------------------


def receive(
    transaction: Transaction, provider: str, event: ProviderEvent, body: bytes, now: Timestamp
) -> WebhookState | None:
    """Store and apply an event; None if it was received before."""
    payable_id = _paid_by(transaction, provider, event)
    state = _state_of(event, payable_id)
    is_applied = state is WebhookState.APPLIED
    added = transaction.one(
        ADD,
        **_named(provider, event),
        payable_id=payable_id or event.begins,
        body=None if is_applied else _text(body),
        state=state,
        attempts=1,
        due_at=None,
        problem=None,
        received_at=now,
        ended_at=None if state is WebhookState.WAITING else now,
    )
    if added is None:
        return None
    if payable_id is not None and is_applied:
        _apply(transaction, payable_id, provider, event, now)
    return state


def _apply(transaction: Transaction, payable_id: str, provider: str, event: ProviderEvent, now: Timestamp) -> None:
    if _known(transaction, provider, event.payment) is None:
        payments.apply_external_payment(transaction, payable_id, provider, event, now)
    else:
        payments.apply_event(transaction, payable_id, provider, event, now)


def keep(
    transaction: Transaction,
    provider: str,
    event: ProviderEvent,
    body: bytes,
    *,
    problem: str,
    until: Timestamp,
    now: Timestamp,
) -> None:
    """Store an event that failed to apply, due at `until`; one that exists stays."""
    transaction.run(
        ADD,
        **_named(provider, event),
        payable_id=event.begins,
        body=_text(body),
        state=WebhookState.DUE,
        attempts=1,
        due_at=until,
        problem=problem[:PROBLEM_CHARACTERS_MAX],
        received_at=now,
        ended_at=None,
    )


def _named(provider: str, event: ProviderEvent) -> dict[str, str | None]:
    return {"provider": provider, "event_id": event.event_id, "kind": event.kind, "payment": event.payment}


def _text(body: bytes) -> str:
    # NUL is not allowed in texts, and not in JSON.
    return body.decode("utf-8", "replace").replace("\0", "\ufffd")


def _paid_by(transaction: Transaction, provider: str, event: ProviderEvent) -> str | None:
    """The payable of the event's payment."""
    if event.payment is None or event.fact is None:
        return None
    known = _known(transaction, provider, event.payment)
    if known is None and event.begins is not None and payables.find(transaction, event.begins) is not None:
        return event.begins
    return known


def _known(transaction: Transaction, provider: str, payment: str | None) -> str | None:
    if payment is None:
        return None
    row = transaction.one(ledger.PAYABLE_OF_PAYMENT, provider=provider, reference=payment)
    return None if row is None else cast(str, row[0])


def _state_of(event: ProviderEvent, payable_id: str | None) -> WebhookState:
    if event.payment is None or event.fact is None:
        return WebhookState.IGNORED
    return WebhookState.WAITING if payable_id is None else WebhookState.APPLIED


# --- Trying again -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredWebhook:
    """A stored event to retry: id, provider, attempts so far."""

    id: str
    provider: str
    attempts: int


def attempt(
    transaction: Transaction,
    webhook_id: str,
    read: Callable[[str, str, bytes], ProviderEvent],
    now: Timestamp,
) -> WebhookState:
    """Apply a stored event; without effect if applied. `read` parses it from provider, id and body.

    Raises NotFound, DamagedRow, and the errors of applying.
    """
    found = transaction.read_one(OPEN, _open, TABLE, id=webhook_id)
    if found is None:
        return by_id(transaction, webhook_id).status
    provider, event_id, body = found
    event = read(provider, event_id, body.encode())
    payable_id = _paid_by(transaction, provider, event)
    state = _state_of(event, payable_id)
    is_applied = state is WebhookState.APPLIED
    transaction.run(
        SETTLE,
        webhook_id=webhook_id,
        new_state=state,
        new_kind=event.kind,
        new_payment=event.payment,
        new_payable_id=payable_id or event.begins,
        new_body=None if is_applied else body,
        new_ended_at=None if state is WebhookState.WAITING else now,
    )
    if payable_id is not None and is_applied:
        _apply(transaction, payable_id, provider, event, now)
        _take_card_off(transaction, payable_id, now)
    return state


def _open(row: tuple[Any, ...]) -> tuple[str, str, str]:
    _, provider, event_id, body = msgspec.convert(row, tuple[str, str, str, str])
    return provider, event_id, body


def _take_card_off(transaction: Transaction, payable_id: str, now: Timestamp) -> None:
    """Resolve the order's mismatch if none of its events is failed any more."""
    row = transaction.one(FAILED_OF_ORDER, payable_id=payable_id)
    card = mismatches.open_of(transaction, payable_id).get(MismatchKind.WEBHOOK_FAILED)
    if card is not None and (row is None or row[0] == 0):
        mismatches.resolve(transaction, card, payables.PAYMENTS, "It has had its effect.", now)


def due(transaction: Transaction, now: Timestamp, since: Timestamp, limit: int) -> list[StoredWebhook]:
    """Events to retry now: failed ones that are due, and waiting ones received after `since` whose payment exists."""
    found = _readable(transaction, DUE, limit, now=now)
    if len(found) < limit:
        found += _readable(transaction, PAYMENT_HAS_COME, limit - len(found), since=since)
    return found


def _readable(transaction: Transaction, statement: Statement, wanted: int, **values: Any) -> list[StoredWebhook]:
    """Damaged rows are skipped."""
    limit = wanted
    while True:
        rows = transaction.all(statement, limit=limit, **values)
        found = transaction.readable(rows, _kept, TABLE)
        if found or len(rows) < limit or limit >= LOOKED_THROUGH_MAX:
            return found[:wanted]
        limit *= 2


def _kept(row: tuple[Any, ...]) -> StoredWebhook:
    return StoredWebhook(*msgspec.convert(row, tuple[str, str, int]))


def next_due(transaction: Transaction) -> Timestamp | None:
    """When the next retry is due; None if there is none."""
    row = transaction.one(NEXT_DUE)
    return None if row is None else cast("Timestamp | None", row[0])


def postpone(transaction: Transaction, webhook_id: str, attempts: int, until: Timestamp, problem: str) -> None:
    """Make it due again at `until`, after `attempts` attempts."""
    transaction.run(
        POSTPONE,
        webhook_id=webhook_id,
        new_attempts=attempts,
        new_due_at=until,
        new_problem=problem[:PROBLEM_CHARACTERS_MAX],
    )


def give_up(transaction: Transaction, webhook_id: str, problem: str, now: Timestamp) -> None:
    """Give it up: notify staff, and raise a mismatch for its order."""
    webhook = by_id(transaction, webhook_id)
    payable_id = _known(transaction, webhook.provider, webhook.payment) or webhook.order_id or webhook.booking_id
    found = None if payable_id is None else payables.find(transaction, payable_id)
    was_open = transaction.run(
        GIVE_UP,
        webhook_id=webhook_id,
        new_problem=problem[:PROBLEM_CHARACTERS_MAX],
        new_payable_id=payable_id,
        new_ended_at=now,
    )
    if not was_open:
        return
    notifications.notify(
        transaction,
        SHOP,
        NotificationKind.WEBHOOK_FAILED,
        {"webhookId": webhook.id, "provider": webhook.provider, "type": webhook.type, "eventId": webhook.event_id},
        severity=Severity.ERROR,
        order_id=payable_id if found is not None and found.noun == OrderState.noun else None,
        now=now,
    )
    if payable_id is not None and found is not None:
        mismatches.raise_discrepancy(
            transaction,
            payable_id,
            MismatchKind.WEBHOOK_FAILED,
            f"The message {webhook.event_id} ({webhook.type}) of {webhook.provider} had no effect: {problem}"
            f" Once that is mended, try it again: POST /api/payments/webhooks/{webhook.id}/retry.",
            provider=webhook.provider,
            reference=webhook.payment,
            actor=payables.PAYMENTS,
            now=now,
        )


# --- Looking ----------------------------------------------------------------------------------------------------------


class PaymentWebhook(Struct, frozen=True, rename="camel"):
    """A stored webhook of a payment provider."""

    id: str
    provider: str
    """The provider, such as `stripe`."""
    event_id: str
    """The provider's id of the event, for deduplication."""
    type: str
    """The provider's type, such as `payment_intent.succeeded`."""
    payment: str | None
    """The provider's id of the payment."""
    order_id: str | None
    """The order that it pays for, once known."""
    booking_id: str | None
    """The booking that it pays for, once known."""
    status: WebhookState
    """`applied`; `waiting` for its payment; `due` for a retry; `failed` permanently; `ignored`: an unknown type, or one
    that does not concern payments.
    """
    attempts: int
    """Attempts so far."""
    next_attempt_at: str | None
    """When the next attempt is due, if `due` (RFC 3339, UTC)."""
    problem: str | None
    """The last failure."""
    received_at: str
    """When it was first received (RFC 3339, UTC)."""
    ended_at: str | None
    """When it was applied, ignored or given up (RFC 3339, UTC)."""


class WholePaymentWebhook(PaymentWebhook, frozen=True, kw_only=True, rename="camel"):
    """A stored webhook with its body."""

    body: str | None
    """The signed body; null once applied."""


def by_id(transaction: Transaction, webhook_id: str) -> WholePaymentWebhook:
    """Find a webhook. Raises NotFound."""
    found = transaction.read_one(BY_ID, _whole, TABLE, id=webhook_id)
    if found is None:
        raise NotFound("webhook")
    return found


def page(transaction: Transaction, before: str, limit: int, state: WebhookState | None) -> list[PaymentWebhook]:
    """A page of webhooks before the id `before` (NEWEST for the first), newest first, optionally of one state."""
    if state is None:
        return transaction.page(BEFORE, _webhook, TABLE, by="before", before=before, limit=limit)
    return transaction.page(WITH_STATE_BEFORE, _webhook, TABLE, by="before", before=before, limit=limit, state=state)


def _webhook(row: tuple[Any, ...]) -> PaymentWebhook:
    return PaymentWebhook(*msgspec.convert(row, _WebhookRow))


def _whole(row: tuple[Any, ...]) -> WholePaymentWebhook:
    *shown, body = row
    return WholePaymentWebhook(*msgspec.convert(shown, _WebhookRow), body=msgspec.convert(body, str | None))


_WebhookRow = tuple[
    str, str, str, str, str | None, str | None, str | None, WebhookState, int, str | None, str | None, str, str | None
]
