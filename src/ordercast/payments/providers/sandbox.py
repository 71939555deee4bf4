"""The sandbox: a provider in the shop's own database, for development, demos and tests.

``commerce.sandbox`` has the outcomes of its tokens. Its records survive the process, and actions are idempotent by key,
as at a real provider.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec

from ordercast.commerce import payments as port
from ordercast.commerce.errors import ProviderRefused, ProviderUnavailable, WebhookRefused
from ordercast.commerce.money import Money
from ordercast.commerce.payments import Charge, PaymentTaken, ProviderEvent, ProviderPayment, SavedCard
from ordercast.commerce.sandbox import (
    CHARGEBACK_AFTER_S,
    REFUND_ENDS_AFTER_S,
    SANDBOX,
    SLOW_S,
    SandboxOutcome,
    outcome_of,
    taken_by,
)
from ordercast.commerce.states import PaymentMethod, PaymentStatus
from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.commerce.webhook_signatures import check_standard
from ordercast.db import Store, Transaction
from ordercast.db import sandbox as units
from ordercast.db.sandbox import Entry
from ordercast.payments.events import read_event

log = logging.getLogger("ordercast.payments")

EVENTS_AT_ONCE_MAX: Final = 32
# Retry of an event that cannot be delivered, say because its order is damaged.
EVENT_RETRY_S: Final = 60.0


CONFIRM_PATH: Final = "/api/payments/sandbox"

Apply = Callable[[Transaction, ProviderEvent, bytes], None]
"""Applies an event, given with its body, in the transaction that removes it here."""


class SandboxProvider:
    """A `commerce.payments.PaymentProvider`. `webhook_secret` is a Standard Webhooks secret; without it, no webhook is
    accepted. `slow_s` is the delay of a slow card.
    """

    name = SANDBOX
    title = "Sandbox"

    def __init__(
        self,
        store: Store,
        webhook_secret: str = "",
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        slow_s: float = SLOW_S,
    ) -> None:
        self._store = store
        self._webhook_secret = webhook_secret
        self._now_ms = now_ms
        self._slow_s = slow_s

    def __repr__(self) -> str:
        return "<SandboxProvider>"

    # --- Deeds ------------------------------------------------------------------------------------------------------

    async def authorize(self, charge: Charge) -> PaymentTaken:
        name, outcome, saved = _card_of(charge)
        method = PaymentMethod.SAVED_CARD if isinstance(charge.card, SavedCard) else PaymentMethod.CARD
        if outcome.is_slow:
            await asyncio.sleep(self._slow_s)
        taken = taken_by(outcome, method)
        captured = charge.amount.minor if outcome.is_captured_at_once else 0
        now_ms = self._now_ms()

        def unit(transaction: Transaction) -> Entry:
            entry = units.open_entry(
                transaction,
                charge.key,
                name,
                charge.amount,
                captured=captured,
                is_held=not captured and not outcome.needs_action,
                now=timestamp(now_ms),
            )
            if captured:
                self._after_capture(transaction, entry, outcome, now_ms)
            return entry

        entry = await self._store.write(unit)
        if outcome.needs_action:
            back = quote(_path_of(charge.return_url or ""), safe="")
            action = port.PaymentAction(f"{CONFIRM_PATH}/{entry.reference}?back={back}")
            taken, saved = replace(taken, status=PaymentStatus.UNPAID, action=action), None
        return replace(
            taken, amount=charge.amount, provider=self.name, reference=entry.reference, key=charge.key, saved=saved
        )

    async def capture(self, reference: str, amount: Money, key: str) -> port.Captured:
        outcome = await self._ready(reference, key)
        now_ms = self._now_ms()

        def change(entry: Entry) -> Entry:
            if entry.captured:
                return entry
            if not entry.is_held or outcome.refuses_capture:
                raise ProviderRefused("The bank did not release the money.")
            return replace(entry, captured=amount.minor * outcome.captured_percent // 100, is_held=False)

        def unit(transaction: Transaction) -> Entry:
            entry, is_new = units.change_once(transaction, reference, key, change)
            if entry is None:
                raise _unknown(reference)
            if is_new:
                self._after_capture(transaction, entry, outcome, now_ms)
            return entry

        entry = await self._store.write(unit)
        return port.Captured(entry.captured)

    async def void(self, reference: str, key: str) -> port.Voided | port.Captured:
        await self._ready(reference, key)
        entry = await self._changed(reference, key, lambda entry: replace(entry, is_held=False))
        return port.Captured(entry.captured) if entry.captured else port.Voided()

    async def refund(self, reference: str, amount: Money, key: str) -> port.Refunded | port.RefundPending:
        outcome = await self._ready(reference, key)

        def change(entry: Entry) -> Entry:
            if outcome.refuses_refund:
                raise ProviderRefused("The bank does not take refunds for this card.")
            if entry.is_disputed:
                raise ProviderRefused("The payment is disputed; the bank decides about it.")
            if entry.refunded + amount.minor > entry.captured:
                raise ProviderRefused("That is more than is left of the payment.")
            return replace(entry, refunded=entry.refunded + amount.minor)

        name, now_ms = "sbr_" + _digest(key), self._now_ms()

        def unit(transaction: Transaction) -> Entry | None:
            entry, is_new = units.change_once(transaction, reference, key, change)
            if is_new and outcome.is_refund_pending:
                kind = "refund.failed" if outcome.is_refund_returned else "payment.refunded"
                data = {"payment": reference, "amount": amount.minor, "id": name, "key": key}
                _schedule_event(transaction, kind, data, f"{key}:ends", now_ms + int(REFUND_ENDS_AFTER_S * 1000))
            return entry

        if await self._store.write(unit) is None:
            raise _unknown(reference)
        made = port.RefundPending if outcome.is_refund_pending else port.Refunded
        return made(name, amount.minor, key)

    async def forget_card(self, card: SavedCard, key: str) -> None:
        """Nothing is stored: the card's id has all."""

    async def close(self) -> None:
        """Nothing to close."""

    async def entry(self, reference: str) -> Entry | None:
        """Find a payment."""
        return await self._store.read(lambda transaction: units.by_reference(transaction, reference))

    async def confirm(self, reference: str, apply: Apply, *, is_let: bool) -> None:
        """Confirm or decline a payment at the sandbox's bank page, once."""
        kind, event_id = (
            "payment.authorized" if is_let else "payment.failed",
            "sbe_" + _digest(f"{reference}:confirmed"),
        )
        body = _event(kind, {"payment": reference}, self._now_ms())

        def change(entry: Entry) -> Entry:
            if not outcome_of(f"tok_{entry.card}").needs_action:
                raise ProviderRefused("This payment needs no confirmation.")
            return replace(entry, is_held=is_let)

        def unit(transaction: Transaction) -> None:
            # It may have been voided meanwhile.
            entry = units.by_reference(transaction, reference)
            if entry is None:
                raise _unknown(reference)
            if _is_released(entry):
                raise ProviderRefused("This payment has ended.")
            _, is_new = units.change_once(transaction, reference, "confirmed", change)
            if is_new:
                apply(transaction, read_event(event_id, body), body)

        await self._store.write(unit)

    # --- Payments as it has them --------------------------------------------------------------------------------------

    async def lookup(self, reference: str) -> ProviderPayment | None:
        return _payment_of(await self._store.read(lambda transaction: units.by_reference(transaction, reference)))

    async def find(self, key: str, since: Timestamp) -> ProviderPayment | None:
        del since
        return _payment_of(await self._store.read(lambda transaction: units.by_key(transaction, key)))

    # --- Messages ---------------------------------------------------------------------------------------------------

    def read_event(self, body: bytes, headers: Mapping[str, str], now_s: float) -> ProviderEvent:
        if not self._webhook_secret:
            raise WebhookRefused("The sandbox takes messages only where ORDERCAST_SANDBOX_WEBHOOK_SECRET is set.")
        return self.parse_event(check_standard((self._webhook_secret,), body, headers, now_s), body)

    def parse_event(self, event_id: str, body: bytes) -> ProviderEvent:
        return read_event(event_id, body)

    async def deliver_webhooks(self, apply: Apply) -> int:
        """Deliver the due events, each in one unit with `apply`; return how many."""
        now = timestamp(self._now_ms())
        due = await self._store.read(lambda transaction: units.due_events(transaction, now, EVENTS_AT_ONCE_MAX))
        for event_id, body in due:
            try:
                event = read_event(event_id, body)
                await self._store.write(partial(_deliver, event=event, body=body, apply=apply))
            except Exception:
                # It must not block the events behind it.
                log.exception("could not deliver the sandbox's event %s; retrying later", event_id)
                later = timestamp(self._now_ms() + int(EVENT_RETRY_S * 1000))
                await self._store.write(partial(_put_off, event_id=event_id, body=body, until=later))
        return len(due)

    def _after_capture(self, transaction: Transaction, entry: Entry, outcome: SandboxOutcome, now_ms: int) -> None:
        if outcome.loses:
            short = replace(entry, captured=entry.captured - outcome.loses)
            units.change_once(transaction, entry.reference, f"{entry.key}:loses", lambda _: short)
        if not outcome.is_charged_back:
            return
        data = {"payment": entry.reference, "amount": entry.captured, "id": "sbd_" + _digest(entry.key)}
        _schedule_event(
            transaction, "dispute.opened", data, f"{entry.key}:dispute", now_ms + int(CHARGEBACK_AFTER_S * 1000)
        )

    # --- Steps ------------------------------------------------------------------------------------------------------

    async def _ready(self, reference: str, key: str) -> SandboxOutcome:
        """The outcome of the payment's card. Raises ProviderUnavailable at a flaky card's first action per key."""
        entry = await self._store.read(lambda transaction: units.by_reference(transaction, reference))
        if entry is None:
            raise _unknown(reference)
        outcome = outcome_of(f"tok_{entry.card}")
        if outcome.is_flaky and not {key, f"{key}!"} & {*entry.applied_keys}:
            await self._changed(reference, f"{key}!", lambda entry: entry)
            raise ProviderUnavailable
        return outcome

    async def _changed(self, reference: str, key: str, change: Callable[[Entry], Entry]) -> Entry:
        entry, _ = await self._store.write(lambda transaction: units.change_once(transaction, reference, key, change))
        if entry is None:
            raise _unknown(reference)
        return entry


