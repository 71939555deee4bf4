"""Deliveries: driver, position, estimated arrival, and the code for the door."""

from __future__ import annotations

from typing import Final

import msgspec
from litestar import Response, get
from litestar.params import FromPath

from ordercast.commerce.people import SEES_EVERY_ORDER, Role
from ordercast.commerce.states import Fulfilment
from ordercast.db import Transaction, deliveries
from ordercast.db.deliveries import Delivery

from .auth import Identity, delivery_code
from .context import AnyRequest, ApiContext, Context
from .order_views import document_for
from .responses import REFUSALS, json_response


class ShownDelivery(Delivery, frozen=True, rename="camel", kw_only=True):
    code: str | None = None
    """For the buyer: the code to give the driver."""


class _Ordered(msgspec.Struct):
    fulfilment: Fulfilment


_ORDERED: Final = msgspec.json.Decoder(_Ordered)


@get("/api/orders/{order_id:str}/delivery", tags=["deliveries"], responses=REFUSALS)
async def get_delivery(order_id: FromPath[str], request: AnyRequest, context: Context) -> Response[ShownDelivery]:
    """Get an order's driver, position while they carry it, and estimated arrival.

    For those who may see the order, also by tracking token.
    """
    identity = await context.require_identity(request)

    def query(transaction: Transaction) -> ShownDelivery:
        document = document_for(transaction, order_id, identity)
        return shown_delivery(context, transaction, order_id, identity, document)

    return json_response(msgspec.json.encode(await context.store.read(query)))


def shown_delivery(
    context: ApiContext, transaction: Transaction, order_id: str, identity: Identity, document: bytes
) -> ShownDelivery:
    """How the delivery of the order `document` stands, for somebody who may know of it."""
    role = identity.actor.role
    for_staff = role in SEES_EVERY_ORDER
    delivery = deliveries.look(transaction, order_id, context.deliveries, context.now(), for_staff=for_staff)
    is_buyer = role in (Role.CUSTOMER, Role.GUEST)
    shows_code = is_buyer and _ORDERED.decode(document).fulfilment is Fulfilment.DELIVERY
    code = delivery_code(context.keys.current, order_id) if shows_code else None
    return ShownDelivery(**msgspec.structs.asdict(delivery), code=code)


ROUTES: Final = [get_delivery]
