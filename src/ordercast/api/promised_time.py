"""The promised time of an order that is being prepared; it is first promised as the order is accepted."""

from __future__ import annotations

from typing import Final

from litestar import Response, post
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from ordercast.commerce.orders import Order, Reason
from ordercast.commerce.promised_time import PreparationMinutes
from ordercast.commerce.text_rules import check_texts
from ordercast.db import Transaction, rows_of_order
from ordercast.db import orders as units

from .body import JsonBody, Version
from .context import AnyRequest, Context
from .idempotency import run_once
from .responses import CONFLICTS, REFUSALS, json_response


class PromiseTime(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Another time for an order that is being prepared."""

    preparation_minutes: PreparationMinutes
    """From now on."""
    version: Version
    reason: Reason
    """Why it is another."""


@post(
    "/api/orders/{order_id:str}/promised-time",
    dto=JsonBody[PromiseTime],
    return_dto=None,
    status_code=200,
    tags=["orders"],
    responses=REFUSALS | CONFLICTS,
)
async def change_promised_time(
    order_id: FromPath[str], data: JSONBody[PromiseTime], request: AnyRequest, context: Context
) -> Response[Order]:
    """Promise another time, while the order is prepared: `preparationMinutes` from now, with a reason. For the shop."""
    actor = await context.authorize(request, "change an order's promised time")
    check_texts(data)
    now = context.now()

    def effect(transaction: Transaction) -> bytes:
        return units.change_promise(
            transaction,
            order_id,
            data.preparation_minutes,
            actor,
            reason=data.reason,
            expected_version=data.version,
            now=now,
        )

    outcome = await run_once(context, request, actor, data, effect, rows=rows_of_order(order_id))
    return json_response(outcome.answer)


ROUTES: Final = [change_promised_time]
