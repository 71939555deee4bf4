"""The sandbox payment provider: a token stands for the outcome it brings. No money moves.

Like a real one it takes a payment once per key: asked again with the key, it answers the same payment. One that was
voided leaves its key free.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from .errors import InvalidField, PaymentDeclined
from .orders import CardPayment, CashPayment, PaymentInfo
from .states import PaymentMethod, PaymentStatus

PAYMENTS_REMEMBERED_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class PaymentTaken:
    """What a provider answered: the state that the order starts in, and what of the method may be shown."""

    status: PaymentStatus
    info: PaymentInfo


_CASH: Final = PaymentTaken(PaymentStatus.UNPAID, PaymentInfo(PaymentMethod.CASH))
_VISA: Final = PaymentTaken(PaymentStatus.PAID, PaymentInfo(PaymentMethod.CARD, brand="visa", last4="4242"))


class Sandbox:
    """Remembers its newest payments by key; cash is none of its business, and never kept."""

    def __init__(self) -> None:
        self._payments: OrderedDict[str, PaymentTaken] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Sandbox {len(self._payments)} payments>"

    def holds(self, key: str) -> bool:
        """Whether a payment was taken with `key`, and not voided."""
        return key in self._payments

    async def take(self, payment: CashPayment | CardPayment, key: str) -> PaymentTaken:
        """Take a payment. Raises PaymentDeclined for ``tok_declined``, InvalidField for a token it does not know."""
        if isinstance(payment, CashPayment):
            return _CASH
        if key not in self._payments:
            self._payments[key] = take_payment(payment)
            if len(self._payments) > PAYMENTS_REMEMBERED_MAX:
                self._payments.popitem(last=False)
        return self._payments[key]

    async def void(self, key: str) -> None:
        """Give back what was taken with `key`, if anything was."""
        self._payments.pop(key, None)


def take_payment(payment: CashPayment | CardPayment) -> PaymentTaken:
    """The outcome that a token stands for. Raises as ``Sandbox.take`` does."""
    if isinstance(payment, CashPayment):
        return _CASH
    if payment.token == "tok_visa":  # noqa: S105 - a name of an outcome, not a secret
        return _VISA
    if payment.token == "tok_declined":  # noqa: S105
        raise PaymentDeclined
    raise InvalidField("paymentInfo.token", "The payment provider does not know this token.")
