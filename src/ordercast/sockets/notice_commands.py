"""``notice_received`` and ``notice_opened``: a screen of the shop has painted orders, and a person has opened one."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from ordercast.api.body import IdText
from ordercast.api.commands import CommandDoc
from ordercast.commerce.errors import NotFound, NotPermitted
from ordercast.commerce.people import STAFF

from .command_router import Caller, CommandRouter
from .notice_recorder import NoticeRecorder

# A board begins with a page of a hundred, and paints one at a time from then on.
IDS_MAX: Final = 200


class NoticeReceived(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """These orders are painted on the sender's screen, where they can be seen."""

    order_ids: Annotated[list[IdText], Meta(min_length=1, max_length=IDS_MAX)]
    """Which orders."""


class NoticeOpened(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Whoever sits at the sender's screen has opened this order."""

    order_id: IdText


class ReceivedOrders(Struct, frozen=True):
    """It is noted of all but those that there are no orders of."""

    unknown: list[str]
    """Ids that there are no orders of."""


class OpenedOrder(Struct, frozen=True, rename="camel"):
    """Which order was opened."""

    order_id: str


_ID: Final = "ord_01JDN8WPV2M5Q3T7Y9B1C4E6GH"
_RECEIVED: Final = CommandDoc(
    data=ReceivedOrders, errors=(NotPermitted,), example={"orderIds": [_ID]}, answer={"unknown": []}
)
_OPENED: Final = CommandDoc(
    data=OpenedOrder, errors=(NotFound, NotPermitted), example={"orderId": _ID}, answer={"orderId": _ID}
)


def register(router: CommandRouter, recorder: NoticeRecorder) -> None:
    router.on("notice_received", NoticeReceived, partial(_received, recorder), _RECEIVED)
    router.on("notice_opened", NoticeOpened, partial(_opened, recorder), _OPENED)


async def _received(recorder: NoticeRecorder, caller: Caller, command: NoticeReceived) -> dict[str, Any]:
    """Answer once it is durable, with those that there are no orders of. Again changes nothing."""
    known = await recorder.receive(command.order_ids, caller.socket.id, _by(caller))
    return {"unknown": [id_ for id_ in dict.fromkeys(command.order_ids) if id_ not in known]}


async def _opened(recorder: NoticeRecorder, caller: Caller, command: NoticeOpened) -> dict[str, Any]:
    """Answer once it is durable. Again changes nothing: the first who opened it stays the first."""
    if not await recorder.open(command.order_id, _by(caller)):
        raise NotFound("order")
    return {"orderId": command.order_id}


def _by(caller: Caller) -> str:
    """Whose screen it is. Raises NotPermitted for who is none of the shop's people: a program notices nothing."""
    actor = caller.identity.actor
    if actor.role not in STAFF:
        raise NotPermitted(actor, "say that the shop has noticed an order")
    return str(actor)
