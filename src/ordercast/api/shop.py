"""The shop's pricing rules: everybody reads them, an admin changes them."""

from __future__ import annotations

from typing import Final

import msgspec
from litestar import Response, get, put
from litestar.params import JSONBody

from ordercast.commerce.currencies import is_in_use
from ordercast.commerce.errors import InvalidField
from ordercast.commerce.shop import Shop
from ordercast.db import Transaction
from ordercast.db import shop as units
from ordercast.db.shop import CurrentShop

from .body import JsonBody, Version
from .context import ADMINS, AnyRequest, Context
from .responses import CONFLICTS, REFUSALS, json_response


class ChangeShop(Shop, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """All rules; `version` is the one that the client saw."""

    version: Version


@get("/api/shop", tags=["shop"])
async def get_shop(context: Context) -> Response[CurrentShop]:
    """Get the shop's currency, taxes and delivery fees."""
    return json_response(msgspec.json.encode(await context.store.read(units.current_shop)))


@put("/api/shop", dto=JsonBody[ChangeShop], return_dto=None, tags=["shop"], responses=REFUSALS | CONFLICTS)
async def change_shop(data: JSONBody[ChangeShop], request: AnyRequest, context: Context) -> Response[CurrentShop]:
    """Replace the rules for new orders; placed ones keep their sums. For an admin."""
    actor = await context.authorize(request, "change how the shop charges", ADMINS)
    if not is_in_use(data.currency):
        raise InvalidField("currency", f"ISO 4217 has no currency {data.currency} that is in use.")
    now = context.now()

    def unit(transaction: Transaction) -> bytes:
        units.change_rules(transaction, data, expected_version=data.version, actor=actor, now=now)
        return msgspec.json.encode(units.current_shop(transaction))

    return json_response(await context.store.write(unit))


ROUTES: Final = [get_shop, change_shop]
