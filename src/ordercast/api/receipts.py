"""Receipts: how far somebody has read, or has had messages on a screen. A position for each participant, never a row
for a message. The command `mark_seen` serves notifications too.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Response, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from ordercast.commerce.errors import InvalidField, NotFound, NotPermitted
from ordercast.db import Transaction
from ordercast.db import conversations as units
from ordercast.db.domains import COUNT_MAX

from .auth import Identity
from .body import IdText, JsonBody
from .budgets import RECEIPTS, person_key
from .commands import Command, CommandDoc, RepeatableCommand
from .context import AnyRequest, ApiContext, Context
from .conversation_access import access
from .notifications import IDS_MAX, Seen, mark_read
from .responses import REFUSALS, json_response

Reached = Annotated[int, Meta(ge=0, le=COUNT_MAX)]
"""The position of a message."""


class MarkPosition(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to which message."""

    position: Reached
    """Of the newest that was read, or came to a screen; every one before it with it."""


class MarkSeen(RepeatableCommand, frozen=True, rename="camel", forbid_unknown_fields=True):
    """By a socket: up to which message of a conversation was read; or which notifications were, or `all`."""

    conversation_id: IdText | None = None
    position: Reached | None = None
    """Of the newest message that was read; every one before it with it."""
    notification_ids: Annotated[list[IdText], Meta(min_length=1, max_length=IDS_MAX)] | None = None
    """Those that were read."""
    all: bool = False
    """Whether all notifications were."""


class MarkDelivered(RepeatableCommand, frozen=True, rename="camel", forbid_unknown_fields=True):
    """By a socket: up to which message of a conversation came to a screen."""

    conversation_id: IdText
    position: Reached
    """Of the newest message that came; every one before it with it."""


class Receipt(Struct, frozen=True, rename="camel"):
    """How far a participant has read."""

    conversation_id: str
    participant: str
    """Whose it is: all the shop's people have one."""
    delivered: int
    """Up to which position messages came to a screen."""
    seen: int
    """Up to which position they were read."""
    unread: int
    """Of the others' messages behind that."""


class MarkedSeen(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What is left unread: of the conversation, with how far it was read; or of the notifications."""

    unread: int
    """How many are left: of notifications, counted as far as a thousand."""
    unread_more: bool = False
    """There are more notifications than those, which were not counted."""
    conversation_id: str | None = None
    participant: str | None = None
    """Whose receipt it is."""
    delivered: int | None = None
    """Up to which position messages came to a screen."""
    seen: int | None = None
    """Up to which position they were read."""


@post(
    "/api/conversations/{conversation_id:str}/seen",
    dto=JsonBody[MarkPosition],
    return_dto=None,
    status_code=200,
    tags=["conversations"],
    responses=REFUSALS,
)
async def post_seen(
    conversation_id: FromPath[str], data: JSONBody[MarkPosition], request: AnyRequest, context: Context
) -> Response[Receipt]:
    """Note up to which message one has read; a position behind the one that is known changes nothing."""
    identity = await context.require_identity(request)
    return json_response(msgspec.json.encode(await mark(context, identity, conversation_id, seen=data.position)))


@post(
    "/api/conversations/{conversation_id:str}/delivered",
    dto=JsonBody[MarkPosition],
    return_dto=None,
    status_code=200,
    tags=["conversations"],
    responses=REFUSALS,
)
async def post_delivered(
    conversation_id: FromPath[str], data: JSONBody[MarkPosition], request: AnyRequest, context: Context
) -> Response[Receipt]:
    """Note up to which message came to one's screen; a position behind the one that is known changes nothing."""
    identity = await context.require_identity(request)
    return json_response(msgspec.json.encode(await mark(context, identity, conversation_id, delivered=data.position)))


async def mark_seen(context: ApiContext, identity: Identity, command: MarkSeen) -> Any:
    """Note what was read, of a conversation or of notifications; answers how much is left. Again changes nothing."""
    of_notifications = command.notification_ids is not None or command.all
    if command.conversation_id is None:
        if command.position is not None:
            raise InvalidField("conversationId", "Name the conversation that was read up to this position.")
        return msgspec.to_builtins(await _mark_notifications(context, identity, command))
    if of_notifications:
        raise InvalidField("notificationIds", "A conversation and notifications are marked one after the other.")
    if command.position is None:
        raise InvalidField("position", "Say up to which position it was read.")
    receipt = await mark(context, identity, command.conversation_id, seen=command.position)
    return msgspec.to_builtins(receipt)


async def _mark_notifications(context: ApiContext, identity: Identity, command: MarkSeen) -> Seen:
    if (command.notification_ids is None) is not command.all:
        raise InvalidField("notificationIds", "Name the notifications that were read, or say all.")
    return await mark_read(context, identity.actor, command.notification_ids)


async def mark_delivered(context: ApiContext, identity: Identity, command: MarkDelivered) -> Any:
    """Note up to which message came to a screen. Again changes nothing."""
    return msgspec.to_builtins(await mark(context, identity, command.conversation_id, delivered=command.position))


async def mark(
    context: ApiContext,
    identity: Identity,
    conversation_id: str,
    *,
    seen: int | None = None,
    delivered: int | None = None,
) -> Receipt:
    """Note how far the identity's participant has read. Raises NotFound, NothingThere for what is not written, and
    TooManyAttempts.
    """
    context.budgets.take_local(RECEIPTS, person_key(identity))

    def unit(transaction: Transaction) -> Receipt:
        who = access(transaction, conversation_id, identity)
        found = units.mark(transaction, who.conversation, who.participant, seen=seen, delivered=delivered)
        return Receipt(conversation_id, found.participant, found.delivered, found.seen, found.unread)

    return await context.store.write(unit)


ROUTES: Final = [post_seen, post_delivered]
_CONVERSATION: Final = "cnv_01JDN8WZ5A7C9E2G4J6L8N0Q2S"
_RECEIPT: Final = {"conversationId": _CONVERSATION, "participant": "store", "delivered": 3, "seen": 3, "unread": 0}
COMMANDS: Final[list[Command[Any]]] = [
    Command(
        "mark_seen",
        MarkSeen,
        mark_seen,
        CommandDoc(
            data=MarkedSeen,
            errors=(NotFound, NotPermitted),
            example={"conversationId": _CONVERSATION, "position": 3},
            answer=_RECEIPT,
        ),
    ),
    Command(
        "mark_delivered",
        MarkDelivered,
        mark_delivered,
        CommandDoc(
            data=Receipt,
            errors=(NotFound,),
            example={"conversationId": _CONVERSATION, "position": 3},
            answer={**_RECEIPT, "seen": 2, "unread": 1},
        ),
    ),
]
