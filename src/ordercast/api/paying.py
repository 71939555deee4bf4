"""Taking the payment of an order: of one that is about to be placed, or of one that stands unpaid.

The provider is asked before the unit of work, and the process may die in between. So a promise to give the payment back
is written first; the transaction that places the order takes it back. Whatever happens, nobody is charged for an order
that does not exist.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from ordercast.commerce.errors import InvalidField, PaymentDeclined, ProviderRefused
from ordercast.commerce.moments import moment
from ordercast.commerce.money import Money
from ordercast.commerce.orders import CardPayment, CashPayment, Order, PaymentInfo, PlaceOrder, SavedCardPayment
from ordercast.commerce.payment_flow import check_payable
from ordercast.commerce.payments import BY_CASH, CardToken, Charge, PaymentProvider, PaymentTaken, SavedCard
from ordercast.commerce.people import Actor, Role
from ordercast.commerce.placing import check_order
from ordercast.commerce.states import PaymentMethod, PaymentState, PaymentStatus
from ordercast.db import Transaction, payment_tasks, saved_cards
from ordercast.db.quotes import quote

from .budgets import DECLINED_CARDS
from .desk import FrontDesk

T = TypeVar("T")

# Longer than any provider's answer may take, shorter than a customer's patience with a held amount.
GIVE_BACK_AFTER_MS: Final = 5 * 60_000


async def place_paid(
    desk: FrontDesk,
    command: PlaceOrder,
    actor: Actor,
    order_id: str,
    place: Callable[[PaymentTaken], Awaitable[T]],
    *,
    whose: str | None,
) -> T:
    """Take the payment, then `place` the order with it; a payment whose order is refused is given back. A card that is
    declined is charged to `whose` budget.

    Raises PaymentDeclined, ProviderUnavailable, InvalidField, TooManyAttempts, and what `place` does.
    """
    if isinstance(command.payment_info, CashPayment):
        payment = BY_CASH
    else:
        async with desk.budgets.counting(DECLINED_CARDS, whose, PaymentDeclined):
            payment = await _take(desk, command, actor, order_id)
    return await _then(desk, payment, place)


async def pay_for(
    desk: FrontDesk,
    order: Order,
    info: CardPayment | SavedCardPayment,
    actor: Actor,
    pay: Callable[[PaymentTaken], Awaitable[T]],
    *,
    whose: str | None,
) -> T:
    """Take the payment of an order that stands, then `pay` with it; what came too late is given back.

    Raises NotPayable, and as `place_paid` does.
    """
    check_payable(order.status, PaymentState(order.payment_status, order.total, order.amount_paid))
    provider = desk.providers.current
    card = await desk.store.read(lambda transaction: _card(transaction, desk, info, actor))
    amount = Money(order.total, order.currency)
    async with desk.budgets.counting(DECLINED_CARDS, whose, PaymentDeclined):
        charge = Charge(desk.new_id("pay"), order.id, amount, card, _return_url(info, order.id))
        payment = await _charge(desk, provider, charge)
    return await _then(desk, payment, pay)


async def _then(desk: FrontDesk, payment: PaymentTaken, go_on: Callable[[PaymentTaken], Awaitable[T]]) -> T:
    """Go on with what was taken; where that is refused, give it back."""
    try:
        return await go_on(payment)
    except Exception:
        # Not where we were cancelled: the unit still runs then, and takes the promise back or leaves it.
        if (key := payment.key) is not None:
            now = desk.now()
            await desk.store.write(lambda transaction: payment_tasks.hasten(transaction, key, now))
        raise


async def _take(desk: FrontDesk, command: PlaceOrder, actor: Actor, order_id: str) -> PaymentTaken:
    provider = desk.providers.current
    amount, card = await desk.store.read(lambda transaction: _look(transaction, desk, command, actor))
    if amount.minor == 0:
        return _nothing_to_pay(amount, card)
    # One for each attempt, not for each request: what a former attempt took is given back, and cannot be used again.
    assert not isinstance(command.payment_info, CashPayment)
    back = _return_url(command.payment_info, order_id)
    return await _charge(desk, provider, Charge(order_id, order_id, amount, card, back))


def _return_url(info: CardPayment | SavedCardPayment, order_id: str) -> str | None:
    return None if info.return_url is None else info.return_url.replace("{orderId}", order_id)


async def _charge(desk: FrontDesk, provider: PaymentProvider, charge: Charge) -> PaymentTaken:
    """Ask the provider, once it is promised that what it takes is given back. Its key is one for each attempt."""
    now_ms = desk.now_ms()
    due_at, now = moment(now_ms + GIVE_BACK_AFTER_MS), moment(now_ms)
    key = charge.key
    await desk.store.write(
        lambda transaction: payment_tasks.promise(
            transaction, key, charge.order_id, provider.name, amount=charge.amount, due_at=due_at, now=now
        )
    )
    try:
        return await provider.authorize(charge)
    except (PaymentDeclined, InvalidField, ProviderRefused):
        # Nothing was taken. Where no answer came, that is unknown, and the promise stays.
        await desk.store.write(lambda transaction: payment_tasks.drop(transaction, key))
        raise


def _nothing_to_pay(amount: Money, card: CardToken | SavedCard) -> PaymentTaken:
    """Paid, without a provider: none holds, captures or gives back nothing, and Stripe refuses to be asked. As the
    amount is kept, an order that has come to cost something meanwhile is refused.
    """
    if isinstance(card, SavedCard):
        info = PaymentInfo(PaymentMethod.SAVED_CARD, brand=card.brand, last4=card.last4)
    else:
        info = PaymentInfo(PaymentMethod.CARD)
    return PaymentTaken(PaymentStatus.PAID, info, amount)


def _look(
    transaction: Transaction, desk: FrontDesk, command: PlaceOrder, actor: Actor
) -> tuple[Money, CardToken | SavedCard]:
    """What the order comes to now, and the card that is to pay for it."""
    is_customer = actor.role is Role.CUSTOMER
    sums = quote(transaction, command, actor.id if is_customer else None, desk.now())
    check_order(command, sums, actor)
    assert not isinstance(command.payment_info, CashPayment)
    return Money(sums.total, sums.currency), _card(transaction, desk, command.payment_info, actor)


def _card(
    transaction: Transaction, desk: FrontDesk, info: CardPayment | SavedCardPayment, actor: Actor
) -> CardToken | SavedCard:
    """The card that is to pay."""
    is_customer = actor.role is Role.CUSTOMER
    if isinstance(info, SavedCardPayment):
        if not is_customer:
            raise InvalidField("paymentInfo.savedMethodId", "Saved cards are for customers who are signed in.")
        return saved_cards.find(transaction, info.saved_method_id, actor.id, desk.providers.current.name)
    if info.save and not is_customer:
        raise InvalidField("paymentInfo.save", "A card is saved for customers who are signed in.")
    if not info.save:
        return CardToken(info.token)
    owner = saved_cards.owner_of(transaction, actor.id, desk.providers.current.name)
    return CardToken(info.token, save_for=actor.id, owner=owner)
