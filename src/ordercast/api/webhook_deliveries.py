"""Deliveries of outgoing webhooks: listing, details, replay and test."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from ordercast.commerce.errors import EndpointDisabled, InvalidField
from ordercast.commerce.timestamps import timestamp_at
from ordercast.commerce.webhook_endpoints import DeliveryState
from ordercast.db import Transaction, read_json
from ordercast.db.webhooks import deliveries as units
from ordercast.db.webhooks import endpoints
from ordercast.db.webhooks.deliveries import WebhookAttempt, WebhookDelivery
from ordercast.db.webhooks.endpoints import WebhookEndpoint
from ordercast.webhooks import events, replay

from .body import INTEGER_MAX, JsonBody
from .context import ADMINS, AnyRequest, Context
from .idempotency import create_once
from .paging import LIMIT_DEFAULT, Limit, NewestFirst
from .responses import CONFLICTS, REFUSALS, json_response

_WHAT: Final = "see webhook deliveries"


class WebhookDeliveryPage(Struct, frozen=True, rename="camel"):
    items: list[WebhookDelivery]
    next_cursor: str | None


class WebhookRequest(Struct, frozen=True):
    """The request to the endpoint: each attempt has the same id and body, and its own signatures."""

    url: str
    """The endpoint's URL."""
    headers: dict[str, str]
    """Constant headers; each attempt adds `webhook-timestamp` and `webhook-signature`."""
    body: Any
    """The event, with its `type`."""


class WebhookDeliveryDetails(WebhookDelivery, frozen=True, kw_only=True, rename="camel"):
    """A delivery with its request and attempts, newest first."""

    request: WebhookRequest
    """The request."""
    log: list[WebhookAttempt]
    """The attempts, newest first."""


