"""Sending and listing messages; sending also by a socket command."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from ordercast.commerce.errors import Blocked, CardNumberGiven, InvalidField, NotFound
from ordercast.commerce.text_rules import check_texts
from ordercast.db import Transaction, UnitOfWork
from ordercast.db.conversations import messages as units
from ordercast.db.conversations import rows_of
from ordercast.db.conversations.messages import Message, NewMessage, SentMessage

from .attachments import Attachments, checked_attachments
from .auth import Identity
from .body import IdText, JsonBody
from .budgets import MESSAGES, person_key
from .commands import ClientId, Command, CommandDoc, IdempotentCommand
from .context import AnyRequest, ApiContext, Context
from .conversation_access import access, check_may_write
from .feed_positions import read_with_position
from .idempotency import REPLAYED, request_key
from .paging import LIMIT_DEFAULT, Limit
from .responses import CONFLICTS, REFUSALS, json_response

# As long as a product's description.
TEXT_CHARACTERS_MAX: Final = 2_000
MessageText = Annotated[str, Meta(min_length=1, max_length=TEXT_CHARACTERS_MAX)]
TextBesideFiles = Annotated[str, Meta(max_length=TEXT_CHARACTERS_MAX)]
"""A message with attachments needs no text."""
Place = Annotated[int | None, QueryParameter(ge=0, le=10**12)]
"""A message's position in its conversation."""


class NewMessageBody(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A message; `clientId` is the client's idempotency key."""

    text: TextBesideFiles = ""
    client_id: ClientId | None = None
    id: ClientId | None = None
    """Alias of `clientId`."""
    attachments: Attachments = ()
    """Attachments, signed by the shop's back end."""


class SendMessage(IdempotentCommand, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """`NewMessageBody` as a socket command."""

    conversation_id: IdText
    text: TextBesideFiles = ""
    id: ClientId | None = None
    """Alias of `clientId`."""
    attachments: Attachments = ()
    """Attachments, signed by the shop's back end."""


class MessagePage(Struct, frozen=True, rename="camel"):
    """Messages, oldest first, in either direction of paging."""

    items: list[Message]
    next_before: int | None
    """The `before` of the next older page; null at the beginning."""
    next_after: int | None
    """The `after` of the next newer page; null at the end."""
    position: str
    """``epoch:seq`` of the feed at the time of the page: live events continue from here."""


@post(
    "/api/conversations/{conversation_id:str}/messages",
    dto=JsonBody[NewMessageBody],
    return_dto=None,
    tags=["conversations"],
    responses=REFUSALS | CONFLICTS,
)
async def post_message(
    conversation_id: FromPath[str], data: JSONBody[NewMessageBody], request: AnyRequest, context: Context
) -> Response[Message]:
    """Send a message. Repeated with the same `clientId` or `Idempotency-Key`, by a request or a command, it gets the
    first response and is not sent twice.
    """
    identity = await context.require_identity(request)
    key = request_key(request, identity.actor, data)
    client_id = data.client_id or data.id or (None if key is None else key.key)
    with context.exclusive(key):
        sent = await send(context, identity, conversation_id, data, client_id)
    headers = {REPLAYED: "true"} if sent.replayed else {}
    return json_response(msgspec.json.encode(sent.message), status_code=201, headers=headers)


async def send_message(context: ApiContext, identity: Identity, command: SendMessage) -> Any:
    """Send a message; return it with its position."""
    sent = await send(context, identity, command.conversation_id, command, command.client_id or command.id)
    return msgspec.to_builtins(sent.message)


async def send(
    context: ApiContext,
    identity: Identity,
    conversation_id: str,
    wanted: NewMessageBody | SendMessage,
    client_id: str | None,
) -> SentMessage:
    """Send a message as `identity`, in a transaction. Raises NotFound, KeyReused, TooManyAttempts, and InvalidField for
    an invalid text.
    """
    if not wanted.text and not wanted.attachments:
        raise InvalidField("text", "A message has a text, or attachments.")
    text, now, message_id = checked_text(wanted), context.now(), context.new_id("msg")
    files = checked_attachments(context.attachments, wanted.attachments, now)
    await context.budgets.take(MESSAGES, person_key(identity))

    def unit(transaction: Transaction) -> SentMessage:
        entered = access(transaction, conversation_id, identity, to_write=True)
        check_may_write(transaction, entered)
        new = NewMessage(message_id, conversation_id, entered.participant, str(identity), text, client_id, files)
        return units.send(transaction, entered.conversation, new, actor=identity.actor, now=now)

    return await context.store.write(UnitOfWork(unit, rows_of(conversation_id)))


def checked_text(wanted: Any) -> str:
    """The validated text, with line breaks. Raises InvalidField for control characters, card numbers or nothing
    visible.
    """
    text: str = wanted.text.replace("\r\n", "\n")
    without_files = {"attachments": ()} if hasattr(wanted, "attachments") else {}  # checked separately
    check_texts(msgspec.structs.replace(wanted, **without_files, text=text.replace("\n", " ").replace("\t", " ")))
    return text


@get("/api/conversations/{conversation_id:str}/messages", tags=["conversations"], responses=REFUSALS)
async def list_messages(
    conversation_id: FromPath[str],
    request: AnyRequest,
    context: Context,
    *,
    before: Place = None,
    after: Place = None,
    limit: Limit = LIMIT_DEFAULT,
) -> Response[MessagePage]:
    """A page of messages: the newest, those before a position, or those after one."""
    identity = await context.require_identity(request)

    def query(transaction: Transaction) -> units.Page:
        entered = access(transaction, conversation_id, identity)
        return units.page(transaction, entered.conversation, before=before, after=after, limit=limit)

    found, position = await read_with_position(context.store, query, lambda _: (conversation_id,))
    page = MessagePage(found.items, found.next_before, found.next_after, position)
    return json_response(msgspec.json.encode(page))


ROUTES: Final = [post_message, list_messages]
_SENT: Final = {"conversationId": "cnv_01JDN8WZ5A7C9E2G4J6L8N0Q2S", "text": "Is it on its way?", "clientId": "7f3b"}
EXAMPLE: Final[dict[str, Any]] = {
    **_SENT,
    "id": "msg_01JDN8X0B2D4F6H8K1M3P5R7TV",
    "position": 3,
    "sender": {"participant": "customer", "role": "customer"},
    "attachments": [],
    "version": 1,
    "createdAt": "2026-11-24T09:15:42.318Z",
    "editedAt": None,
    "deletedAt": None,
}
COMMANDS: Final = [
    Command(
        "send_message",
        SendMessage,
        send_message,
        CommandDoc(data=Message, errors=(NotFound, Blocked, CardNumberGiven), example=_SENT, answer=EXAMPLE),
    )
]