def _path_of(url: str) -> str:
    """The path of the URL: the sandbox's page only leads to this site."""
    parts = urlsplit(url)
    return urlunsplit(("", "", "/" + parts.path.lstrip("/\\"), parts.query, ""))


def _schedule_event(transaction: Transaction, kind: str, data: Mapping[str, object], key: str, at_ms: int) -> None:
    """Schedule an event at `at_ms`; its id is derived from `key`."""
    units.schedule_event(transaction, "sbe_" + _digest(key), _event(kind, data, at_ms), timestamp(at_ms))


def _event(kind: str, data: Mapping[str, object], at_ms: int) -> bytes:
    return msgspec.json.encode({"type": kind, "timestamp": timestamp(at_ms), "data": data})


def _put_off(transaction: Transaction, event_id: str, body: bytes, until: Timestamp) -> None:
    units.drop_event(transaction, event_id)
    units.schedule_event(transaction, event_id, body, until)


def _deliver(transaction: Transaction, event: ProviderEvent, body: bytes, apply: Apply) -> None:
    fact = event.fact
    if isinstance(fact, port.DisputeOpened) and event.payment is not None:
        units.change_once(transaction, event.payment, fact.reference, lambda entry: replace(entry, is_disputed=True))
    if isinstance(fact, port.RefundFailed) and event.payment is not None:
        back = fact.amount
        units.change_once(
            transaction,
            event.payment,
            fact.reference,
            lambda entry: replace(entry, refunded=max(0, entry.refunded - back)),
        )
    apply(transaction, event, body)
    units.drop_event(transaction, event.event_id)


