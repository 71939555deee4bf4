"""The audience of each event: the page to read when privacy is reviewed.

A rule maps changes to an event's name, rooms and payload. Live delivery and replay both call `route`, so they cannot
differ; a rule sees only the row, as it was committed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from ordercast.commerce.conversations import Subject
from ordercast.commerce.notifications import SHOP
from ordercast.commerce.people import Role
from ordercast.commerce.rooms import (
    EVERYBODY,
    SHOPPERS,
    STORE_OWNERS,
    booking_room,
    carer_room,
    conversation_room,
    customer_room,
    driver_room,
    order_room,
    user_room,
    watch_room,
)
from ordercast.db import Change, ChangeKind

from . import booking_payloads, payloads
from .booking_payloads import BookingChange
from .gaps import UnroutableRow
from .payloads import OrderChange

_KIND: Final = re.compile(r"[a-z_]+(\.[a-z_]+)+")

Room = Callable[[dict[str, Any]], str | None]


def _store(order: dict[str, Any]) -> str:
    del order
    return STORE_OWNERS


def _customer(order: dict[str, Any]) -> str | None:
    return customer_room(order["customerId"]) if order.get("customerId") else None


def _order(order: dict[str, Any]) -> str:
    return order_room(order["id"])


def _watchers(order: dict[str, Any]) -> str:
    return watch_room(order["id"])


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the order table."""

    event: str
    rooms: tuple[Room, ...]
    payload: Callable[[OrderChange], Any]
    when: Callable[[OrderChange], bool]


AUDIENCE: Final = (
    # event                     rooms                  payload                        of which changes
    Rule("new_order", (_store,), payloads.new_order, OrderChange.is_placed),
    Rule("newOrder", (_store,), payloads.whole_order, OrderChange.is_placed),
    Rule("orderStatusUpdated", (_store, _watchers), payloads.status_updated, OrderChange.has_new_status),
    Rule("orderStatusUpdated", (_customer,), payloads.public_status_updated, OrderChange.has_new_status),
    Rule("payment_update", (_store, _watchers, _customer), payloads.payment_updated, OrderChange.has_new_payment),
    Rule("order_update", (_store, _watchers), payloads.whole_order, OrderChange.is_edited),
    Rule("customer_order_update", (_customer, _order), payloads.for_customer, OrderChange.concerns_customer),
)


BookingRoom = Callable[[BookingChange], Iterable[str]]


def _of_store(change: BookingChange) -> Iterable[str]:
    del change
    yield STORE_OWNERS


def _of_customer(change: BookingChange) -> Iterable[str]:
    if change.after.get("customerId"):
        yield customer_room(change.after["customerId"])


def _of_guest(change: BookingChange) -> Iterable[str]:
    yield booking_room(change.after["id"])


def _of_carer(change: BookingChange) -> Iterable[str]:
    yield carer_room(change.after["carerId"])


def _of_former_carer(change: BookingChange) -> Iterable[str]:
    """The former carer, who does not learn the new one."""
    if change.before is not None and change.before["carerId"] != change.after["carerId"]:
        yield carer_room(change.before["carerId"])


@dataclass(frozen=True, slots=True)
class BookingRule:
    """One line of the booking table: `new` is the payload of a new booking, `updated` of any other change."""

    rooms: BookingRoom
    new: Callable[[BookingChange], Any]
    update: Callable[[BookingChange], Any]


BOOKING_AUDIENCE: Final = (
    # rooms         new_booking                             booking_update
    BookingRule(_of_store, booking_payloads.new_for_store, booking_payloads.update_for_store),
    BookingRule(_of_customer, booking_payloads.new_for_customer, booking_payloads.update_for_customer),
    BookingRule(_of_guest, booking_payloads.new_for_guest, booking_payloads.update_for_guest),
    BookingRule(_of_carer, booking_payloads.new_for_carer, booking_payloads.update_for_carer),
    BookingRule(_of_former_carer, booking_payloads.new_for_guest, booking_payloads.update_for_guest),
)


