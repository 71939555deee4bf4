"""A guest's way back to an order: its link, mailed once more to whoever ordered."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import Response, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from ordercast.commerce.letters import MailKind
from ordercast.commerce.orders import Mobile
from ordercast.commerce.tracking import lookup_key

from .body import INTEGER_MAX, JsonBody
from .budgets import MAIL_REQUESTS
from .context import AnyRequest, Context, caller_of
from .mailing import check_sends_mail, mail_to
from .password_reset import MailAccepted
from .responses import json_response, refusals


class LookUpOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """What a buyer knows of an order."""

    number: Annotated[int, Meta(ge=1, le=INTEGER_MAX)]
    """The order's printed number."""
    mobile: Mobile
    """As it was given with the order; with or without its country."""


@post(
    "/api/orders/lookup",
    dto=JsonBody[LookUpOrder],
    return_dto=None,
    status_code=202,
    tags=["orders"],
    responses=refusals(400, 409, 422, 503),
)
async def look_up_order(data: JSONBody[LookUpOrder], request: AnyRequest, context: Context) -> Response[MailAccepted]:
    """Have the link of an order mailed to whoever placed it. The answer is the same, and comes as late, whether there
    is such an order or not: it is looked for when the mail is sent.
    """
    check_sends_mail(context)
    await context.budgets.take(MAIL_REQUESTS, caller_of(request))
    mail = mail_to(context, request, MailKind.ORDER_LINK, lookup_key(data.number, data.mobile))
    await context.store.write(mail)
    return json_response(msgspec.json.encode(MailAccepted()), status_code=202)


ROUTES: Final = [look_up_order]
