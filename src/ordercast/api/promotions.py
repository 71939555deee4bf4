"""Promotions: staff create, list, change and end them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec
from litestar import Response, get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType

from ordercast.commerce.errors import NotFound
from ordercast.commerce.promotions import USES_MAX, Code, Promotion, PromotionKind, as_code, check_value
from ordercast.commerce.shop import Amount
from ordercast.commerce.timestamps import Timestamp, timestamp_at
from ordercast.db import Transaction
from ordercast.db import promotions as units
from ordercast.db import shop as shops

from .body import JsonBody, Version, changed_fields
from .context import AnyRequest, Context
from .idempotency import create_once
from .paging import LIMIT_DEFAULT, IdCursor, Limit, cut
from .responses import CONFLICTS, REFUSALS, json_response

Time = Annotated[datetime, Meta(tz=True)]
Uses = Annotated[int, Meta(ge=1, le=USES_MAX)]


class PromotionPage(Struct, frozen=True, rename="camel"):
    items: list[Promotion]
    next_cursor: str | None


class NewPromotion(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """`value`: basis points of the goods (1000 is 10 %), minor units of the shop's currency, or 0 for free delivery."""

    code: Code
    kind: PromotionKind
    value: Amount = 0
    min_subtotal: Amount = 0
    starts_at: Time | None = None
    ends_at: Time | None = None
    uses_max: Uses | None = None
    uses_per_customer_max: Uses | None = None
    active: bool = True


class EditPromotion(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Omitted fields stay; the discount never changes. `active: false` ends it."""

    version: Version
    min_subtotal: Amount | UnsetType = UNSET
    ends_at: Time | UnsetType | None = UNSET
    uses_max: Uses | UnsetType | None = UNSET
    uses_per_customer_max: Uses | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET


@get("/api/promotions", tags=["promotions"], responses=REFUSALS)
async def list_promotions(
    request: AnyRequest,
    context: Context,
    limit: Limit = LIMIT_DEFAULT,
    cursor: IdCursor = "",
) -> Response[PromotionPage]:
    """List promotions by code, also ended ones. For staff."""
    await context.authorize(request, "list promotions")
    found = await context.store.read(lambda transaction: units.page(transaction, cursor, limit + 1))
    page = PromotionPage(*cut(found, limit, lambda each: each.code))
    return json_response(msgspec.json.encode(page))


@get("/api/promotions/{code:str}", tags=["promotions"], responses=REFUSALS)
async def get_promotion(code: FromPath[str], request: AnyRequest, context: Context) -> Response[Promotion]:
    """Get a promotion. For staff."""
    await context.authorize(request, "see promotions")
    promotion = await context.store.read(lambda transaction: units.find(transaction, as_code(code)))
    if promotion is None:
        raise NotFound("promotion")
    return json_response(msgspec.json.encode(promotion))


@post(
    "/api/promotions",
    dto=JsonBody[NewPromotion],
    return_dto=None,
    tags=["promotions"],
    responses=REFUSALS | CONFLICTS,
)
async def add_promotion(data: JSONBody[NewPromotion], request: AnyRequest, context: Context) -> Response[Promotion]:
    """Create a promotion. For staff."""
    actor = await context.authorize(request, "make a promotion")
    check_value(data.kind, data.value)
    starts_at, ends_at = _moment("startsAt", data.starts_at), _moment("endsAt", data.ends_at)
    now = context.now()

    def effect(transaction: Transaction) -> bytes:
        promotion = Promotion(
            code=data.code,
            kind=data.kind,
            value=data.value,
            currency=shops.rules(transaction).currency,
            min_subtotal=data.min_subtotal,
            starts_at=starts_at,
            ends_at=ends_at,
            uses=0,
            uses_max=data.uses_max,
            uses_per_customer_max=data.uses_per_customer_max,
            active=data.active,
            version=1,
            created_at=now,
            updated_at=now,
        )
        units.add(transaction, promotion, actor)
        return msgspec.json.encode(promotion)

    return await create_once(context, request, actor, data, effect)


@patch(
    "/api/promotions/{code:str}",
    dto=JsonBody[EditPromotion],
    return_dto=None,
    tags=["promotions"],
    responses=REFUSALS | CONFLICTS,
)
async def edit_promotion(
    code: FromPath[str], data: JSONBody[EditPromotion], request: AnyRequest, context: Context
) -> Response[Promotion]:
    """Change a promotion's period or limits, or end it. For staff."""
    actor = await context.authorize(request, "change a promotion")
    changes = changed_fields(data, besides=frozenset({"version"}))
    if data.ends_at is not UNSET:
        changes["ends_at"] = _moment("endsAt", data.ends_at)
    now = context.now()

    def unit(transaction: Transaction) -> bytes:
        changed = units.change(transaction, as_code(code), changes, expected_version=data.version, actor=actor, now=now)
        return msgspec.json.encode(changed)

    return json_response(await context.store.write(unit))


def _moment(field: str, time: datetime | None) -> Timestamp | None:
    return None if time is None else timestamp_at(field, time)


ROUTES: Final = [list_promotions, get_promotion, add_promotion, edit_promotion]
