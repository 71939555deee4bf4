"""Buyers who may not write in conversations: the shop blocks them, tells them why, and lets them again."""

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
    """Why: the buyer is told so."""

    reason: Annotated[str, Meta(min_length=1, max_length=200)]


class BlockPage(Struct, frozen=True, rename="camel"):
    """Buyers who may not write."""

    items: list[Block]
    next_cursor: str | None


class Unblocked(Struct, frozen=True):
    """The buyer may write again."""

    blocked: bool = False
    """Whether the buyer is kept from writing now."""


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
    """Let the buyer of a conversation write no more, here or in any other of theirs; they read on, and are told why."""
    actor = await context.authorize(request, _DEED)
    identity, now = await context.identify(request), context.now()
    check_texts(data)

    def unit(transaction: Transaction) -> Block:
        who = access(transaction, conversation_id, identity)
        return units.block(transaction, who.conversation, data.reason, actor=actor, now=now)

    return json_response(msgspec.json.encode(await context.store.write(unit)))


@delete("/api/conversations/{conversation_id:str}/block", status_code=200, tags=["conversations"], responses=REFUSALS)
async def unblock_buyer(conversation_id: FromPath[str], request: AnyRequest, context: Context) -> Response[Unblocked]:
    """Let the buyer of a conversation write again; who may changes nothing."""
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
    """List the buyers who may not write, and why."""
    await context.authorize(request, _DEED)
    found = await context.store.read(lambda transaction: units.page(transaction, cursor, limit + 1))
    return json_response(msgspec.json.encode(BlockPage(*cut(found, limit, lambda each: each.who))))


ROUTES: Final = [block_buyer, unblock_buyer, list_blocks]
