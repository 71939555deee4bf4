"""Products: everybody reads the catalogue, staff edit it."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType

from ordercast.commerce.catalogue import Product
from ordercast.commerce.errors import InvalidField, NotFound
from ordercast.commerce.opening import back_in_stock_at
from ordercast.commerce.orders import Name, Reason
from ordercast.commerce.people import SEES_EVERY_ORDER, STAFF
from ordercast.commerce.shop import Amount, TaxClass
from ordercast.commerce.stats import zone
from ordercast.commerce.text_patterns import text_matching
from ordercast.commerce.text_rules import check_texts
from ordercast.db import Transaction, opening
from ordercast.db import products as units
from ordercast.db import shop as shops

from .body import JsonBody, Version, changed_fields
from .context import AnyRequest, Context
from .idempotency import create_once
from .paging import LIMIT_DEFAULT, LIMIT_MAX, IdCursor, Limit, NumberCursor, cut, cut_history
from .responses import CONFLICTS, REFUSALS, json_response, refusals

STOCK_MAX: Final = 1_000_000_000
TEXT_MAX: Final = 2_000

Slug = Annotated[
    str,
    text_matching(
        r"^[a-z0-9][a-z0-9-]{0,79}$",
        "Small letters, digits and hyphens are wanted, such as masala-chai",
        description="Its name in addresses",
    ),
]
Text = Annotated[str, Meta(max_length=TEXT_MAX)]
Image = Annotated[
    str,
    text_matching(
        r"^$|^/[^/\s][^\s]*$|^https://[^\s]+$",
        "A path such as /images/chai.svg is wanted, or an address that begins with https",
        max_length=500,
    ),
]
Stock = Annotated[int, Meta(ge=0, le=STOCK_MAX)]


class ProductPage(Struct, frozen=True, rename="camel"):
    items: list[Product]
    next_cursor: str | None


class NewProduct(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """`price` is in minor units of the shop's currency."""

    slug: Slug
    name: Name
    price: Amount
    stock: Stock
    name_bn: Text = ""
    description: Text = ""
    description_bn: Text = ""
    tax_class: TaxClass = "standard"
    image: Image = ""
    active: bool = True


