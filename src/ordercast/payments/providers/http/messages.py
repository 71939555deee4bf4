"""Requests to the HTTP provider, and its valid responses. Anything else counts as no response.

Amounts are minor units of the currency beside them, of which `exponent` is the number of decimals (ISO 4217).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final, TypeAlias
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from ordercast.commerce.currencies import exponent_of
from ordercast.commerce.errors import ShopError
from ordercast.commerce.money import AMOUNT_MAX, Money
from ordercast.commerce.payments import ProviderPayment
from ordercast.commerce.text_rules import check_texts
from ordercast.payments.events import Currency, Name, Sum

URL_LENGTH_MAX: Final = 2_048
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


# --- Requests ---------------------------------------------------------------------------------------------------------


class Card(Struct, frozen=True):
    """A saved card, by the service's ids."""

    reference: Name
    owner: Name


class Save(Struct, frozen=True, rename="camel", omit_defaults=True):
    """Save the card; `owner` is the service's id of the customer, if known."""

    customer_id: str
    owner: str | None = None


class _Request(Struct, frozen=True, kw_only=True, tag_field="operation", rename="camel", omit_defaults=True):
    """`key` is the idempotency key: a repeated request takes effect once and gets the same response."""

    key: str

    @property
    def operation(self) -> str:
        return str(self.__struct_config__.tag)


class _WithAmount(_Request, frozen=True, kw_only=True, tag_field="operation", rename="camel", omit_defaults=True):
    amount: int
    currency: str
    exponent: int


class Authorize(_WithAmount, frozen=True, kw_only=True, tag="authorize"):
    order_id: str
    token: str | None = None
    saved_card: Card | None = None
    save: Save | None = None
    return_url: str | None = None


class Capture(_WithAmount, frozen=True, kw_only=True, tag="capture"):
    reference: str


class Refund(_WithAmount, frozen=True, kw_only=True, tag="refund"):
    reference: str


class Void(_Request, frozen=True, kw_only=True, tag="void"):
    reference: str


class Lookup(_Request, frozen=True, kw_only=True, tag="lookup"):
    reference: str


class Find(_Request, frozen=True, kw_only=True, tag="find"):
    """Find the payment authorized with `payment_key` at or after `since`."""

    payment_key: str
    since: str


class ForgetCard(_Request, frozen=True, kw_only=True, tag="forget_card"):
    saved_card: Card


Request: TypeAlias = Authorize | Capture | Refund | Void | Lookup | Find | ForgetCard


def amount_fields(money: Money) -> dict[str, Any]:
    return {"amount": money.minor, "currency": money.currency, "exponent": exponent_of(money.currency)}


# --- Answers ----------------------------------------------------------------------------------------------------------


class ProviderStatus(StrEnum):
    ACTION_REQUIRED = "action_required"
    """The customer must open `action.url` first."""
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    """Fully or partially; refunds may have followed."""
    VOIDED = "voided"
    FAILED = "failed"


class Action(Struct, frozen=True):
    url: Annotated[str, Meta(max_length=URL_LENGTH_MAX, pattern=r"^[!-~]+\Z")]

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        # A browser opens it, where the customer enters data.
        if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in _LOOPBACK):
            raise ValueError("action.url must be an https URL")


class ShownCard(Struct, frozen=True):
    brand: Annotated[str, Meta(min_length=1, max_length=32)] | None = None
    last4: Annotated[str, Meta(pattern=r"^[0-9]{4}\Z")] | None = None

    def __post_init__(self) -> None:
        try:
            check_texts(self)
        except ShopError as error:
            raise ValueError(f"card.brand cannot be shown: {error}") from None


class Payment(Struct, frozen=True):
    reference: Name
    status: ProviderStatus
    currency: Currency
    amount: Sum
    captured: Sum = 0
    refunded: Sum = 0
    """Includes pending refunds; a lost dispute counts as all of it."""
    disputed: bool = False
    action: Action | None = None
    card: ShownCard | None = None
    saved: Card | None = None

    def __post_init__(self) -> None:
        if not self.refunded <= self.captured <= self.amount:
            raise ValueError("refunded <= captured <= amount does not hold")
        if (self.captured > 0) is not (self.status is ProviderStatus.CAPTURED):
            raise ValueError(f"a payment that is {self.status} has not captured {self.captured}")
        if (self.action is None) is (self.status is ProviderStatus.ACTION_REQUIRED):
            raise ValueError(f"a payment that is {self.status} has {'no' if self.action is None else 'an'} action")

    @property
    def in_books(self) -> ProviderPayment:
        is_held = self.status is ProviderStatus.AUTHORIZED
        return ProviderPayment(
            self.reference,
            self.currency,
            self.captured,
            self.refunded,
            is_held,
            is_disputed=self.disputed,
            needs_action=self.status is ProviderStatus.ACTION_REQUIRED,
        )


class PaymentAnswer(Struct, frozen=True):
    payment: Payment


class FoundAnswer(Struct, frozen=True):
    payment: Payment | None


class RefundStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class MadeRefund(Struct, frozen=True):
    reference: Name
    status: RefundStatus
    currency: Currency
    amount: Annotated[int, Meta(ge=1, le=AMOUNT_MAX)]


class RefundAnswer(Struct, frozen=True):
    refund: MadeRefund


class EmptyResponse(Struct, frozen=True):
    """An object whose members are ignored."""


class ErrorObject(Struct, frozen=True):
    """Why the request failed, permanently for this key."""

    code: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9_]+\Z")]
    message: Annotated[str, Meta(min_length=1, max_length=500)] = "The payment provider refused."

    @property
    def sentence(self) -> str:
        """A sentence for people; unprintable text is left out."""
        try:
            check_texts(self)
        except ShopError:
            return "The payment provider refused."
        text = self.message.strip()
        return text if text.endswith((".", "!", "?", "\u0964")) else f"{text}."


class RefusalAnswer(Struct, frozen=True):
    error: ErrorObject
