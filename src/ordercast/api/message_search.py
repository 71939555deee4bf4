"""Full-text search in conversations, for staff."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import Response, get
from litestar.params import QueryParameter
from msgspec import Struct

from ordercast.commerce.errors import InvalidField
from ordercast.db import Transaction
from ordercast.db.conversations import search as units
from ordercast.db.conversations.messages import Message

from .context import AnyRequest, Context
from .paging import LIMIT_DEFAULT, IdCursor, Limit, cut
from .responses import REFUSALS, json_response

# One letter matches every tenth word.
QUERY_CHARACTERS_MIN: Final = 2
QUERY_CHARACTERS_MAX: Final = 200
_QUERY: Final = QueryParameter(max_length=QUERY_CHARACTERS_MAX)


class FoundMessages(Struct, frozen=True, rename="camel"):
    """The matching messages, newest first."""

    items: list[Message]
    next_cursor: str | None


@get("/api/messages", tags=["conversations"], responses=REFUSALS)
async def search_messages(
    request: AnyRequest,
    context: Context,
    *,
    q: Annotated[str, _QUERY] = "",
    conversation_id: Annotated[str | None, QueryParameter(name="conversationId", min_length=1, max_length=64)] = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: IdCursor = "",
) -> Response[FoundMessages]:
    """Find messages that contain all words, in any order; the last may be a prefix. For staff. Deleted and erased
    messages are not found.
    """
    await context.authorize(request, "search in conversations")
    if len(q.strip()) < QUERY_CHARACTERS_MIN:
        raise InvalidField("q", f"A search takes {QUERY_CHARACTERS_MIN} characters at least.")

    def query(transaction: Transaction) -> list[Message]:
        return units.search(transaction, q, conversation_id=conversation_id, before=cursor or None, limit=limit + 1)

    found = await context.store.read(query)
    page = FoundMessages(*cut(found, limit, lambda each: each.id))
    return json_response(msgspec.json.encode(page))


ROUTES: Final = [search_messages]