class ReplayWebhooks(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Where to begin: at the time `since`, or after the position `afterSeq`."""

    since: Annotated[datetime, Meta(tz=True)] | None = None
    after_seq: Annotated[int, Meta(ge=0, le=INTEGER_MAX)] | None = None
    """A position in the feed: the `seq` of the last event that is not needed."""
    delivered_too: bool = False
    """Whether to repeat accepted deliveries too, not only those that failed, were skipped or never made."""


class ReplayedWebhooks(Struct, frozen=True, rename="camel"):
    count: int
    """The number of deliveries now pending."""
    next_after_seq: int | None
    """The `afterSeq` of the next request, as rows per request are limited. Null at the end."""


@get("/api/webhook-endpoints/{endpoint_id:str}/deliveries", tags=["webhooks"], responses=REFUSALS)
async def list_webhook_deliveries(  # noqa: PLR0917 - each is a name that the request gives
    endpoint_id: FromPath[str],
    request: AnyRequest,
    context: Context,
    of_state: Annotated[DeliveryState | None, QueryParameter(name="state")] = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: NewestFirst = None,
) -> Response[WebhookDeliveryPage]:
    """List an endpoint's deliveries, newest first. For an admin."""
    await context.authorize(request, _WHAT, ADMINS)
    before = units.NEWEST if cursor is None else int(cursor)

    def query(transaction: Transaction) -> units.LogPage:
        endpoints.find(transaction, endpoint_id)
        return units.deliveries(transaction, endpoint_id, state=of_state, before=before, limit=limit)

    found = await context.store.read(query)
    page = WebhookDeliveryPage(found.items, None if found.next_before is None else str(found.next_before))
    return json_response(msgspec.json.encode(page))


@get("/api/webhook-endpoints/{endpoint_id:str}/deliveries/{delivery_id:str}", tags=["webhooks"], responses=REFUSALS)
async def get_webhook_delivery(
    endpoint_id: FromPath[str], delivery_id: FromPath[str], request: AnyRequest, context: Context
) -> Response[WebhookDeliveryDetails]:
    """Get a delivery with its request and attempts. For an admin."""
    await context.authorize(request, _WHAT, ADMINS)

    def query(transaction: Transaction) -> WebhookDeliveryDetails:
        endpoint = endpoints.find(transaction, endpoint_id)
        delivery = units.find_delivery(transaction, endpoint_id, delivery_id)
        sent = _request(endpoint, delivery, units.body_of(transaction, delivery_id))
        values = msgspec.structs.asdict(delivery)
        return WebhookDeliveryDetails(**values, request=sent, log=units.attempts(transaction, delivery_id))

    return json_response(msgspec.json.encode(await context.store.read(query)))


@post(
    "/api/webhook-endpoints/{endpoint_id:str}/deliveries/{delivery_id:str}/replay",
    status_code=202,
    tags=["webhooks"],
    responses=REFUSALS | CONFLICTS,
)
async def replay_webhook_delivery(
    endpoint_id: FromPath[str], delivery_id: FromPath[str], request: AnyRequest, context: Context
) -> Response[WebhookDelivery]:
    """Repeat a delivery in any state, with the same id. For an admin."""
    await context.authorize(request, "replay webhook deliveries", ADMINS)
    now = context.now()

    def unit(transaction: Transaction) -> bytes:
        _enabled(endpoints.lock(transaction, endpoint_id))
        return msgspec.json.encode(units.replay(transaction, endpoint_id, delivery_id, now))

    return json_response(await context.store.write(unit))


@post(
    "/api/webhook-endpoints/{endpoint_id:str}/replay",
    dto=JsonBody[ReplayWebhooks],
    return_dto=None,
    status_code=202,
    tags=["webhooks"],
    responses=REFUSALS | CONFLICTS,
)
async def replay_webhooks(
    endpoint_id: FromPath[str], data: JSONBody[ReplayWebhooks], request: AnyRequest, context: Context
) -> Response[ReplayedWebhooks]:
    """Replay to an endpoint what it missed since a time or position: failed and skipped deliveries, and events before
    the endpoint or its filter existed. For an admin.
    """
    await context.authorize(request, "replay webhook deliveries", ADMINS)
    if (data.since is None) is (data.after_seq is None):
        raise InvalidField("since", "Name a moment, or in its place a place in the feed (`afterSeq`).")
    since = None if data.since is None else timestamp_at("since", data.since)

    def query(transaction: Transaction) -> tuple[WebhookEndpoint, int]:
        found = _enabled(endpoints.find(transaction, endpoint_id))
        return found, (data.after_seq or 0) if since is None else replay.position_at(transaction, since)

    endpoint, after = await context.store.read(query)
    found = await replay.replay_after(context.store, endpoint, after, context.now(), delivered_too=data.delivered_too)
    return json_response(msgspec.json.encode(ReplayedWebhooks(*found)))


@post(
    "/api/webhook-endpoints/{endpoint_id:str}/test",
    status_code=202,
    tags=["webhooks"],
    responses=REFUSALS | CONFLICTS,
)
async def test_webhook_endpoint(
    endpoint_id: FromPath[str], request: AnyRequest, context: Context
) -> Response[WebhookDelivery]:
    """Send a `webhook.test` event, whatever the filters; the delivery shows the response a moment later. For an
    admin.
    """
    actor = await context.authorize(request, "test webhook endpoints", ADMINS)
    event_id, now = context.new_id("evt"), context.now()

    def effect(transaction: Transaction) -> bytes:
        _enabled(endpoints.lock(transaction, endpoint_id))
        made = events.sample_event(event_id, endpoint_id, now)
        return msgspec.json.encode(units.add_delivery(transaction, endpoint_id, made, now))

    response = await create_once(context, request, actor, {"test": endpoint_id}, effect)
    response.status_code = 202
    return response


def _enabled(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """Return an enabled endpoint. Raises EndpointDisabled."""
    if not endpoint.enabled:
        raise EndpointDisabled
    return endpoint


def _request(endpoint: WebhookEndpoint, delivery: WebhookDelivery, body: str) -> WebhookRequest:
    try:
        shown = read_json(body)
    except ValueError:
        shown = None  # damaged
    return WebhookRequest(endpoint.url, {"content-type": "application/json", "webhook-id": delivery.event_id}, shown)


ROUTES: Final = [
    list_webhook_deliveries,
    get_webhook_delivery,
    replay_webhook_delivery,
    replay_webhooks,
    test_webhook_endpoint,
]
