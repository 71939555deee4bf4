"""Lists the caller's conversations, by last message."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import Response, get
from litestar.params import QueryParameter
from msgspec import Struct

from ordercast.commerce.conversations import inbox_of
from ordercast.commerce.errors import InvalidField, NotPermitted
from ordercast.db import Transaction, feed
from ordercast.db.conversations import lists
from ordercast.db.conversations.lists import ListEntry
from ordercast.db.conversations.messages import Message

from .auth import Identity
from .context import AnyRequest, Context
from .conversation_access import knows_customer
from .conversations import ConversationHead, head
from .paging import LIMIT_DEFAULT, Limit
from .responses import REFUSALS, json_response

# A time and an id.
CURSOR_CHARACTERS_MAX: Final = 300
_BETWEEN: Final = "~"
Cursor = Annotated[str | None, QueryParameter(max_length=CURSOR_CHARACTERS_MAX)]


class ListedConversation(ConversationHead, frozen=True, kw_only=True, rename="camel"):
    """An entry of the conversation list."""

    customer_name: str | None
    """Null for callers who may not see it."""
    last_message: Message | None
    """The last message; null if there is none."""


class ConversationPage(Struct, frozen=True, rename="camel", omit_defaults=True):
    items: list[ListedConversation]
    next_cursor: str | None
    unread: int
    """The number of unread messages in all conversations."""
    position: str
    """``epoch:seq`` of the feed at the time of the list: live events continue from here."""
    unread_more: bool = False
    """There may be more, in conversations that were not counted."""


@get("/api/conversations", tags=["conversations"], responses=REFUSALS)
async def list_conversations(
    request: AnyRequest,
    context: Context,
    unread: Annotated[bool, QueryParameter()] = False,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Response[ConversationPage]:
    """List conversations, by last message: staff all, others their own; with `unread`, only those with unread
    messages.
    """
    identity = await context.require_identity(request)
    whose, before = inbox_of(identity.actor), _place_of(cursor)
    if whose is None:
        raise NotPermitted(identity.actor, "list conversations")

    def query(transaction: Transaction) -> ConversationPage:
        found, next_before = lists.newest(transaction, whose, before=before, unread_only=unread, limit=limit)
        waiting = lists.unread(transaction, whose)
        return ConversationPage(
            [_shown(each, identity) for each in found],
            None if next_before is None else _BETWEEN.join(next_before),
            waiting.count,
            f"{context.store.epoch}:{feed.newest_seq(transaction)}",
            waiting.more,
        )

    return json_response(msgspec.json.encode(await context.store.read(query)))


def _place_of(cursor: str | None) -> tuple[str, str] | None:
    if cursor is None:
        return None
    at, between, id_ = cursor.partition(_BETWEEN)
    if not between or not id_ or "\x00" in cursor:
        raise InvalidField("cursor", "This is the `nextCursor` of no page.")
    return at, id_


def _shown(listed: ListEntry, identity: Identity) -> ListedConversation:
    is_known = knows_customer(listed.conversation, listed.participant, identity)
    return ListedConversation(
        **head(listed.conversation, listed.participant, knows_customer=is_known, unread=listed.unread),
        customer_name=listed.customer,
        last_message=listed.last_message,
    )


ROUTES: Final = [list_conversations]
