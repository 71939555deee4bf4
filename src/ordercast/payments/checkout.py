"""Takes the payment of an order or booking that is about to be placed, or is open and unpaid.

The provider is called before the unit of work, and the process may crash in between. So a promise to refund is written
first, and removed by the transaction that places the order. So nobody is charged for an order or booking that does not
exist.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, TypeVar

from ordercast.commerce.errors import InvalidField, PaymentDeclined, ProviderRefused
from ordercast.commerce.money import Money
from ordercast.commerce.orders import CardPayment, CashPayment, PaymentInfo, SavedCardPayment
from ordercast.commerce.payables import PayableStatus, check_payable
from ordercast.commerce.payments import BY_CASH, CardToken, Charge, PaymentProvider, PaymentTaken, SavedCard
from ordercast.commerce.people import Actor, Role
from ordercast.commerce.states import PaymentMethod, PaymentState, PaymentStatus
from ordercast.commerce.timestamps import timestamp
from ordercast.db import Store, Transaction, payment_tasks, saved_cards

from .registry import Providers

T = TypeVar("T")

# Longer than any provider takes to answer, shorter than a customer accepts a held amount.
GIVE_BACK_AFTER_MS: Final = 5 * 60_000


@dataclass(frozen=True, slots=True)
class Purchase:
    """An ``order`` or ``booking`` that is about to be placed, with its future id. `price` returns what it costs now,
    and raises if it could not be placed.
    """

    noun: str
    id: str
    info: CashPayment | CardPayment | SavedCardPayment
    price: Callable[[Transaction], Money]


@dataclass(frozen=True, slots=True)
class OpenPayable:
    """An open, unpaid order or booking."""

    noun: str
    id: str
    status: PayableStatus
    payment: PaymentState
    currency: str


class Checkout:
    """Takes payments through `providers`. `new_id` makes an id with a prefix, the attempt's idempotency key."""

    def __init__(
        self, store: Store, providers: Providers, new_id: Callable[[str], str], now_ms: Callable[[], int]
    ) -> None:
        self._store = store
        self._providers = providers
        self._new_id = new_id
        self._now_ms = now_ms

    def __repr__(self) -> str:
        return f"<Checkout {self._providers!r}>"

    async def place(
        self,
        wanted: Purchase,
        actor: Actor,
        place: Callable[[PaymentTaken], Awaitable[T]],
        *,
        counted: AbstractAsyncContextManager[None],
    ) -> T:
        """Take the payment, then call `place`; if that is refused, the payment is refunded. `counted` is entered around
        the charge, and may limit declined attempts.

        Raises PaymentDeclined, ProviderUnavailable, InvalidField, and the errors of `place`, `counted` and the price.
        """
        if isinstance(wanted.info, CashPayment):
            payment = BY_CASH
        else:
            async with counted:
                payment = await self._take(wanted, wanted.info, actor)
        return await self._run_or_refund(payment, place)

    async def pay(
        self,
        unpaid: OpenPayable,
        info: CardPayment | SavedCardPayment,
        actor: Actor,
        pay: Callable[[PaymentTaken], Awaitable[T]],
        *,
        counted: AbstractAsyncContextManager[None],
    ) -> T:
        """Take the payment of an open payable, then call `pay`; if that came too late, the payment is refunded.

        Raises NotPayable, and as `place`.
        """
        check_payable(unpaid.status, unpaid.payment)
        provider = self._providers.current
        card = await self._store.read(lambda transaction: self._card(transaction, info, actor))
        amount = Money(unpaid.payment.total, unpaid.currency)
        async with counted:
            back = _return_url(info, unpaid.noun, unpaid.id)
            charge = Charge(self._new_id("pay"), unpaid.id, amount, card, back, unpaid.noun)
            payment = await self._charge(provider, charge)
        return await self._run_or_refund(payment, pay)

    async def _run_or_refund(self, payment: PaymentTaken, continuation: Callable[[PaymentTaken], Awaitable[T]]) -> T:
        """Run `continuation` with the payment; refund it if that fails."""
        try:
            return await continuation(payment)
        except Exception:
            # Not on cancellation: the unit still runs then, and removes the promise or leaves it.
            if (key := payment.key) is not None:
                now = timestamp(self._now_ms())
                await self._store.write(lambda transaction: payment_tasks.hasten(transaction, key, now))
            raise

    async def _take(self, wanted: Purchase, info: CardPayment | SavedCardPayment, actor: Actor) -> PaymentTaken:
        provider = self._providers.current

        def look(transaction: Transaction) -> tuple[Money, CardToken | SavedCard]:
            return wanted.price(transaction), self._card(transaction, info, actor)

        amount, card = await self._store.read(look)
        if amount.minor == 0:
            return _nothing_to_pay(amount, card)
        # One key per attempt: what a former attempt took is refunded, and not reused.
        back = _return_url(info, wanted.noun, wanted.id)
        return await self._charge(provider, Charge(wanted.id, wanted.id, amount, card, back, wanted.noun))

    async def _charge(self, provider: PaymentProvider, charge: Charge) -> PaymentTaken:
        """Charge, after a promise to refund was written. The key is the attempt's."""
        now_ms = self._now_ms()
        due_at, now = timestamp(now_ms + GIVE_BACK_AFTER_MS), timestamp(now_ms)
        key = charge.key
        await self._store.write(
            lambda transaction: payment_tasks.promise(
                transaction, key, charge.payable_id, provider.name, amount=charge.amount, due_at=due_at, now=now
            )
        )
        try:
            return await provider.authorize(charge)
        except (PaymentDeclined, InvalidField, ProviderRefused):
            # Nothing was taken. Without an answer that is unknown, and the promise stays.
            await self._store.write(lambda transaction: payment_tasks.drop(transaction, key))
            raise

    def _card(
        self, transaction: Transaction, info: CardPayment | SavedCardPayment, actor: Actor
    ) -> CardToken | SavedCard:
        """The card to charge."""
        is_customer = actor.role is Role.CUSTOMER
        provider = self._providers.current.name
        if isinstance(info, SavedCardPayment):
            if not is_customer:
                raise InvalidField("paymentInfo.savedMethodId", "Saved cards are for customers who are signed in.")
            return saved_cards.find(transaction, info.saved_method_id, actor.id, provider)
        if info.save and not is_customer:
            raise InvalidField("paymentInfo.save", "A card is saved for customers who are signed in.")
        if not info.save:
            return CardToken(info.token)
        return CardToken(info.token, save_for=actor.id, owner=saved_cards.owner_of(transaction, actor.id, provider))


def _return_url(info: CardPayment | SavedCardPayment, noun: str, payable_id: str) -> str | None:
    return None if info.return_url is None else info.return_url.replace(f"{{{noun}Id}}", payable_id)


def _nothing_to_pay(amount: Money, card: CardToken | SavedCard) -> PaymentTaken:
    """A payment of 0, without a provider, as providers reject it. The amount is kept, so an order that costs something
    by now is refused.
    """
    if isinstance(card, SavedCard):
        info = PaymentInfo(PaymentMethod.SAVED_CARD, brand=card.brand, last4=card.last4)
    else:
        info = PaymentInfo(PaymentMethod.CARD)
    return PaymentTaken(PaymentStatus.PAID, info, amount)
