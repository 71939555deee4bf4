"""Errors of the shop's rules.

ShopError
├── InvalidField              the request names something that cannot be taken; carries its JSON path
│   ├── CardNumberGiven       a card number where only a provider's token belongs
│   ├── ControlCharacter      a text with characters no one can have typed
│   ├── UnknownStatus         no such status, present or former
│   ├── UnknownProduct        a cart line that names nothing in the catalogue
│   ├── AddressRequired       a delivery without a shipping address, or a payment without a billing address
│   ├── ReasonRequired        a move that must be explained
│   ├── ProofRequired         a delivery that must be proved
│   ├── PromotionRefused      there is no such promotion, or it does not hold for this order
│   ├── TooFewLeft            the stock cannot be lowered by so much
│   ├── NothingThere          a conversation has no message of that position yet
│   └── TotalDiffers          the client's total is not ours
├── NotPermitted              the actor's role may not do this
│   ├── RoomOutOfScope        a back end's token is for other rooms
│   └── Blocked               the shop takes no messages from this buyer
├── AddressUnverified         whoever says that an address is theirs has not shown it
├── NotFound                  there is none, or none that this actor may know of
├── PaymentDeclined           the provider declined
├── ProviderUnavailable       no answer came from the payment provider in time
├── ProviderRefused           the provider will not capture, void or refund, permanently
├── WebhookRefused            a message that no payment provider signed
├── TooManyWaiting            a guest's address has as many unpaid orders waiting for the shop as it may
└── Conflict                  the present state does not allow it
    ├── PriceChanged          the goods cost something else by the time their payment had been taken
    ├── NotPayable            the order or booking is paid, or has ended
    ├── NotRefundable         nothing is left that could be given back
    ├── RefundTooLarge        more than is left
    ├── OutOfStock            fewer pieces are left than were ordered
    ├── EditConflict          it has changed since the actor looked: a product, a promotion, the shop's rules
    ├── LivesElsewhere        the order is another program's, which alone may change it
    ├── TimeNotFree           no carer who could do it is free then
    ├── AddressTaken          another account has this address
    ├── OwnAccount            an admin may not shut themselves out
    ├── LastAdmin             somebody stays who may make accounts
    ├── OrdersOpen            somebody whose orders are under way cannot be forgotten
    │   └── BookingsOpen      nor whose bookings are
    ├── MessageGone           the message was deleted
    ├── TooManyEndpoints      the shop has as many webhook endpoints as it may
    ├── EndpointDisabled      a webhook endpoint to which nothing is sent
    ├── TooManyEdits          the message was changed as often as one may be
    └── StateConflict         the order or booking is not in a state that allows it
        ├── StaleVersion      it has changed since the actor looked
        ├── IllegalTransition the table has no such move
        └── GuardRefused      the move exists, and its condition does not hold
            ├── AttemptsExhausted  what could not be delivered so often goes back
            └── NoDriverFree       nobody on duty is without an order
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from .people import INSIDERS, SEES_EVERY_ORDER

if TYPE_CHECKING:
    from .booking_states import BookingState
    from .money import Money
    from .people import Actor
    from .slots import FreeTime, WantedTime
    from .states import OrderState, OrderStatus, PaymentStatus

    State: TypeAlias = OrderState | BookingState


class ShopError(Exception):
    """An error whose message may be shown to the client."""


class InvalidField(ShopError):
    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        """JSON path in the request, such as ``cartItems[0].quantity``."""
        super().__init__(problem)


class CardNumberGiven(InvalidField):
    def __init__(self, field: str) -> None:
        # The message must not contain the number: it goes to responses and logs.
        super().__init__(field, "This looks like a card number. Send the payment provider's token instead.")


class ControlCharacter(InvalidField):
    def __init__(self, field: str) -> None:
        super().__init__(field, "This text contains control characters.")


class HiddenCharacter(InvalidField):
    """An invisible character, or one that reorders text."""

    def __init__(self, field: str, character: str) -> None:
        super().__init__(field, f"This text contains the invisible character U+{ord(character):04X}.")


class BlankText(InvalidField):
    def __init__(self, field: str) -> None:
        super().__init__(field, "There is nothing to be seen in this text.")


class UnknownStatus(InvalidField):
    def __init__(self, name: str, noun: str = "order") -> None:
        super().__init__("status", f"There is no {noun} status {name[:40]!r}.")


class UnknownProduct(InvalidField):
    def __init__(self, index: int, product_id: str) -> None:
        super().__init__(f"cartItems[{index}].productId", f"There is no product {product_id!r}.")


class AddressRequired(InvalidField):
    """`field` is the address that is missing."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(field, sentence)


