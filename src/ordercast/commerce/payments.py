"""The port to payment providers, and the facts that they report.

Every action has an idempotency key of ours: repeated, it takes effect once and gets the same response. So what a crash
left open is repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from msgspec import Struct

from .money import Money
from .orders import PaymentInfo
from .states import PaymentMethod, PaymentStatus
from .timestamps import Timestamp

CASH_PROVIDER: Final = "cash"
"""The ledger's provider for cash: the shop itself."""


# --- Requests ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CardToken:
    """A card token for one payment. With `save_for`, a customer's id, the card is saved; `owner` is the provider's id
    of that customer, if any.
    """

    token: str
    save_for: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class SavedCard:
    """A saved card; `reference` and `owner` are the provider's ids of card and customer."""

    reference: str
    owner: str
    brand: str | None = None
    last4: str | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """A payment to authorize. `key` is ours, one per attempt; `payable_id` is what it pays for."""

    key: str
    payable_id: str
    amount: Money
    card: CardToken | SavedCard
    return_url: str | None = None
    """Where the customer returns to from their bank."""
    noun: str = "order"
    """What it pays for: that, or a ``booking``."""


# --- What is answered -------------------------------------------------------------------------------------------------


class PaymentAction(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What the customer must do before the bank approves (3-D Secure, redirect)."""

    url: str | None = None
    """The URL to open in the browser, which returns to `returnUrl`."""
    client_secret: str | None = None
    """For the provider's script, which does it in the page."""


@dataclass(frozen=True, slots=True)
class PaymentTaken:
    """The result of an authorization: the payment's state, and what may be shown of the method.

    `amount`, `key` and `reference` (the provider's id) are None without a provider. With an `action` the status is
    UNPAID until the provider reports that it was authorized or failed.
    """

    status: PaymentStatus
    info: PaymentInfo
    amount: Money | None = None
    provider: str | None = None
    reference: str | None = None
    key: str | None = None
    saved: SavedCard | None = None
    action: PaymentAction | None = None


BY_CASH: Final = PaymentTaken(PaymentStatus.UNPAID, PaymentInfo(PaymentMethod.CASH))


@dataclass(frozen=True, slots=True)
class Authorized:
    """The whole amount is authorized, after the customer's action."""


@dataclass(frozen=True, slots=True)
class Captured:
    """`amount` was captured in all so far, in minor units."""

    amount: int


@dataclass(frozen=True, slots=True)
class Voided:
    """The authorization ended without a capture."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The authorization failed."""


@dataclass(frozen=True, slots=True)
class RefundPending:
    """A refund of `amount` is pending. `task_id` is the key of our request, if it was ours."""

    reference: str
    amount: int
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refunded:
    """A refund of `amount` completed."""

    reference: str
    amount: int
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class RefundFailed:
    """A refund failed, was cancelled or returned by the bank. `amount` is 0 if the provider does not report it."""

    reference: str
    amount: int = 0
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class DisputeOpened:
    reference: str


@dataclass(frozen=True, slots=True)
class DisputeClosed:
    reference: str
    won: bool


RefundFact: TypeAlias = RefundPending | Refunded | RefundFailed
Fact: TypeAlias = Authorized | Captured | Voided | Failed | RefundFact | DisputeOpened | DisputeClosed


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """A provider's event; `payment` is its id of the payment. Without a fact it does not concern us."""

    event_id: str
    kind: str
    payment: str | None
    fact: Fact | None
    currency: str | None = None
    """The currency of the fact's amount, if given."""
    pays_for: str | None = None
    """The order or booking named by a payment that was made elsewhere."""

    @property
    def begins(self) -> str | None:
        """The payable, if this reports that a payment made elsewhere was authorized or captured."""
        return self.pays_for if isinstance(self.fact, Authorized | Captured) else None


@dataclass(frozen=True, slots=True)
class ProviderPayment:
    """A payment in the provider's records; sums in minor units. `refunded` includes lost disputes and pending
    refunds.
    """

    reference: str
    currency: str
    captured: int
    refunded: int
    is_held: bool = False
    """Authorized, neither captured nor voided."""
    is_disputed: bool = False
    needs_action: bool = False
    """The customer's confirmation is pending."""


# --- The port ---------------------------------------------------------------------------------------------------------


class PaymentProvider(Protocol):
    """Each call raises ProviderUnavailable if no response came in time: the outcome is then unknown."""

    @property
    def name(self) -> str:
        """The name in the ledger and in the webhook's path."""
        ...

    @property
    def title(self) -> str:
        """The display name."""
        ...

    async def authorize(self, charge: Charge) -> PaymentTaken:
        """Authorize or capture the amount. Raises PaymentDeclined, InvalidField for an unknown token, or
        ProviderRefused; nothing is taken then.
        """
        ...

    async def capture(self, reference: str, amount: Money, key: str) -> Captured:
        """Capture the authorization. Raises ProviderRefused."""
        ...

    async def void(self, reference: str, key: str) -> Voided | Captured:
        """Void the authorization; return Captured if it was captured before. Raises ProviderRefused."""
        ...

    async def refund(self, reference: str, amount: Money, key: str) -> Refunded | RefundPending:
        """Refund a part or all of what was captured; a pending refund is completed by an event. Raises
        ProviderRefused.
        """
        ...

    async def lookup(self, reference: str) -> ProviderPayment | None:
        """The provider's record of the payment; None if it has none."""
        ...

    async def find(self, key: str, since: Timestamp) -> ProviderPayment | None:
        """Find the payment made with `key` at or after `since`."""
        ...

    async def forget_card(self, card: SavedCard, key: str) -> None:
        """Delete a saved card; one that is gone is no error."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...

    def read_event(self, body: bytes, headers: Mapping[str, str], now_s: float) -> ProviderEvent:
        """Verify and parse an event that arrived over HTTP. Raises WebhookRefused if the signature is wrong."""
        ...

    def parse_event(self, event_id: str, body: bytes) -> ProviderEvent:
        """Parse an event whose signature was verified on arrival. Raises WebhookRefused."""
        ...
