"""The sandbox provider's rules: a token stands for what becomes of the payment. No money moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .errors import InvalidField, PaymentDeclined, ProviderUnavailable
from .orders import PaymentInfo
from .payments import PaymentTaken
from .states import PaymentMethod, PaymentStatus

SANDBOX: Final = "sandbox"
SANDBOX_NOTICE: Final = "Card payments are taken by the sandbox: no money moves."

# Long enough to be seen in a demo, short enough to wait for in a test.
SLOW_S: Final = 2.0
CHARGEBACK_AFTER_S: Final = 2.0
REFUND_ENDS_AFTER_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class SandboxOutcome:
    """How a card of the sandbox behaves."""

    brand: str = "visa"
    last4: str = "4242"
    is_captured_at_once: bool = True
    declines: bool = False
    needs_action: bool = False
    """The customer is sent to a page of the bank's, which holds the money when they confirm."""
    is_slow: bool = False
    is_unavailable: bool = False
    is_flaky: bool = False
    """Each later deed is unavailable when it is asked for the first time, and done at the second."""
    refuses_capture: bool = False
    refuses_refund: bool = False
    is_refund_pending: bool = False
    """Refunds are under way for some moments."""
    is_refund_returned: bool = False
    """Refunds come back some moments later."""
    captured_percent: int = 100
    """How much of what is held its bank lets go of."""
    is_charged_back: bool = False
    """Disputed some moments after the capture."""
    loses: int = 0
    """Minor units by which the sandbox's books fall short of what it said it captured."""


OUTCOMES: Final[dict[str, SandboxOutcome]] = {
    "tok_visa": SandboxOutcome(),
    "tok_mastercard": SandboxOutcome(brand="mastercard", last4="4444"),
    "tok_authorize_only": SandboxOutcome(is_captured_at_once=False),
    "tok_3ds": SandboxOutcome(last4="3220", is_captured_at_once=False, needs_action=True),
    "tok_declined": SandboxOutcome(declines=True),
    "tok_slow": SandboxOutcome(is_slow=True),
    "tok_unavailable": SandboxOutcome(is_unavailable=True),
    "tok_flaky": SandboxOutcome(is_captured_at_once=False, is_flaky=True),
    "tok_capture_fails": SandboxOutcome(last4="0341", is_captured_at_once=False, refuses_capture=True),
    "tok_refund_fails": SandboxOutcome(last4="5126", refuses_refund=True),
    "tok_refund_pending": SandboxOutcome(last4="7726", is_refund_pending=True),
    "tok_refund_returns": SandboxOutcome(last4="3075", is_refund_pending=True, is_refund_returned=True),
    "tok_captured_in_part": SandboxOutcome(last4="6060", is_captured_at_once=False, captured_percent=60),
    "tok_chargeback": SandboxOutcome(last4="0259", is_charged_back=True),
    "tok_mismatch": SandboxOutcome(last4="0101", loses=1),
}


def outcome_of(token: str) -> SandboxOutcome:
    """What the token stands for. Raises InvalidField for one that the sandbox does not know."""
    outcome = OUTCOMES.get(token)
    if outcome is None:
        raise InvalidField("paymentInfo.token", "The payment provider does not know this token.")
    return outcome


def taken_by(outcome: SandboxOutcome, method: PaymentMethod) -> PaymentTaken:
    """What a card of that kind answers. Raises PaymentDeclined or ProviderUnavailable."""
    if outcome.declines:
        raise PaymentDeclined
    if outcome.is_unavailable:
        raise ProviderUnavailable
    status = PaymentStatus.PAID if outcome.is_captured_at_once else PaymentStatus.AUTHORIZED
    return PaymentTaken(status, PaymentInfo(method, brand=outcome.brand, last4=outcome.last4))