class EditProduct(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Omitted fields stay. `version` is the one that the client saw; the stock is changed by a difference, with a
    reason, as orders change it meanwhile.
    """

    version: Version
    slug: Slug | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    name_bn: Text | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    description_bn: Text | UnsetType = UNSET
    price: Amount | UnsetType = UNSET
    tax_class: TaxClass | UnsetType = UNSET
    image: Image | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    stock_by: Annotated[int, Meta(ge=-STOCK_MAX, le=STOCK_MAX)] = 0
    reason: Reason | None = None


class ProductEdit(Struct, frozen=True, rename="camel"):
    version: int
    before: Product | None
    after: Product
    actor: str
    reason: str | None
    at: str


class ProductHistory(Struct, frozen=True, rename="camel"):
    items: list[ProductEdit]
    next_cursor: str | None


# --- For everyone -----------------------------------------------------------------------------------------------------


@get("/api/products", tags=["products"], responses=refusals(400, 401, 403, 422))
async def list_products(
    request: AnyRequest,
    context: Context,
    limit: Limit = LIMIT_DEFAULT,
    cursor: IdCursor = "",
    every: FromQuery[bool] = False,
) -> Response[ProductPage]:
    """List products for sale; with `every`, for staff, all. Prices are minor units of `currency`."""
    if every:
        await context.authorize(request, "see what is not for sale")
    found = await context.store.read(lambda transaction: units.page(transaction, cursor, limit + 1, every=every))
    page = ProductPage(*cut(found, limit, lambda each: each.id))
    return json_response(msgspec.json.encode(page))


@get("/api/products/{product_id:str}", tags=["products"], responses=refusals(400, 401, 404))
async def get_product(product_id: FromPath[str], request: AnyRequest, context: Context) -> Response[Product]:
    """Get a product; one that is not for sale, for staff only."""
    product = await context.store.read(lambda transaction: units.find(transaction, product_id))
    if product is None or not (product.active or (await context.identify(request)).actor.role in STAFF):
        raise NotFound("product")
    return json_response(msgspec.json.encode(product))


# --- For the shop -----------------------------------------------------------------------------------------------------


@post("/api/products", dto=JsonBody[NewProduct], return_dto=None, tags=["products"], responses=REFUSALS | CONFLICTS)
async def add_product(data: JSONBody[NewProduct], request: AnyRequest, context: Context) -> Response[Product]:
    """Add a product. For staff."""
    actor = await context.authorize(request, "add a product")
    check_texts(data)
    product_id, now = context.new_id("prd"), context.now()

    def effect(transaction: Transaction) -> bytes:
        shop = shops.rules(transaction)
        shop.rate_bp(data.tax_class, "taxClass")
        product = Product(id=product_id, currency=shop.currency, **msgspec.structs.asdict(data))
        units.add(transaction, product, actor, now)
        return msgspec.json.encode(product)

    return await create_once(context, request, actor, data, effect)


@patch(
    "/api/products/{product_id:str}",
    dto=JsonBody[EditProduct],
    return_dto=None,
    tags=["products"],
    responses=REFUSALS | CONFLICTS,
)
async def edit_product(
    product_id: FromPath[str], data: JSONBody[EditProduct], request: AnyRequest, context: Context
) -> Response[Product]:
    """Edit a product or its stock. For staff; published as `product_update`."""
    actor = await context.authorize(request, "change a product")
    check_texts(data)
    if data.stock_by and not (data.reason or "").strip():
        raise InvalidField("reason", "A reason is needed to change the stock.")
    changes = changed_fields(data, besides=frozenset({"version", "stock_by", "reason"}))
    now = context.now()

    def unit(transaction: Transaction) -> bytes:
        return msgspec.json.encode(
            units.edit(
                transaction,
                product_id,
                _in_this_shop(transaction, changes),
                stock_by=data.stock_by,
                reason=data.reason,
                expected_version=data.version,
                actor=actor,
                now=now,
            )
        )

    return json_response(await context.store.write(unit))


def _in_this_shop(transaction: Transaction, changes: dict[str, Any]) -> dict[str, Any]:
    """A new price gets the shop's currency; a new tax class must have a rate."""
    shop = shops.rules(transaction)
    if "tax_class" in changes:
        shop.rate_bp(changes["tax_class"], "taxClass")
    return changes | ({"currency": shop.currency} if "price" in changes else {})


@get("/api/products/{product_id:str}/history", tags=["products"], responses=REFUSALS)
async def get_product_history(
    product_id: FromPath[str],
    request: AnyRequest,
    context: Context,
    limit: Limit = LIMIT_MAX,
    cursor: NumberCursor = "0",
) -> Response[ProductHistory]:
    """Get a product's edits, oldest first: who, when and why. For staff. Sales are not included."""
    await context.authorize(request, "see a product's history")
    after = int(cursor)
    found = await context.store.read(
        lambda transaction: units.history(transaction, product_id, after=after, limit=limit + 1)
    )
    if not found and not after:
        raise NotFound("product")
    rows, next_cursor = cut_history(found, limit)
    items = [ProductEdit(version, _product(old), _product(new), *rest) for version, old, new, *rest in rows]
    return json_response(msgspec.json.encode(ProductHistory(items, next_cursor)))


def _product(document: str | None) -> Any:
    return None if document is None else msgspec.Raw(document.encode())


class SoldOut(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Whether a product is sold out today."""

    sold_out: bool
    """Until the shop's next opening or, without hours, its midnight."""


@post(
    "/api/products/{product_id:str}/sold-out",
    dto=JsonBody[SoldOut],
    return_dto=None,
    status_code=200,
    tags=["products"],
    responses=REFUSALS | CONFLICTS,
)
async def set_sold_out(
    product_id: FromPath[str], data: JSONBody[SoldOut], request: AnyRequest, context: Context
) -> Response[Product]:
    """Say that a product is sold out today, whatever its stock, or is there again. For the shop and its back ends;
    published as `product_update`.
    """
    actor = await context.authorize(request, "say what is sold out", SEES_EVERY_ORDER)
    now = context.now()

    def unit(transaction: Transaction) -> bytes:
        until = None
        if data.sold_out:
            until = back_in_stock_at(opening.opening(transaction), now, zone(context.timezone))
        return msgspec.json.encode(units.set_sold_out(transaction, product_id, until, actor=actor, now=now))

    return json_response(await context.store.write(unit))


ROUTES: Final = [set_sold_out, list_products, get_product, add_product, edit_product, get_product_history]
