"""Receipts: how far a participant has read, or received messages. One position per participant, no row per message. The
command `mark_seen` serves notifications too.
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
"""A message's position."""


class MarkPosition(Struct, frozen=True, forbid_unknown_fields=True):
    """A position in a conversation."""

    position: Reached
    """The newest message read or received; all before it are included."""


class MarkSeen(RepeatableCommand, frozen=True, rename="camel", forbid_unknown_fields=True):
    """By a socket: up to which message of a conversation was read; or which notifications were, or `all`."""

    conversation_id: IdText | None = None
    position: Reached | None = None
    """The newest message read; all before it are included."""
    notification_ids: Annotated[list[IdText], Meta(min_length=1, max_length=IDS_MAX)] | None = None
    """The notifications read."""
    all: bool = False
    """Whether all notifications were read."""


class MarkDelivered(RepeatableCommand, frozen=True, rename="camel", forbid_unknown_fields=True):
    """By a socket: up to which message of a conversation came to a screen."""

    conversation_id: IdText
    position: Reached
    """The newest message received; all before it are included."""


class Receipt(Struct, frozen=True, rename="camel"):
    """A participant's receipt."""

    conversation_id: str
    participant: str
    """The participant; all staff share one."""
    delivered: int
    """The position of the last message received."""
    seen: int
    """The position of the last message read."""
    unread: int
    """The number of others' messages after that."""


class MarkedSeen(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What is left unread in the conversation, with its receipt; or of the notifications."""

    unread: int
    """The remaining unread count; of notifications up to a thousand."""
    unread_more: bool = False
    """There are more notifications, which were not counted."""
    conversation_id: str | None = None
    participant: str | None = None
    """The participant."""
    delivered: int | None = None
    """The position of the last message received."""
    seen: int | None = None
    """The position of the last message read."""


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
    """Mark messages as read up to a position; one before the known position changes nothing."""
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
    """Mark messages as received up to a position; one before the known position changes nothing."""
    identity = await context.require_identity(request)
    return json_response(msgspec.json.encode(await mark(context, identity, conversation_id, delivered=data.position)))


async def mark_seen(context: ApiContext, identity: Identity, command: MarkSeen) -> Any:
    """Mark a conversation or notifications as read; return what is left unread. Idempotent."""
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
    """Mark messages as received. Idempotent."""
    return msgspec.to_builtins(await mark(context, identity, command.conversation_id, delivered=command.position))


async def mark(
    context: ApiContext,
    identity: Identity,
    conversation_id: str,
    *,
    seen: int | None = None,
    delivered: int | None = None,
) -> Receipt:
    """Record a receipt of the identity's participant. Raises NotFound, NothingThere for a missing message, and
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