class RoutedEvent(msgspec.Struct, frozen=True):
    """An event of a change, and its rooms."""

    name: str
    rooms: tuple[str, ...]
    args: Sequence[Any]


def route(change: Change, event_id: Callable[[int], str]) -> Iterator[RoutedEvent]:
    """Yield the events of a change, in delivery order.

    `event_id` returns the id of the row's n-th event. A change without a rule yields nothing. Raises UnroutableRow, and
    what a rule raises on a damaged document.
    """
    if (single := SINGLE_EVENT_ROUTES.get(change.kind)) is not None:
        yield single(change, event_id(0))
        return
    if change.kind.startswith("product."):
        yield from _of_product(change, event_id)
        return
    if change.kind == ChangeKind.SHOP_OPENING_CHANGED:
        yield from _of_opening(change, event_id)
        return
    if change.kind.startswith("booking."):
        yield from _of_booking(BookingChange.of(change), event_id)
        return
    order_change = OrderChange.of(change)
    if order_change is None:
        if not _KIND.fullmatch(change.kind):  # kinds of newer versions make no event
            raise UnroutableRow("its kind is none")
        return
    applying = (rule for rule in AUDIENCE if rule.when(order_change))
    for index, rule in enumerate(applying):
        rooms = tuple(name for room in rule.rooms if (name := room(order_change.after)) is not None)
        if rooms:  # an order without a customer has no room for one
            yield RoutedEvent(rule.event, rooms, [rule.payload(order_change.with_event_id(event_id(index)))])


def _of_booking(change: BookingChange, event_id: Callable[[int], str]) -> Iterator[RoutedEvent]:
    """The booking event of each audience; then the payment event for shop and customer."""
    name = "new_booking" if change.is_new else "booking_update"
    matched = [(rule, rooms) for rule in BOOKING_AUDIENCE if (rooms := tuple(rule.rooms(change)))]
    for index, (rule, rooms) in enumerate(matched):
        payload = rule.new if change.is_new else rule.update
        yield RoutedEvent(name, rooms, [payload(change.with_event_id(event_id(index)))])
    if change.has_new_payment:
        payment = booking_payloads.payment_updated(change.with_event_id(event_id(len(matched))))
        yield RoutedEvent("payment_update", (*_of_store(change), *_of_customer(change)), [payment])


def _of_product(change: Change, event_id: Callable[[int], str]) -> Iterator[RoutedEvent]:
    """The whole product for staff; for who is in the shop whether it can be had, in words."""
    yield RoutedEvent("product_update", (STORE_OWNERS,), [payloads.product_updated(change, event_id(0))])
    told = payloads.availability_changed(change, event_id(1))
    if told is not None:
        yield RoutedEvent("availability_update", (SHOPPERS,), [told])


def _of_opening(change: Change, event_id: Callable[[int], str]) -> Iterator[RoutedEvent]:
    """The shop's hours or its pause: for staff, and for who is in the shop, who does not learn who did it."""
    yield RoutedEvent("shop_update", (STORE_OWNERS,), [payloads.opening_changed(change, event_id(0))])
    yield RoutedEvent("opening_update", (SHOPPERS,), [payloads.opening_for_shoppers(change, event_id(1))])


def _mismatch(change: Change, event_id: str) -> RoutedEvent:
    return RoutedEvent("payment_mismatch", (STORE_OWNERS,), [{"id": event_id, **payloads.payment_mismatch(change)}])


def _resync(change: Change, event_id: str) -> RoutedEvent:
    """A `resync` for staff, who follow each event; buyers reload, and their events are intact. A row that stands for an
    undeliverable one names its rooms itself.
    """
    del event_id
    missed = msgspec.convert(payloads.decode(change.after), _Missed)
    return RoutedEvent("resync", (STORE_OWNERS,) if missed.rooms is None else missed.rooms, [{"reason": missed.reason}])


class _Missed(msgspec.Struct):
    reason: str
    rooms: tuple[str, ...] | None = None


