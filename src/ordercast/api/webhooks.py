"""Webhooks of payment providers."""

from __future__ import annotations

import logging
from typing import Final

from litestar import Response, post
from litestar.params import FromPath
from msgspec import Struct

from ordercast.commerce.errors import NotFound, WebhookRefused
from ordercast.db import payments as units

from .budgets import WEBHOOKS
from .context import AnyRequest, Context, caller_of
from .responses import REFUSALS, json_response, refused

log = logging.getLogger("ordercast.payments")


class Received(Struct, frozen=True):
    received: bool = True


@post(
    "/api/payments/webhook/{provider:str}",
    status_code=200,
    tags=["back ends"],
    responses={400: refused("The signature is not the provider's"), 404: REFUSALS[404]},
)
async def hear_provider(provider: FromPath[str], request: AnyRequest, context: Context) -> Response[Received]:
    """Take in an event of a payment provider. Its signature covers the raw body; what comes twice counts once.

    What concerns no payment of this shop is answered alike, so that the provider does not send it again.
    """
    known = context.providers.by_name.get(provider)
    if known is None:
        raise NotFound("payment provider")
    body, now = await request.body(), context.now()
    try:
        event = known.read_event(body, request.headers, context.now_ms() / 1000)
    except WebhookRefused:
        # After it was looked at: a provider behind a proxy that is not named must be heard whatever strangers send.
        await context.budgets.take(WEBHOOKS, caller_of(request))
        raise
    outcome = await context.store.write(lambda transaction: units.apply_event(transaction, provider, event, now))
    log.info("%s event %s (%s): %s", provider, event.event_id, event.kind, outcome)
    return json_response(b'{"received":true}')


ROUTES: Final = [hear_provider]