class ReasonRequired(InvalidField):
    def __init__(self, target: StrEnum, a_noun: str = "an order") -> None:
        super().__init__("reason", f"A reason is needed to move {a_noun} to {target}.")


class ProofRequired(InvalidField):
    def __init__(self) -> None:
        super().__init__("proof", "This shop wants a proof of each delivery: a code, photo, signature or note.")


class TotalDiffers(InvalidField):
    def __init__(self, given: Money, computed: Money) -> None:
        self.given, self.computed = given, computed
        super().__init__("total", f"The total sent is {given}, but these goods come to {computed}.")


class PromotionRefused(InvalidField):
    def __init__(self, problem: str) -> None:
        super().__init__("promoCode", problem)


class Conflict(ShopError):
    """The current state does not allow it."""


class NothingThere(InvalidField):
    """The position is beyond the newest message."""

    def __init__(self, newest: int) -> None:
        super().__init__("position", f"The newest message of this conversation has the position {newest}.")


class NotPermitted(ShopError):
    def __init__(self, actor: Actor, deed: str, *, role: str = "") -> None:
        """`role` is the name of one that is the shop's own."""
        super().__init__(f"The role {role or actor.role} may not {deed}.")


class RoomOutOfScope(NotPermitted):
    def __init__(self, actor: Actor, room: str, field: str) -> None:
        self.field = field
        super().__init__(actor, f"publish to the room {room!r} with this token, which is for others")


class Blocked(NotPermitted):
    def __init__(self, reason: str) -> None:
        ShopError.__init__(self, f"The shop takes no messages from you at present: {reason.rstrip('.')}.")


class NotFound(ShopError):
    def __init__(self, what: str) -> None:
        super().__init__(f"There is no such {what}.")


class PaymentDeclined(ShopError):
    def __init__(self) -> None:
        super().__init__("The payment was declined. Nothing was ordered and nothing was charged.")


class ProviderUnavailable(ShopError):
    """The outcome is unknown; the caller repeats it with the same key."""

    retry_after_s = 5

    def __init__(self) -> None:
        super().__init__("The payment provider does not answer. Nothing was ordered; try again in a moment.")


class ProviderRefused(ShopError):
    pass


class WebhookRefused(ShopError):
    pass


class PriceChanged(Conflict):
    def __init__(self, wanted: Money, computed: Money) -> None:
        super().__init__(f"The price has changed meanwhile, from {wanted} to {computed}. Nothing was charged.")


class NotPayable(Conflict):
    def __init__(self, noun: str, status: StrEnum, payment: PaymentStatus) -> None:
        super().__init__(f"The {noun} is {status} and its payment {payment}; it cannot be paid for now.")


class NotRefundable(Conflict):
    def __init__(self, status: PaymentStatus) -> None:
        super().__init__(f"The payment is {status}; nothing of it can be given back now.")


class RefundTooLarge(Conflict):
    def __init__(self, wanted: Money, left: Money) -> None:
        self.refundable = left.minor
        super().__init__(f"{wanted} was to be given back, and only {left} is left.")


class OutOfStock(Conflict):
    def __init__(self, index: int, name: str, wanted: int, left: int) -> None:
        self.field = f"cartItems[{index}].quantity"
        self.left = left
        super().__init__(f"{wanted} of {name} were ordered, and {left} are left.")


class ShopClosed(Conflict):
    def __init__(self, closed_for: StrEnum, opens_at: str | None, reason: str | None = None) -> None:
        self.closed_for, self.opens_at = closed_for, opens_at
        why = "The shop takes no orders just now" + (f" ({reason})" if reason else "")
        super().__init__(f"{why}; it opens at {opens_at}." if opens_at else f"{why}.")


class TooManyWaiting(ShopError):
    def __init__(self, budget: str) -> None:
        self.budget = budget
        # Staff answer within minutes; one of several is enough.
        self.retry_after_s = 60
        super().__init__("Too many unpaid orders of your address wait for the shop. Sign in, pay, or try again later.")