def _card_of(charge: Charge) -> tuple[str, SandboxOutcome, SavedCard | None]:
    """The card's name, its outcome, and the card to save, if any."""
    card = charge.card
    if isinstance(card, SavedCard):
        name = card.reference.removeprefix("sbc_").partition("_")[0]
        return name.replace("-", "_"), outcome_of(f"tok_{name.replace('-', '_')}"), None
    name, outcome = card.token.removeprefix("tok_"), outcome_of(card.token)
    if card.save_for is None:
        return name, outcome, None
    reference = f"sbc_{name.replace('_', '-')}_{_digest(card.save_for + card.token)}"
    return name, outcome, SavedCard(reference, card.save_for, outcome.brand, outcome.last4)


def _payment_of(entry: Entry | None) -> ProviderPayment | None:
    if entry is None:
        return None
    needs_action = outcome_of(f"tok_{entry.card}").needs_action and "confirmed" not in entry.applied_keys
    return ProviderPayment(
        entry.reference,
        entry.currency,
        entry.captured,
        entry.refunded,
        entry.is_held,
        is_disputed=entry.is_disputed,
        needs_action=needs_action and not _is_released(entry),
    )


def _is_released(entry: Entry) -> bool:
    return any(key.endswith(":void") or ":void:" in key for key in entry.applied_keys)


def _unknown(reference: str) -> ProviderRefused:
    return ProviderRefused(f"The provider knows of no payment {reference or 'of this order'}.")


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
