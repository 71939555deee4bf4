"""Incoming webhooks of payment providers, and their log for staff."""

from __future__ import annotations

import logging
from typing import Annotated, Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, QueryParameter
from msgspec import Struct

from ordercast.commerce.errors import NotFound, WebhookRefused
from ordercast.db import payment_webhooks as units
from ordercast.db.payment_webhooks import PaymentWebhook, WebhookState, WholePaymentWebhook

from .budgets import WEBHOOKS
from .context import AnyRequest, Context, caller_of
from .paging import LIMIT_DEFAULT, IdCursor, Limit, cut
from .responses import REFUSALS, json_response, refusals, refused

log = logging.getLogger("ordercast.payments")


class Received(Struct, frozen=True):
    received: bool = True


class WebhookPage(Struct, frozen=True, rename="camel"):
    items: list[PaymentWebhook]
    next_cursor: str | None


@post(
    "/api/payments/webhook/{provider:str}",
    status_code=200,
    tags=["back ends"],
    responses={400: refused("The signature is not the provider's"), 404: REFUSALS[404], **refusals(503)},
)
async def hear_provider(provider: FromPath[str], request: AnyRequest, context: Context) -> Response[Received]:
    """Receive an event of a payment provider. Its signature covers the raw body; duplicates count once.

    Every verified event is stored and acknowledged: it waits for an unknown payment, is retried if it fails, and kept
    if its type is unknown.
    """
    known = context.providers.by_name.get(provider)
    if known is None:
        raise NotFound("payment provider")
    body = await request.body()
    try:
        event = known.read_event(body, request.headers, context.now_ms() / 1000)
    except WebhookRefused:
        # After verification: a provider behind an unlisted proxy must get through, whatever strangers send.
        await context.budgets.take(WEBHOOKS, caller_of(request))
        raise
    outcome = await context.webhooks.receive(provider, event, body)
    log.info("%s event %s (%s): %s", provider, event.event_id, event.kind, outcome)
    return json_response(b'{"received":true}')


# --- What was kept ----------------------------------------------------------------------------------------------------


@get("/api/payments/webhooks", tags=["payments"], responses=REFUSALS)
async def list_webhooks(
    request: AnyRequest,
    context: Context,
    status: Annotated[
        WebhookState | None, QueryParameter(description="Those in this state alone, such as `failed`.")
    ] = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: IdCursor = units.NEWEST,
) -> Response[WebhookPage]:
    """List the providers' webhooks of the last 60 days, newest first."""
    await context.authorize(request, "see payment webhooks")
    found = await context.store.read(lambda transaction: units.page(transaction, cursor, limit + 1, status))
    page = WebhookPage(*cut(found, limit, lambda each: each.id))
    return json_response(msgspec.json.encode(page))


@get("/api/payments/webhooks/{webhook_id:str}", tags=["payments"], responses=REFUSALS)
async def show_webhook(
    webhook_id: FromPath[str], request: AnyRequest, context: Context
) -> Response[WholePaymentWebhook]:
    """Get a stored webhook, with its body until it is applied."""
    await context.authorize(request, "see payment webhooks")
    found = await context.store.read(lambda transaction: units.by_id(transaction, webhook_id))
    return json_response(msgspec.json.encode(found))


@post("/api/payments/webhooks/{webhook_id:str}/retry", status_code=200, tags=["payments"], responses=REFUSALS)
async def retry_webhook(
    webhook_id: FromPath[str], request: AnyRequest, context: Context
) -> Response[WholePaymentWebhook]:
    """Retry a stored webhook now: a failed one, or one whose type became known. Returns its state; an applied one
    stays, one that fails again is retried as a new one.
    """
    await context.authorize(request, "retry payment webhooks")
    return json_response(msgspec.json.encode(await context.webhooks.retry(webhook_id)))


ROUTES: Final = [hear_provider, list_webhooks, show_webhook, retry_webhook]
