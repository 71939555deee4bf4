"""The HTTP provider: the shop's own service that talks to its payment company.

A response is accepted only if it fits the request: same payment, same currency, no more money than there is. Anything
else counts as no response and is retried; idempotency keys prevent double charges.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ordercast.commerce.errors import (
    InvalidField,
    PaymentDeclined,
    ProviderRefused,
    ProviderUnavailable,
    ShopError,
)
from ordercast.commerce.money import Money
from ordercast.commerce.orders import PaymentInfo
from ordercast.commerce.payments import (
    Captured,
    Charge,
    PaymentAction,
    PaymentTaken,
    ProviderEvent,
    ProviderPayment,
    Refunded,
    RefundPending,
    SavedCard,
    Voided,
)
from ordercast.commerce.states import PaymentMethod
from ordercast.commerce.states import PaymentStatus as P
from ordercast.commerce.timestamps import Timestamp
from ordercast.commerce.webhook_signatures import check_standard
from ordercast.payments.events import read_event

from .client import RETRY_AFTER_S, HttpClient, Refused
from .messages import (
    Authorize,
    Capture,
    Card,
    EmptyResponse,
    Find,
    ForgetCard,
    FoundAnswer,
    Lookup,
    Payment,
    PaymentAnswer,
    ProviderStatus,
    Refund,
    RefundAnswer,
    RefundStatus,
    Request,
    Save,
    ShownCard,
    Void,
    amount_fields,
)

log = logging.getLogger("ordercast.payments")

HTTP: Final = "http"

_ENDED: Final = frozenset({ProviderStatus.VOIDED, ProviderStatus.FAILED})
_TAKEN: Final = {
    ProviderStatus.ACTION_REQUIRED: P.UNPAID,
    ProviderStatus.AUTHORIZED: P.AUTHORIZED,
    ProviderStatus.CAPTURED: P.PAID,
}


class HttpProvider:
    """A `commerce.payments.PaymentProvider`. The first of `secrets` is the current one; the others are still accepted,
    and sign too. `title` is the display name.
    """

    name = HTTP

    def __init__(
        self, url: str, secrets: Sequence[str], title: str = "", retry_after_s: Sequence[float] = RETRY_AFTER_S
    ) -> None:
        self._client = HttpClient(url, secrets, retry_after_s)
        self._secrets = tuple(secrets)
        self.title = title or self._client.place

    def __repr__(self) -> str:
        return f"<HttpProvider {self._client.place}>"

    async def close(self) -> None:
        await self._client.close()

    # --- Deeds ------------------------------------------------------------------------------------------------------

    async def authorize(self, charge: Charge) -> PaymentTaken:
        request = _authorize(charge)
        try:
            payment = (await self._client.call(request, PaymentAnswer)).payment
        except Refused as refused:
            raise _not_taken(refused) from None
        if payment.status in _ENDED:
            raise PaymentDeclined
        _check(request, payment, currency=charge.amount.currency, amount=charge.amount.minor)
        if payment.captured not in {0, payment.amount}:
            raise _unusable(request, "a part of the payment was captured")
        is_saved = isinstance(charge.card, SavedCard)
        method, shown = PaymentMethod.SAVED_CARD if is_saved else PaymentMethod.CARD, payment.card or ShownCard()
        kept = payment.saved if request.save is not None and payment.action is None else None
        return PaymentTaken(
            _TAKEN[payment.status],
            PaymentInfo(method, brand=shown.brand, last4=shown.last4),
            amount=charge.amount,
            provider=self.name,
            reference=payment.reference,
            key=charge.key,
            saved=None if kept is None else SavedCard(kept.reference, kept.owner, shown.brand, shown.last4),
            action=None if payment.action is None else PaymentAction(payment.action.url),
        )

    async def capture(self, reference: str, amount: Money, key: str) -> Captured:
        request = Capture(key=key, reference=reference, **amount_fields(amount))
        payment = await self._done(request, reference, amount.currency)
        if payment.status in _ENDED:
            raise ProviderRefused(f"The payment is {payment.status}.")
        if payment.status is not ProviderStatus.CAPTURED:
            raise _unusable(request, f"the payment is {payment.status} still")
        return Captured(payment.captured)

    async def void(self, reference: str, key: str) -> Voided | Captured:
        request = Void(key=key, reference=reference)
        payment = await self._done(request, reference)
        if payment.status is ProviderStatus.CAPTURED:
            return Captured(payment.captured)
        if payment.status not in _ENDED:
            raise _unusable(request, f"the payment is {payment.status} still")
        return Voided()

    async def refund(self, reference: str, amount: Money, key: str) -> Refunded | RefundPending:
        request = Refund(key=key, reference=reference, **amount_fields(amount))
        try:
            refund = (await self._client.call(request, RefundAnswer)).refund
        except Refused as refused:
            raise ProviderRefused(refused.sentence) from None
        if refund.currency != amount.currency or refund.amount > amount.minor:
            raise _unusable(request, f"{refund.amount} {refund.currency} were given back")
        if refund.status is RefundStatus.FAILED:
            raise ProviderRefused("The refund failed.")
        made = Refunded if refund.status is RefundStatus.SUCCEEDED else RefundPending
        return made(refund.reference, refund.amount, key)

    async def forget_card(self, card: SavedCard, key: str) -> None:
        request = ForgetCard(key=key, saved_card=Card(card.reference, card.owner))
        try:
            await self._client.call(request, EmptyResponse)
        except Refused:
            return  # gone, or nobody's

    async def _done(self, request: Capture | Void, reference: str, currency: str | None = None) -> Payment:
        try:
            payment = (await self._client.call(request, PaymentAnswer)).payment
        except Refused as refused:
            raise ProviderRefused(refused.sentence) from None
        _check(request, payment, reference=reference, currency=currency)
        return payment

    # --- Payments as it has them ------------------------------------------------------------------------------------

    async def lookup(self, reference: str) -> ProviderPayment | None:
        request = Lookup(key=_fresh_key(), reference=reference)
        payment = await self._found(request)
        if payment is not None:
            _check(request, payment, reference=reference)
        return None if payment is None else payment.in_books

    async def find(self, key: str, since: Timestamp) -> ProviderPayment | None:
        payment = await self._found(Find(key=_fresh_key(), payment_key=key, since=since))
        return None if payment is None else payment.in_books

    async def _found(self, request: Lookup | Find) -> Payment | None:
        try:
            return (await self._client.call(request, FoundAnswer)).payment
        except Refused as refused:
            # "None" is `null`: a refusal means something else.
            raise _unusable(request, refused.sentence) from None

    # --- Messages ---------------------------------------------------------------------------------------------------

    def read_event(self, body: bytes, headers: Mapping[str, str], now_s: float) -> ProviderEvent:
        return self.parse_event(check_standard(self._secrets, body, headers, now_s), body)

    def parse_event(self, event_id: str, body: bytes) -> ProviderEvent:
        return read_event(event_id, body, needs_currency=True)


def _authorize(charge: Charge) -> Authorize:
    card = charge.card
    fields: dict[str, Any] = {
        "key": charge.key,
        "order_id": charge.payable_id,
        "return_url": charge.return_url,
        **amount_fields(charge.amount),
    }
    if isinstance(card, SavedCard):
        return Authorize(**fields, saved_card=Card(card.reference, card.owner))
    save = None if card.save_for is None else Save(card.save_for, card.owner)
    return Authorize(**fields, token=card.token, save=save)


def _not_taken(refused: Refused) -> ShopError:
    if refused.code == "declined":
        return PaymentDeclined()
    if refused.code == "unknown_token":
        return InvalidField("paymentInfo.token", "The payment provider does not know this token.")
    return ProviderRefused(refused.sentence)


def _check(
    request: Request,
    payment: Payment,
    *,
    reference: str | None = None,
    currency: str | None = None,
    amount: int | None = None,
) -> None:
    """Check that the response fits the request. Raises ProviderUnavailable."""
    for name, expected, actual in (
        ("reference", reference, payment.reference),
        ("currency", currency, payment.currency),
        ("amount", amount, payment.amount),
    ):
        if expected is not None and expected != actual:
            raise _unusable(request, f"{name} {actual} where {expected} was requested")


def _unusable(request: Request, why: str) -> ProviderUnavailable:
    log.warning("%s of %s: the answer cannot be used: %s", request.operation, request.key, why)
    return ProviderUnavailable()


def _fresh_key() -> str:
    """A key for a query: answered anew each time."""
    return f"msg_{uuid.uuid4().hex}"
