"""Editing and deleting messages; former texts are kept."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Response, delete, get, patch
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from ordercast.commerce.conversations import CUSTOMER_SIDE
from ordercast.commerce.errors import (
    Blocked,
    CardNumberGiven,
    EditConflict,
    MessageGone,
    NotFound,
    NotPermitted,
    TooManyEdits,
)
from ordercast.commerce.people import STAFF
from ordercast.commerce.text_rules import check_texts
from ordercast.db import Transaction
from ordercast.db.conversations import messages as units
from ordercast.db.conversations.messages import AuthoredMessage, FormerText, Message
from ordercast.db.idempotency import RequestKey, once

from .auth import Identity
from .body import IdText, JsonBody, Version
from .budgets import MESSAGES, person_key
from .commands import Command, CommandDoc, IdempotentCommand, RepeatableCommand
from .context import AnyRequest, ApiContext, Context
from .conversation_access import Access, access, check_may_write
from .idempotency import command_key
from .messages import EXAMPLE, MessageText, checked_text
from .responses import CONFLICTS, REFUSALS, json_response

REASON_CHARACTERS_MAX: Final = 200


class EditMessageBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The new text; `version` is the one that the client saw, optional."""

    text: MessageText
    version: Version | None = None


class EditMessage(IdempotentCommand, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """As `EditMessageBody`, by a socket."""

    conversation_id: IdText
    message_id: IdText
    text: MessageText
    version: Version | None = None


class DeleteMessage(RepeatableCommand, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which message, and of the shop why."""

    conversation_id: IdText
    message_id: IdText
    reason: Annotated[str, Meta(min_length=1, max_length=REASON_CHARACTERS_MAX)] | None = None


class MessageHistory(Struct, frozen=True):
    """A message's former texts, oldest first."""

    items: list[FormerText]


@patch(
    "/api/conversations/{conversation_id:str}/messages/{message_id:str}",
    dto=JsonBody[EditMessageBody],
    return_dto=None,
    tags=["conversations"],
    responses=REFUSALS | {409: CONFLICTS[409]},
)
async def patch_message(
    conversation_id: FromPath[str],
    message_id: FromPath[str],
    data: JSONBody[EditMessageBody],
    request: AnyRequest,
    context: Context,
) -> Response[Message]:
    """Edit a message of one's own; staff can see the former text."""
    identity = await context.require_identity(request)
    return json_response(msgspec.json.encode(await edit(context, identity, conversation_id, message_id, data)))


@delete(
    "/api/conversations/{conversation_id:str}/messages/{message_id:str}",
    status_code=200,
    tags=["conversations"],
    responses=REFUSALS,
)
async def remove_message(
    conversation_id: FromPath[str],
    message_id: FromPath[str],
    request: AnyRequest,
    context: Context,
    *,
    reason: Annotated[str, QueryParameter(max_length=REASON_CHARACTERS_MAX)] = "",
) -> Response[Message]:
    """Delete a message of one's own; staff may delete any, with a reason that is kept with the text. Its position
    stays. Idempotent.
    """
    identity = await context.require_identity(request)
    return json_response(
        msgspec.json.encode(await remove(context, identity, conversation_id, message_id, reason or None))
    )


@get(
    "/api/conversations/{conversation_id:str}/messages/{message_id:str}/history",
    tags=["conversations"],
    responses=REFUSALS,
)
async def get_message_history(
    conversation_id: FromPath[str], message_id: FromPath[str], request: AnyRequest, context: Context
) -> Response[MessageHistory]:
    """Get a message's former texts: who changed it, and when. For staff."""
    await context.authorize(request, "look at what a message was")
    identity = await context.identify(request)

    def query(transaction: Transaction) -> MessageHistory:
        who = access(transaction, conversation_id, identity)
        message = units.find(transaction, who.conversation, message_id, to_read=True).message
        return MessageHistory(units.history(transaction, message.id))

    return json_response(msgspec.json.encode(await context.store.read(query)))


async def edit_message(context: ApiContext, identity: Identity, command: EditMessage) -> Any:
    """Change the text of a message, and answer it as it stands now."""
    key = command_key(identity, "edit_message", command)
    with context.exclusive(key):
        message = await edit(context, identity, command.conversation_id, command.message_id, command, key=key)
    return msgspec.to_builtins(message)


async def delete_message(context: ApiContext, identity: Identity, command: DeleteMessage) -> Any:
    """Delete a message; return what is left. Idempotent."""
    return msgspec.to_builtins(
        await remove(context, identity, command.conversation_id, command.message_id, command.reason)
    )


async def edit(
    context: ApiContext,
    identity: Identity,
    conversation_id: str,
    message_id: str,
    wanted: EditMessageBody | EditMessage,
    *,
    key: RequestKey | None = None,
) -> Message:
    """Change a message of the identity's own, with a `key` once. Raises NotFound, NotPermitted, KeyReused, and what
    ``messages.edit`` does.
    """
    text, now = checked_text(wanted), context.now()
    await context.budgets.take(MESSAGES, person_key(identity))

    def unit(transaction: Transaction) -> Message:
        who = access(transaction, conversation_id, identity)
        found = units.find(transaction, who.conversation, message_id)
        if not _is_own(who, found):
            raise NotPermitted(identity.actor, "change what somebody else wrote")
        check_may_write(transaction, who)

        def effect(transaction: Transaction) -> bytes:
            units.edit(transaction, found.message, text, version=wanted.version, actor=identity.actor, now=now)
            return _DONE

        # No text is kept with the key: what is deleted or erased later would be left there.
        once(transaction, key, now, effect)
        return units.find(transaction, who.conversation, message_id, to_read=True).message

    return await context.store.write(unit)


async def remove(
    context: ApiContext, identity: Identity, conversation_id: str, message_id: str, reason: str | None
) -> Message:
    """Delete the identity's own message, or any for staff. Raises NotFound, NotPermitted, and InvalidField for an
    invalid reason.
    """
    now = context.now()
    check_texts(_Reason(reason))
    await context.budgets.take(MESSAGES, person_key(identity))

    def unit(transaction: Transaction) -> Message:
        who = access(transaction, conversation_id, identity)
        found = units.find(transaction, who.conversation, message_id)
        if identity.actor.role not in STAFF and not _is_own(who, found):
            raise NotPermitted(identity.actor, "delete what somebody else wrote")
        return units.delete(transaction, found.message, actor=identity.actor, now=now, reason=reason)

    return await context.store.write(unit)


_DONE: Final = b"{}"


class _Reason(Struct):
    reason: str | None


def _is_own(who: Access, found: AuthoredMessage) -> bool:
    """Whether the identity wrote it: staff as a person, a customer also as the former guest."""
    if who.participant == CUSTOMER_SIDE:
        return found.message.sender.participant == CUSTOMER_SIDE
    return found.sender == str(who.identity)


ROUTES: Final = [patch_message, remove_message, get_message_history]
_NAMED: Final = {"conversationId": EXAMPLE["conversationId"], "messageId": EXAMPLE["id"]}
COMMANDS: Final[list[Command[Any]]] = [
    Command(
        "edit_message",
        EditMessage,
        edit_message,
        CommandDoc(
            data=Message,
            errors=(NotFound, NotPermitted, Blocked, EditConflict, MessageGone, TooManyEdits, CardNumberGiven),
            example={**_NAMED, "text": "Is it on its way here?", "version": 1},
            answer={
                **EXAMPLE,
                "text": "Is it on its way here?",
                "version": 2,
                "editedAt": "2026-11-24T09:16:08.004Z",
            },
        ),
    ),
    Command(
        "delete_message",
        DeleteMessage,
        delete_message,
        CommandDoc(
            data=Message,
            errors=(NotFound, NotPermitted),
            example=_NAMED,
            answer={**EXAMPLE, "text": "", "version": 2, "deletedAt": "2026-11-24T09:16:08.004Z"},
        ),
    ),
]