class LivesElsewhere(Conflict):
    def __init__(self) -> None:
        super().__init__("This order lives in MongoDB; change it there.")


class TimeNotFree(Conflict):
    def __init__(self, wanted: WantedTime, nearest: Sequence[FreeTime] = ()) -> None:
        self.field = "startsAt"
        self.wanted = wanted
        self.nearest = tuple(nearest)
        """The free times nearest to the requested one."""
        instead = f" The nearest that is: {self.nearest[0].starts_at}." if self.nearest else ""
        super().__init__(f"That time is not free.{instead}")


class AddressTaken(Conflict):
    def __init__(self) -> None:
        self.field = "email"
        super().__init__("There is an account with this address already.")


class AddressUnverified(ShopError):
    def __init__(self) -> None:
        super().__init__("Confirm your address first, by the link that you were mailed.")


class OwnAccount(Conflict):
    def __init__(self) -> None:
        super().__init__("Nobody closes their own account or changes their own role; another admin does.")


class LastAdmin(Conflict):
    def __init__(self) -> None:
        super().__init__("This is the last admin whose account is open. Make another one first.")


class OrdersOpen(Conflict):
    def __init__(self, count: int, what: str = "orders") -> None:
        self.left = count
        super().__init__(f"{count} of this customer's {what} are still under way. Bring them to an end first.")


class BookingsOpen(OrdersOpen):
    def __init__(self, count: int) -> None:
        super().__init__(count, "bookings")


class MessageGone(Conflict):
    def __init__(self) -> None:
        super().__init__("This message was deleted.")


class TooManyEndpoints(Conflict):
    def __init__(self, bound: int) -> None:
        super().__init__(f"There are {bound} webhook endpoints already. Delete one first.")


class EndpointDisabled(Conflict):
    def __init__(self) -> None:
        super().__init__("This webhook endpoint is switched off. Switch it on first.")


class TooManyEdits(Conflict):
    def __init__(self, most: int) -> None:
        super().__init__(f"A message may be changed {most} times; write another one.")


class TooFewLeft(InvalidField):
    def __init__(self, left: int, taken: int) -> None:
        self.left = left
        super().__init__("stockBy", f"{taken} pieces were to be taken from the stock, and {left} are left.")


class EditConflict(Conflict):
    def __init__(self, what: str, version: int, expected: int, changed_by: str, changed_at: str) -> None:
        self.version, self.changed_by, self.changed_at = version, changed_by, changed_at
        seen = f"The {what} is at version {version}, not {expected}; {changed_by} changed it."
        super().__init__(f"{seen} Look again before changing it.")


class StateConflict(Conflict):
    def __init__(self, state: State, allowed: Sequence[StrEnum], sentence: str) -> None:
        self.state = state
        self.allowed = tuple(allowed)
        """The statuses to which this actor may move it now."""
        super().__init__(sentence)


class StaleVersion(StateConflict):
    def __init__(self, state: State, allowed: Sequence[StrEnum], expected: int, asker: Actor) -> None:
        # Staff see which colleague it was; buyers, and of buyers, only the role.
        role = state.changed_by.partition(":")[0]
        is_told = asker.role in SEES_EVERY_ORDER or (asker.role in INSIDERS and role in INSIDERS)
        self.changed_by = state.changed_by if is_told else role
        self.changed_at = state.changed_at
        seen = f"The {state.noun} is at version {state.version} ({state.status}), not {expected}."
        by = f" {self.changed_by} changed it." if self.changed_by else ""
        super().__init__(state, allowed, f"{seen}{by} Look again before changing it.")


class IllegalTransition(StateConflict):
    def __init__(self, state: State, allowed: Sequence[StrEnum], target: StrEnum) -> None:
        super().__init__(state, allowed, f"{state.a_noun.capitalize()} cannot go from {state.status} to {target}.")


class GuardRefused(StateConflict):
    pass


class AttemptsExhausted(GuardRefused):
    def __init__(self, order: OrderState, allowed: Sequence[OrderStatus], attempts: int) -> None:
        super().__init__(order, allowed, f"This order was tried {attempts} times; it goes back to the shop now.")


class NoDriverFree(GuardRefused):
    def __init__(self, order: OrderState, allowed: Sequence[OrderStatus]) -> None:
        super().__init__(order, allowed, "No driver who is on duty is free.")
