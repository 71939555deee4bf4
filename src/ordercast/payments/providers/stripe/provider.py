"""Stripe by its HTTPS API: PaymentIntents with manual capture, and refunds.

The shop's page uses Stripe's form, which turns a card into a token (``tok_...``) or a payment method (``pm_...``); card
numbers never come here. If the bank wants a confirmation (3-D Secure), the payment waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import httpx

from ordercast.commerce.errors import (
    InvalidField,
    PaymentDeclined,
    ProviderRefused,
    ProviderUnavailable,
    WebhookRefused,
)
from ordercast.commerce.money import Money
from ordercast.commerce.orders import PaymentInfo
from ordercast.commerce.payments import (
    Captured,
    CardToken,
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
from ordercast.commerce.states import PaymentMethod, PaymentStatus
from ordercast.commerce.timestamps import Timestamp
from ordercast.commerce.webhook_signatures import check_stripe

from .client import StripeApi, StripeRefusal
from .events import ENDED_REFUNDS, read_event
from .units import from_stripe, to_stripe

# A payment whose response was lost is searched among those of so long before and after.
SEARCH_BEFORE_S: Final = 60
SEARCH_AFTER_S: Final = 600
SEARCH_PAGES_MAX: Final = 20
_OPEN_DISPUTES: Final = frozenset({"needs_response", "under_review"})


class StripeProvider:
    """A `commerce.payments.PaymentProvider`. Without a `webhook_secret`, no webhook is accepted."""

    name = "stripe"
    title = "Stripe"

    def __init__(
        self, secret_key: str, webhook_secret: str, url: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._api = StripeApi(secret_key, url, transport)
        self._webhook_secret = webhook_secret

    def __repr__(self) -> str:
        return f"<StripeProvider {self._api!r}>"

    async def close(self) -> None:
        await self._api.close()

    # --- Deeds ------------------------------------------------------------------------------------------------------

    async def authorize(self, charge: Charge) -> PaymentTaken:
        card = charge.card
        owner = await self._owner(card) if isinstance(card, CardToken) else card.owner
        try:
            intent = await self._api.post("/v1/payment_intents", _intent(charge, owner), charge.key)
        except StripeRefusal as refusal:
            raise _not_taken(refusal) from None
        if intent["status"] == "requires_action":
            return _to_be_confirmed(self.name, charge, intent)
        if intent["status"] != "requires_capture":
            await self.void(intent["id"], f"{charge.key}:unfinished")
            raise PaymentDeclined
        details = ((intent.get("latest_charge") or {}).get("payment_method_details") or {}).get("card") or {}
        brand, last4 = details.get("brand"), details.get("last4")
        is_saved = isinstance(card, SavedCard)
        return PaymentTaken(
            PaymentStatus.AUTHORIZED,
            PaymentInfo(PaymentMethod.SAVED_CARD if is_saved else PaymentMethod.CARD, brand=brand, last4=last4),
            amount=charge.amount,
            provider=self.name,
            reference=intent["id"],
            key=charge.key,
            saved=None if is_saved or owner is None else SavedCard(intent["payment_method"], owner, brand, last4),
        )

    async def capture(self, reference: str, amount: Money, key: str) -> Captured:
        fields = {"amount_to_capture": str(to_stripe(amount))}
        try:
            intent = await self._api.post(f"/v1/payment_intents/{reference}/capture", fields, key)
        except StripeRefusal as refusal:
            if refusal.intent_status == "succeeded":
                return _received(refusal.intent)
            raise ProviderRefused(refusal.sentence) from None
        return _received(intent)

    async def void(self, reference: str, key: str) -> Voided | Captured:
        try:
            await self._api.post(f"/v1/payment_intents/{reference}/cancel", {}, key)
        except StripeRefusal as refusal:
            if refusal.intent_status == "succeeded":
                return _received(refusal.intent)
            if refusal.intent_status != "canceled":
                raise ProviderRefused(refusal.sentence) from None
        return Voided()

    async def refund(self, reference: str, amount: Money, key: str) -> Refunded | RefundPending:
        fields = {"payment_intent": reference, "amount": str(to_stripe(amount)), "metadata[task_id]": key}
        try:
            refund = await self._api.post("/v1/refunds", fields, key)
        except StripeRefusal as refusal:
            raise ProviderRefused(refusal.sentence) from None
        status = refund.get("status")
        if status in ENDED_REFUNDS:
            raise ProviderRefused(f"The refund is {status}.")
        made = Refunded if status == "succeeded" else RefundPending
        return made(refund["id"], from_stripe(refund["amount"], amount.currency), key)

    async def forget_card(self, card: SavedCard, key: str) -> None:
        try:
            await self._api.post(f"/v1/payment_methods/{card.reference}/detach", {}, key)
        except StripeRefusal:
            return  # gone, or nobody's

    async def _owner(self, card: CardToken) -> str | None:
        """The Stripe customer that owns a saved card."""
        if card.save_for is None or card.owner is not None:
            return card.owner
        fields = {"metadata[customer_id]": card.save_for}
        try:
            customer = await self._api.post("/v1/customers", fields, f"customer:{card.save_for}")
        except StripeRefusal as refusal:
            raise ProviderRefused(refusal.sentence) from None
        owner: str = customer["id"]
        return owner

    # --- Payments as it has them --------------------------------------------------------------------------------------

    async def lookup(self, reference: str) -> ProviderPayment | None:
        try:
            intent = await self._api.get(f"/v1/payment_intents/{reference}", {"expand[]": "latest_charge"})
        except StripeRefusal as refusal:
            if refusal.status == 404:
                return None
            raise ProviderUnavailable from None
        return await self._payment_of(intent)

    async def find(self, key: str, since: Timestamp) -> ProviderPayment | None:
        asked_at = int(datetime.fromisoformat(since).timestamp())
        query = {
            "created[gte]": str(asked_at - SEARCH_BEFORE_S),
            "created[lte]": str(asked_at + SEARCH_AFTER_S),
            "limit": "100",
            "expand[]": "data.latest_charge",
        }
        for _ in range(SEARCH_PAGES_MAX):
            try:
                page = await self._api.get("/v1/payment_intents", query)
            except StripeRefusal:
                raise ProviderUnavailable from None
            for intent in page["data"]:
                if (intent.get("metadata") or {}).get("key") == key:
                    return await self._payment_of(intent)
            if not page.get("has_more"):
                return None
            query["starting_after"] = page["data"][-1]["id"]
        raise ProviderUnavailable

    async def _payment_of(self, intent: dict[str, Any]) -> ProviderPayment:
        charge = intent.get("latest_charge") or {}
        currency = intent["currency"].upper()
        captured = from_stripe(intent["amount_received"], currency)
        refunded, is_disputed = from_stripe(charge.get("amount_refunded", 0), currency), False
        if charge.get("disputed"):
            page = await self._api.get("/v1/disputes", {"payment_intent": intent["id"], "limit": "100"})
            states = {dispute["status"] for dispute in page["data"]}
            refunded = captured if "lost" in states else refunded
            is_disputed = not states.isdisjoint(_OPEN_DISPUTES)
        is_held = intent["status"] == "requires_capture"
        needs_action = intent["status"] == "requires_action"
        return ProviderPayment(
            intent["id"], currency, captured, refunded, is_held, is_disputed=is_disputed, needs_action=needs_action
        )

    # --- Messages ---------------------------------------------------------------------------------------------------

    def read_event(self, body: bytes, headers: Mapping[str, str], now_s: float) -> ProviderEvent:
        if not self._webhook_secret:
            raise WebhookRefused("Stripe's messages are taken only where ORDERCAST_STRIPE_WEBHOOK_SECRET is set.")
        check_stripe(self._webhook_secret, body, headers.get("stripe-signature", ""), now_s)
        return read_event(body)

    def parse_event(self, event_id: str, body: bytes) -> ProviderEvent:
        del event_id  # the body has it
        return read_event(body)


def _intent(charge: Charge, owner: str | None) -> dict[str, str]:
    """The form of a PaymentIntent: confirmed now, captured later."""
    card = charge.card
    fields = {
        "amount": str(to_stripe(charge.amount)),
        "currency": charge.amount.currency.lower(),
        "capture_method": "manual",
        "confirm": "true",
        "payment_method_types[]": "card",
        f"metadata[{charge.noun}_id]": charge.payable_id,
        "metadata[key]": charge.key,
        "expand[]": "latest_charge",
    }
    if charge.return_url is not None:
        fields["return_url"] = charge.return_url
    if owner is not None:
        fields["customer"] = owner
    if isinstance(card, SavedCard):
        return fields | {"payment_method": card.reference}
    if card.save_for is not None:
        fields["setup_future_usage"] = "off_session"
    if card.token.startswith("pm_"):
        return fields | {"payment_method": card.token}
    return fields | {"payment_method_data[type]": "card", "payment_method_data[card][token]": card.token}


def _to_be_confirmed(name: str, charge: Charge, intent: Mapping[str, Any]) -> PaymentTaken:
    """The bank wants a confirmation: by redirect if there is a `return_url`, else by Stripe's script."""
    redirect = (intent.get("next_action") or {}).get("redirect_to_url") or {}
    method = PaymentMethod.SAVED_CARD if isinstance(charge.card, SavedCard) else PaymentMethod.CARD
    action = PaymentAction(redirect.get("url"), intent.get("client_secret"))
    return PaymentTaken(
        PaymentStatus.UNPAID,
        PaymentInfo(method),
        amount=charge.amount,
        provider=name,
        reference=intent["id"],
        key=charge.key,
        action=action,
    )


def _received(intent: Mapping[str, Any]) -> Captured:
    return Captured(from_stripe(intent["amount_received"], intent["currency"]))


def _not_taken(refusal: StripeRefusal) -> PaymentDeclined | InvalidField | ProviderRefused:
    if refusal.kind == "card_error":
        return PaymentDeclined()
    if refusal.code == "resource_missing" or refusal.param.startswith("payment_method"):
        return InvalidField("paymentInfo.token", "The payment provider does not know this token.")
    return ProviderRefused(refusal.sentence)
