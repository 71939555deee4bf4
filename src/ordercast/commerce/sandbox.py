"""The sandbox provider's rules: a token selects the outcome of the payment. No money moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .errors import InvalidField, PaymentDeclined, ProviderUnavailable
from .orders import PaymentInfo
from .payments import PaymentTaken
from .states import PaymentMethod, PaymentStatus

SANDBOX: Final = "sandbox"
SANDBOX_NOTICE: Final = "Card payments are taken by the sandbox: no money moves."

# Visible in a demo, bearable in a test.
SLOW_S: Final = 2.0
CHARGEBACK_AFTER_S: Final = 2.0
REFUND_ENDS_AFTER_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class SandboxOutcome:
    """The behaviour of a sandbox card."""

    brand: str = "visa"
    last4: str = "4242"
    is_captured_at_once: bool = True
    declines: bool = False
    needs_action: bool = False
    """The customer confirms on a bank page, which authorizes the payment."""
    is_slow: bool = False
    is_unavailable: bool = False
    is_flaky: bool = False
    """Each later action fails once as unavailable, then succeeds."""
    refuses_capture: bool = False
    refuses_refund: bool = False
    is_refund_pending: bool = False
    """Refunds are pending for a moment."""
    is_refund_returned: bool = False
    """Refunds are returned after a moment."""
    captured_percent: int = 100
    """The percentage of the authorization that can be captured."""
    is_charged_back: bool = False
    """Disputed a moment after the capture."""
    loses: int = 0
    """Minor units missing in the sandbox's records, for reconciliation."""


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
    """The outcome of a token. Raises InvalidField if it is unknown."""
    outcome = OUTCOMES.get(token)
    if outcome is None:
        raise InvalidField("paymentInfo.token", "The payment provider does not know this token.")
    return outcome


def taken_by(outcome: SandboxOutcome, method: PaymentMethod) -> PaymentTaken:
    """The response of such a card. Raises PaymentDeclined or ProviderUnavailable."""
    if outcome.declines:
        raise PaymentDeclined
    if outcome.is_unavailable:
        raise ProviderUnavailable
    status = PaymentStatus.PAID if outcome.is_captured_at_once else PaymentStatus.AUTHORIZED
    return PaymentTaken(status, PaymentInfo(method, brand=outcome.brand, last4=outcome.last4))
