"""Payments as the shop speaks of them: the port to a provider of payments, and the facts that one tells.

Every deed carries a key of ours. Asked again with the key, a provider does nothing twice and answers as before; so what
a crash left unanswered is simply asked again.
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
"""Whom the ledger names for money that was handed over: the shop itself."""


# --- What is asked ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CardToken:
    """A card that the provider has seen, good for one payment. With `save_for`, a customer's id, it is kept; `owner`
    is the provider's name for that customer, if it has given one.
    """

    token: str
    save_for: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class SavedCard:
    """A card that the provider keeps; `reference` and `owner` are its own names for the card and its holder."""

    reference: str
    owner: str
    brand: str | None = None
    last4: str | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """A payment to take. `key` is ours, one for each attempt; `payable_id` names what it is for."""

    key: str
    payable_id: str
    amount: Money
    card: CardToken | SavedCard
    return_url: str | None = None
    """Where the customer comes back to, if their bank wants to see them first."""
    noun: str = "order"
    """What it is for: that, or a ``booking``."""


# --- What is answered -------------------------------------------------------------------------------------------------


class PaymentAction(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What the customer is to do before their bank lets the payment go (3-D Secure, a redirect)."""

    url: str | None = None
    """Where their browser is to go; it comes back to `returnUrl`."""
    client_secret: str | None = None
    """For the provider's own script, by which a page does it in place."""


@dataclass(frozen=True, slots=True)
class PaymentTaken:
    """What an order starts with: its payment's state, and what of the method may be shown.

    `amount` is what the provider was asked for, `key` under which it was asked, `reference` its name for the payment;
    all are None where no provider took part. With an `action` nothing was taken yet: the status is UNPAID, until the
    provider tells that it is authorized, or failed.
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
    """All of it is held: the customer has done what their bank wanted."""


@dataclass(frozen=True, slots=True)
class Captured:
    """`amount` in all has been captured: minor units, the sum so far."""

    amount: int


@dataclass(frozen=True, slots=True)
class Voided:
    """The authorization has ended; nothing was or will be captured."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The authorization came to nothing."""


@dataclass(frozen=True, slots=True)
class RefundPending:
    """One refund of `amount` is under way, by the provider's name for it: the customer has not got the money yet.
    `task_id` is the key under which we asked, if we did.
    """

    reference: str
    amount: int
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refunded:
    """One refund of `amount` was made."""

    reference: str
    amount: int
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class RefundFailed:
    """A refund came to nothing, be it that the customer's bank sent it back or that it was cancelled. The shop has the
    money again; `amount` is 0 where the provider does not say how much.
    """

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
    """One event of a provider: `payment` is its name for the payment. No fact: nothing that concerns us."""

    event_id: str
    kind: str
    payment: str | None
    fact: Fact | None
    currency: str | None = None
    """Of the fact's amount, where the event says so."""
    pays_for: str | None = None
    """The order or booking that it names, of a payment that we did not ask for: one that was made elsewhere."""

    @property
    def begins(self) -> str | None:
        """What a payment that was made elsewhere pays for, where this tells that it was held or taken."""
        return self.pays_for if isinstance(self.fact, Authorized | Captured) else None


@dataclass(frozen=True, slots=True)
class ProviderPayment:
    """A payment as it stands in the provider's books; sums in minor units. `refunded` counts lost disputes too, and
    refunds under way.
    """

    reference: str
    currency: str
    captured: int
    refunded: int
    is_held: bool = False
    """Authorized, and neither captured nor let go."""
    is_disputed: bool = False
    needs_action: bool = False
    """Its customer has still to confirm it, and can."""


# --- The port ---------------------------------------------------------------------------------------------------------


class PaymentProvider(Protocol):
    """Every call raises ProviderUnavailable where no answer came in time: whether it was done is then unknown."""

    @property
    def name(self) -> str:
        """As the ledger and the webhook's path call it."""
        ...

    @property
    def title(self) -> str:
        """As people are told it."""
        ...

    async def authorize(self, charge: Charge) -> PaymentTaken:
        """Hold the amount, or take it at once, as the provider does. Raises PaymentDeclined, InvalidField for a token
        that it does not know, and ProviderRefused; then nothing was taken.
        """
        ...

    async def capture(self, reference: str, amount: Money, key: str) -> Captured:
        """Take what is held. Raises ProviderRefused."""
        ...

    async def void(self, reference: str, key: str) -> Voided | Captured:
        """Let go of what is held; Captured where it was taken before. Raises ProviderRefused."""
        ...

    async def refund(self, reference: str, amount: Money, key: str) -> Refunded | RefundPending:
        """Give back a part or all of what was captured; what becomes of one under way comes as an event.

        Raises ProviderRefused.
        """
        ...

    async def lookup(self, reference: str) -> ProviderPayment | None:
        """The payment as the provider has it; None where it knows of none."""
        ...

    async def find(self, key: str, since: Timestamp) -> ProviderPayment | None:
        """The payment that was taken with `key` at or after `since`, if one was."""
        ...

    async def forget_card(self, card: SavedCard, key: str) -> None:
        """Keep the card no longer. One that is gone already is no error."""
        ...

    async def close(self) -> None:
        """Let go of its connections; nothing is asked any more."""
        ...

    def read_event(self, body: bytes, headers: Mapping[str, str], now_s: float) -> ProviderEvent:
        """Read an event that arrived over HTTP. Raises WebhookRefused where it was not signed by the provider."""
        ...

    def parse_event(self, event_id: str, body: bytes) -> ProviderEvent:
        """Read the body of an event whose signature was checked when it arrived. Raises WebhookRefused."""
        ...
