"""Quotes: the totals shown before an order is placed."""

from __future__ import annotations

from typing import Final

import msgspec
from litestar import Response, post
from litestar.params import JSONBody
from msgspec import Struct

from ordercast.commerce.orders import OrderLine, QuoteOrder
from ordercast.commerce.people import Role
from ordercast.commerce.placing import PricedOrder
from ordercast.db.orders.quotes import quote

from .body import JsonBody
from .budgets import QUOTES
from .context import AnyRequest, Context
from .responses import json_response, refusals


class Quote(Struct, frozen=True, rename="camel"):
    """The sums of the order, named as there."""

    cart_items: list[OrderLine]
    subtotal: int
    discount: int
    tax: int
    shipping_fee: int
    total: int
    currency: str
    prices_include_tax: bool
    promo_code: str | None

    @classmethod
    def of(cls, priced: PricedOrder) -> Quote:
        return cls(
            list(priced.lines),
            priced.subtotal,
            priced.discount,
            priced.tax,
            priced.shipping_fee,
            priced.total,
            priced.currency,
            priced.prices_include_tax,
            priced.promo_code,
        )


@post(
    "/api/checkout/quote",
    dto=JsonBody[QuoteOrder],
    return_dto=None,
    status_code=200,
    tags=["orders"],
    responses=refusals(400, 401, 409, 422),
)
async def quote_order(data: JSONBody[QuoteOrder], request: AnyRequest, context: Context) -> Response[Quote]:
    """Price a cart. Nothing is reserved; `POST /api/orders` compares its `total` with ours."""
    actor = (await context.identify(request)).actor
    customer_id = actor.id if actor.role is Role.CUSTOMER else None
    now = context.now()
    whose = context.budget_key(request)
    await context.budgets.take(QUOTES, whose)
    async with context.limit_promotion_guesses(data.promo_code, whose):
        priced = await context.store.read(lambda transaction: quote(transaction, data, customer_id, now))
    return json_response(msgspec.json.encode(Quote.of(priced)))


ROUTES: Final = [quote_order]
