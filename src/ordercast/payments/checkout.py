"""Taking the payment of an order or a booking: of one that is about to be placed, or of one that stands unpaid.

The provider is asked before the unit of work, and the process may die in between. So a promise to give the payment back
is written first; the transaction that places it takes it back. Whatever happens, nobody is charged for an order
or booking that does not exist.
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

# Longer than any provider's answer may take, shorter than a customer's patience with a held amount.
GIVE_BACK_AFTER_MS: Final = 5 * 60_000


@dataclass(frozen=True, slots=True)
class Purchase:
    """What is about to be placed, an ``order`` or a ``booking``, under the id that it will have. `price` says what it
    comes to now, and raises where it could not be placed.
    """

    noun: str
    id: str
    info: CashPayment | CardPayment | SavedCardPayment
    price: Callable[[Transaction], Money]


@dataclass(frozen=True, slots=True)
class Unpaid:
    """What stands and is to be paid for."""

    noun: str
    id: str
    status: PayableStatus
    payment: PaymentState
    currency: str


class Checkout:
    """Takes payments through `providers`. `new_id` makes an id with a prefix; by it an attempt is known."""

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
        """Take the payment, then `place` what it is for; a payment for what is refused is given back. A card is charged
        while `counted` is entered, which may bound how many are declined.

        Raises PaymentDeclined, ProviderUnavailable, InvalidField, and what `place`, `counted` and the price do.
        """
        if isinstance(wanted.info, CashPayment):
            payment = BY_CASH
        else:
            async with counted:
                payment = await self._take(wanted, wanted.info, actor)
        return await self._then(payment, place)

    async def pay(
        self,
        unpaid: Unpaid,
        info: CardPayment | SavedCardPayment,
        actor: Actor,
        pay: Callable[[PaymentTaken], Awaitable[T]],
        *,
        counted: AbstractAsyncContextManager[None],
    ) -> T:
        """Take the payment of what stands, then `pay` with it; what came too late is given back.

        Raises NotPayable, and as `place` does.
        """
        check_payable(unpaid.status, unpaid.payment)
        provider = self._providers.current
        card = await self._store.read(lambda transaction: self._card(transaction, info, actor))
        amount = Money(unpaid.payment.total, unpaid.currency)
        async with counted:
            back = _return_url(info, unpaid.noun, unpaid.id)
            charge = Charge(self._new_id("pay"), unpaid.id, amount, card, back, unpaid.noun)
            payment = await self._charge(provider, charge)
        return await self._then(payment, pay)

    async def _then(self, payment: PaymentTaken, go_on: Callable[[PaymentTaken], Awaitable[T]]) -> T:
        """Go on with what was taken; where that is refused, give it back."""
        try:
            return await go_on(payment)
        except Exception:
            # Not where we were cancelled: the unit still runs then, and takes the promise back or leaves it.
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
        # One for each attempt, not each request: what a former attempt took is given back, and cannot be used again.
        back = _return_url(info, wanted.noun, wanted.id)
        return await self._charge(provider, Charge(wanted.id, wanted.id, amount, card, back, wanted.noun))

    async def _charge(self, provider: PaymentProvider, charge: Charge) -> PaymentTaken:
        """Ask the provider, once it is promised that what it takes is given back. Its key is one for each attempt."""
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
            # Nothing was taken. Where no answer came, that is unknown, and the promise stays.
            await self._store.write(lambda transaction: payment_tasks.drop(transaction, key))
            raise

    def _card(
        self, transaction: Transaction, info: CardPayment | SavedCardPayment, actor: Actor
    ) -> CardToken | SavedCard:
        """The card that is to pay."""
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
    """Paid, without a provider: none holds, captures or gives back nothing, and Stripe refuses to be asked. As the
    amount is kept, an order that has come to cost something meanwhile is refused.
    """
    if isinstance(card, SavedCard):
        info = PaymentInfo(PaymentMethod.SAVED_CARD, brand=card.brand, last4=card.last4)
    else:
        info = PaymentInfo(PaymentMethod.CARD)
    return PaymentTaken(PaymentStatus.PAID, info, amount)
