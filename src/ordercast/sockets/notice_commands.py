"""``notice_received`` and ``notice_opened``: a staff screen painted orders or bookings, or a person opened one."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final

from msgspec import Meta, Struct, field

from ordercast.api.body import IdText
from ordercast.api.commands import CommandDoc, RepeatableCommand
from ordercast.commerce.errors import InvalidField, NotFound, NotPermitted
from ordercast.commerce.people import STAFF

from .command_router import Caller, CommandRouter
from .notice_recorder import NoticeRecorder

# A board begins with a page of a hundred, then paints single ones.
IDS_MAX: Final = 200


Ids = Annotated[list[IdText], Meta(max_length=IDS_MAX)]


class NoticeReceived(RepeatableCommand, frozen=True, rename="camel", forbid_unknown_fields=True):
    """These orders and bookings are painted on the sender's screen, where they can be seen; one at least."""

    order_ids: Ids = field(default_factory=list)
    """Which orders."""
    booking_ids: Ids = field(default_factory=list)
    """Which bookings."""


class NoticeOpened(RepeatableCommand, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Whoever sits at the sender's screen has opened this order, or this booking."""

    order_id: IdText | None = None
    booking_id: IdText | None = None


class Received(Struct, frozen=True):
    """Recorded for all ids but the unknown ones."""

    unknown: list[str]
    """Ids without an order or booking."""


class Opened(Struct, frozen=True, rename="camel"):
    """What was opened: one of them, the other is null."""

    order_id: str | None
    booking_id: str | None


_ID: Final = "ord_01JDN8WPV2M5Q3T7Y9B1C4E6GH"
_RECEIVED: Final = CommandDoc(
    data=Received, errors=(NotPermitted,), example={"orderIds": [_ID]}, answer={"unknown": []}
)
_OPENED: Final = CommandDoc(
    data=Opened,
    errors=(NotFound, NotPermitted),
    example={"orderId": _ID},
    answer={"orderId": _ID, "bookingId": None},
)


def register(router: CommandRouter, recorder: NoticeRecorder) -> None:
    router.on("notice_received", NoticeReceived, partial(_received, recorder), _RECEIVED)
    router.on("notice_opened", NoticeOpened, partial(_opened, recorder), _OPENED)


async def _received(recorder: NoticeRecorder, caller: Caller, command: NoticeReceived) -> dict[str, Any]:
    """Record it and return the unknown ids, after the commit. Idempotent."""
    by, ids = _by(caller), [*dict.fromkeys((*command.order_ids, *command.booking_ids))]
    if not ids:
        raise InvalidField("orderIds", "Name the orders or bookings that are painted.")
    known = await recorder.receive(ids, caller.socket.id, by)
    return {"unknown": [id_ for id_ in ids if id_ not in known]}


async def _opened(recorder: NoticeRecorder, caller: Caller, command: NoticeOpened) -> dict[str, Any]:
    """Record it and return after the commit. Idempotent: the first person stays the first."""
    by, id_ = _by(caller), command.order_id or command.booking_id
    if id_ is None or None not in (command.order_id, command.booking_id):
        raise InvalidField("orderId", "Name the order or the booking that was opened, one of them.")
    if not await recorder.open(id_, by):
        raise NotFound("order" if command.booking_id is None else "booking")
    return {"orderId": command.order_id, "bookingId": command.booking_id}


def _by(caller: Caller) -> str:
    """The acting staff user. Raises NotPermitted for others: programs notice nothing."""
    actor = caller.identity.actor
    if actor.role not in STAFF:
        raise NotPermitted(actor, "say what the shop has noticed")
    return str(actor)
