"""What became of an order, in one line of time, and what the shop's people note about it."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from ordercast.commerce.errors import InvalidField, NotFound
from ordercast.commerce.text_rules import check_texts
from ordercast.db import Transaction, order_notes
from ordercast.db.order_notes import OrderNote
from ordercast.db.orders import order_document
from ordercast.db.orders.timeline import TimelineEntry, timeline

from .body import JsonBody
from .context import AnyRequest, Context
from .idempotency import create_once
from .responses import CONFLICTS, REFUSALS, json_response

NOTE_CHARACTERS_MAX: Final = 500


class Timeline(Struct, frozen=True):
    """All that became of an order."""

    items: list[TimelineEntry]
    """The oldest first."""


class AddNote(Struct, frozen=True, forbid_unknown_fields=True):
    """A note about an order."""

    text: Annotated[str, Meta(min_length=1, max_length=NOTE_CHARACTERS_MAX)]
    """For the shop's people alone."""


@get("/api/orders/{order_id:str}/timeline", tags=["orders"], responses=REFUSALS)
async def get_timeline(order_id: FromPath[str], request: AnyRequest, context: Context) -> Response[Timeline]:
    """All that became of an order, the oldest first: its moves with driver and place, payments and refunds, messages,
    when the shop noticed it, notes; with people's names. For the shop.
    """
    await context.authorize(request, "see all that became of an order")

    def query(transaction: Transaction) -> list[TimelineEntry]:
        return timeline(transaction, order_id, _buyer(_document(transaction, order_id)))

    return json_response(msgspec.json.encode(Timeline(await context.store.read(query))))


@post(
    "/api/orders/{order_id:str}/notes",
    dto=JsonBody[AddNote],
    return_dto=None,
    tags=["orders"],
    responses=REFUSALS | CONFLICTS,
)
async def add_note(
    order_id: FromPath[str], data: JSONBody[AddNote], request: AnyRequest, context: Context
) -> Response[OrderNote]:
    """Note something about an order, for the shop's people alone: its timeline has it. For the shop."""
    actor = await context.authorize(request, "note something about an order")
    text, now = " ".join(data.text.split()), context.now()
    check_texts(msgspec.structs.replace(data, text=text))
    if not text:
        raise InvalidField("text", "A note says something.")

    def effect(transaction: Transaction) -> bytes:
        _document(transaction, order_id)
        return msgspec.json.encode(order_notes.add(transaction, order_id, text, actor=actor, now=now))

    return await create_once(context, request, actor, {"orderId": order_id, "text": text}, effect)


def _document(transaction: Transaction, order_id: str) -> dict[str, Any]:
    document = order_document(transaction, order_id)
    if document is None:
        raise NotFound("order")
    found: dict[str, Any] = msgspec.json.decode(document)
    return found


def _buyer(order: dict[str, Any]) -> str | None:
    name = (order.get("customerInfo") or {}).get("name")
    return name if isinstance(name, str) else None


ROUTES: Final = [get_timeline, add_note]
