"""The catalogue over HTTP, open to everyone."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import Response, get
from litestar.params import FromPath, QueryParameter
from msgspec import Struct

from ordercast.commerce.catalogue import Product
from ordercast.commerce.errors import NotFound
from ordercast.db import products as units

from .answers import json_answer
from .desk import AtDesk
from .documented import REFUSALS
from .listing import LIMIT_DEFAULT, LIMIT_MAX


class ProductPage(Struct, frozen=True, rename="camel"):
    items: list[Product]
    next_cursor: str | None


@get("/api/products", tags=["products"], responses={422: REFUSALS[422]})
async def list_products(
    desk: AtDesk,
    limit: Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
    cursor: Annotated[str, QueryParameter(max_length=64)] = "",
) -> Response[ProductPage]:
    """List what is for sale. Prices are minor units of `currency`, before tax."""
    found = await desk.store.read(lambda transaction: units.page(transaction, cursor, limit + 1))
    page = ProductPage(found[:limit], found[limit - 1].id if len(found) > limit else None)
    return json_answer(msgspec.json.encode(page))


@get("/api/products/{product_id:str}", tags=["products"], responses={404: REFUSALS[404]})
async def get_product(product_id: FromPath[str], desk: AtDesk) -> Response[Product]:
    """One product."""
    product = await desk.store.read(lambda transaction: units.find(transaction, product_id))
    if product is None:
        raise NotFound("product")
    return json_answer(msgspec.json.encode(product))


ROUTES: Final = [list_products, get_product]
