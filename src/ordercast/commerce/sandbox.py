"""The sandbox payment provider: a token stands for the outcome it brings. No money moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .errors import InvalidField, PaymentDeclined
from .orders import CardPayment, CashPayment, PaymentInfo
from .states import PaymentMethod, PaymentStatus


@dataclass(frozen=True, slots=True)
class PaymentTaken:
    """What a provider answered: the state that the order starts in, and what of the method may be shown."""

    status: PaymentStatus
    info: PaymentInfo


_CASH: Final = PaymentTaken(PaymentStatus.UNPAID, PaymentInfo(PaymentMethod.CASH))
_VISA: Final = PaymentTaken(PaymentStatus.PAID, PaymentInfo(PaymentMethod.CARD, brand="visa", last4="4242"))


def take_payment(payment: CashPayment | CardPayment) -> PaymentTaken:
    """Raises PaymentDeclined for ``tok_declined`` and InvalidField for a token the sandbox does not know."""
    if isinstance(payment, CashPayment):
        return _CASH
    if payment.token == "tok_visa":  # noqa: S105 - a name of an outcome, not a secret
        return _VISA
    if payment.token == "tok_declined":  # noqa: S105
        raise PaymentDeclined
    raise InvalidField("paymentInfo.token", "The payment provider does not know this token.")