def _delivery(change: Change, event_id: str) -> RoutedEvent:
    """A delivery's stage: for staff, the buyer, and the drivers who have the order or just lost it."""
    moved = payloads.decode(change.after)
    rooms = [_store(moved), watch_room(change.entity_id), order_room(change.entity_id)]
    if moved["customerId"]:
        rooms.append(customer_room(moved["customerId"]))
    driver = moved["driver"] or {}
    rooms += [driver_room(id_) for id_ in (driver.get("id"), moved["formerDriverId"]) if id_]
    return RoutedEvent("delivery_update", tuple(rooms), [payloads.delivery_moved(change, moved, event_id)])


def _notification(change: Change, event_id: str) -> RoutedEvent:
    """For the recipient, or for all staff."""
    made = payloads.decode(change.after)
    room = STORE_OWNERS if made["recipient"] == SHOP else user_room(made["recipient"])
    return RoutedEvent("notification", (room,), [payloads.notification(change, made, event_id)])


def chat_rooms(conversation_id: str, document: dict[str, Any]) -> tuple[str, ...]:
    """The rooms of a conversation's participants according to its row (staff, customer or guest, driver or carer), and
    of its watchers.
    """
    rooms = [STORE_OWNERS, conversation_room(conversation_id)]
    if document["customerId"]:
        rooms.append(customer_room(document["customerId"]))
    if document["about"] == Subject.ORDER:
        rooms.append(order_room(document["subjectId"]))
    if document["about"] == Subject.BOOKING:
        rooms.append(booking_room(document["subjectId"]))
    if document["assigneeId"]:
        room = driver_room if document["assigneeRole"] == Role.DRIVER else carer_room
        rooms.append(room(document["assigneeId"]))
    return tuple(rooms)


def _message(change: Change, event_id: str) -> RoutedEvent:
    """A new or changed message; its id is the message's."""
    del event_id
    document = payloads.decode(change.after)
    name = "message" if change.kind == ChangeKind.MESSAGE_SENT else "message_update"
    return RoutedEvent(name, chat_rooms(change.entity_id, document), [payloads.message(change, document)])


def _order_unseen(change: Change, event_id: str) -> RoutedEvent:
    """An order that staff have not opened: for staff."""
    return RoutedEvent("order_unseen", (STORE_OWNERS,), [payloads.order_unseen(change, event_id)])


def _booking_unseen(change: Change, event_id: str) -> RoutedEvent:
    """As `_order_unseen`."""
    return RoutedEvent("booking_unseen", (STORE_OWNERS,), [payloads.booking_unseen(change, event_id)])


def _seen(change: Change, event_id: str) -> RoutedEvent:
    """A participant's read receipt."""
    document = payloads.decode(change.after)
    return RoutedEvent("seen", chat_rooms(change.entity_id, document), [payloads.seen(change, document, event_id)])


def _published(change: Change, event_id: str) -> RoutedEvent:
    """An event published by a back end, which names the rooms."""
    del event_id
    published = msgspec.convert(payloads.decode(change.after), _Published)
    if not published.event:
        raise UnroutableRow("the event has no name")
    return RoutedEvent(published.event, tuple(room for room in published.rooms if room != EVERYBODY), published.args)


class _Published(msgspec.Struct):
    event: str
    rooms: list[str]
    args: list[Any]


SINGLE_EVENT_ROUTES: Final[dict[str, Callable[[Change, str], RoutedEvent]]] = {
    ChangeKind.CONVERSATION_SEEN: _seen,
    ChangeKind.DELIVERY_MOVED: _delivery,
    ChangeKind.EVENT_PUBLISHED: _published,
    ChangeKind.FEED_RESYNC: _resync,
    ChangeKind.MESSAGE_CHANGED: _message,
    ChangeKind.MESSAGE_SENT: _message,
    ChangeKind.NOTIFICATION_MADE: _notification,
    ChangeKind.ORDER_UNSEEN: _order_unseen,
    ChangeKind.BOOKING_UNSEEN: _booking_unseen,
    ChangeKind.PAYMENT_MISMATCH: _mismatch,
}
"""Kinds of changes with exactly one event."""
