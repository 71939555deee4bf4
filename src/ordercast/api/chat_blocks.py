"""Blocking customers in chat: staff block, give a reason, and unblock."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import Response, delete, get, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from ordercast.commerce.text_rules import check_texts
from ordercast.db import Transaction
from ordercast.db import chat_blocks as units
from ordercast.db.chat_blocks import Block

from .body import JsonBody
from .context import AnyRequest, Context
from .conversation_access import access
from .paging import LIMIT_DEFAULT, IdCursor, Limit, cut
from .responses import REFUSALS, json_response

_DEED: Final = "say who may write in conversations"


class BlockBuyer(Struct, frozen=True, forbid_unknown_fields=True):
    """The reason, shown to the customer."""

    reason: Annotated[str, Meta(min_length=1, max_length=200)]


class BlockPage(Struct, frozen=True, rename="camel"):
    """Blocked customers."""

    items: list[Block]
    next_cursor: str | None


class Unblocked(Struct, frozen=True):
    """The customer may write again."""

    blocked: bool = False
    """Whether the customer is blocked now."""


@put(
    "/api/conversations/{conversation_id:str}/block",
    dto=JsonBody[BlockBuyer],
    return_dto=None,
    status_code=200,
    tags=["conversations"],
    responses=REFUSALS,
)
async def block_buyer(
    conversation_id: FromPath[str], data: JSONBody[BlockBuyer], request: AnyRequest, context: Context
) -> Response[Block]:
    """Block a conversation's customer in all their conversations; they can read, and see the reason."""
    actor = await context.authorize(request, _DEED)
    identity, now = await context.identify(request), context.now()
    check_texts(data)

    def unit(transaction: Transaction) -> Block:
        who = access(transaction, conversation_id, identity)
        return units.block(transaction, who.conversation, data.reason, actor=actor, now=now)

    return json_response(msgspec.json.encode(await context.store.write(unit)))


@delete("/api/conversations/{conversation_id:str}/block", status_code=200, tags=["conversations"], responses=REFUSALS)
async def unblock_buyer(conversation_id: FromPath[str], request: AnyRequest, context: Context) -> Response[Unblocked]:
    """Unblock a conversation's customer; idempotent."""
    await context.authorize(request, _DEED)
    identity = await context.identify(request)

    def unit(transaction: Transaction) -> None:
        units.unblock(transaction, access(transaction, conversation_id, identity).conversation)

    await context.store.write(unit)
    return json_response(msgspec.json.encode(Unblocked()))


@get("/api/chat/blocks", tags=["conversations"], responses=REFUSALS)
async def list_blocks(
    request: AnyRequest, context: Context, limit: Limit = LIMIT_DEFAULT, cursor: IdCursor = ""
) -> Response[BlockPage]:
    """List the blocked customers, with reasons."""
    await context.authorize(request, _DEED)
    found = await context.store.read(lambda transaction: units.page(transaction, cursor, limit + 1))
    return json_response(msgspec.json.encode(BlockPage(*cut(found, limit, lambda each: each.who))))


ROUTES: Final = [block_buyer, unblock_buyer, list_blocks]
