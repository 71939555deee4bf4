"""Endpoints of outgoing webhooks: an admin manages them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType

from ordercast.commerce import webhook_endpoints as rules
from ordercast.commerce.errors import InvalidField, TooManyEndpoints
from ordercast.commerce.text_rules import check_texts
from ordercast.commerce.timestamps import Timestamp, timestamp
from ordercast.commerce.webhook_endpoints import DisabledBy, SealedSecret
from ordercast.db import Transaction, feed
from ordercast.db.webhooks import deliveries as delivery_units
from ordercast.db.webhooks import endpoints as units
from ordercast.db.webhooks.endpoints import WebhookEndpoint
from ordercast.outgoing import AddressRefused, check_url
from ordercast.webhooks import events
from ordercast.webhooks.secret_box import SecretBox, new_secret

from .body import JsonBody, Version, changed_fields
from .context import ADMINS, AnyRequest, ApiContext, Context
from .idempotency import created, run_once
from .paging import LIMIT_DEFAULT, IdCursor, Limit, cut
from .responses import CONFLICTS, REFUSALS, json_response, refusals

Url = Annotated[str, Meta(min_length=1, max_length=2_048)]
Description = Annotated[str, Meta(max_length=500)]
Filters = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...], Meta(min_length=1, max_length=rules.FILTERS_MAX)
]


class WebhookEndpointInfo(Struct, frozen=True, rename="camel"):
    """A webhook endpoint."""

    id: str
    url: str
    """The URL of requests (`POST`)."""
    description: str
    """A description for staff."""
    events: tuple[str, ...]
    """Event names, `order.*` for a family, `*` for all."""
    enabled: bool
    """Whether events are delivered."""
    disabled_by: DisabledBy | None
    """Why it is disabled: by an `admin`, `failing` for too long, or 410 (`gone`)."""
    failing_since: str | None
    """Since when no delivery was accepted; null if healthy."""
    former_secrets_until: tuple[str, ...]
    """When each former secret stops signing."""
    seq: int
    """The position in the feed up to which deliveries were made."""
    version: int
    created_at: str
    updated_at: str


class WebhookEndpointWithSecret(WebhookEndpointInfo, frozen=True, kw_only=True, rename="camel"):
    """An endpoint with its signing secret, shown this once."""

    secret: str
    """A Standard Webhooks secret (`whsec_...`)."""


class WebhookEndpointPage(Struct, frozen=True, rename="camel"):
    items: list[WebhookEndpointInfo]
    next_cursor: str | None


class NewWebhookEndpoint(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: Url
    """`https://...`; a private address only if the operator allows its network."""
    events: Filters = (rules.EVERYTHING,)
    """Event names, `order.*` for a family, `*` for all."""
    description: Description = ""
    """A description for staff."""
    enabled: bool = True
    """Whether events are delivered; enabled later, it gets what it missed."""


class EditWebhookEndpoint(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Omitted fields stay."""

    version: Version
    url: Url | UnsetType = UNSET
    """The new URL: `https://...`."""
    events: Filters | UnsetType = UNSET
    """The new filters."""
    description: Description | UnsetType = UNSET
    """A description for staff."""
    enabled: bool | UnsetType = UNSET
    """Whether events are delivered."""
    resume: Literal["continue", "skip"] = "continue"
    """When enabled again: deliver what it missed, or skip it."""


class RotateWebhookSecret(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    overlap_hours: Annotated[int, Meta(ge=0, le=rules.OVERLAP_HOURS_MAX)] = rules.OVERLAP_HOURS_DEFAULT
    """Hours for which the former secret signs too."""


class WebhookEventType(Struct, frozen=True):
    name: str
    """The name in filters and bodies (`type`)."""
    sentence: str
    """When it is sent."""


class WebhookEventTypes(Struct, frozen=True):
    items: list[WebhookEventType]


# --- Reading ----------------------------------------------------------------------------------------------------------


@get("/api/webhook-events", tags=["webhooks"], responses=refusals(400, 401, 403))
async def list_webhook_events(request: AnyRequest, context: Context) -> Response[WebhookEventTypes]:
    """List the event types. For an admin."""
    await context.authorize(request, "list webhook events", ADMINS)
    found = WebhookEventTypes([WebhookEventType(*each) for each in events.EVENT_TYPES])
    return json_response(msgspec.json.encode(found))


@get("/api/webhook-endpoints", tags=["webhooks"], responses=refusals(400, 401, 403, 422))
async def list_webhook_endpoints(
    request: AnyRequest, context: Context, limit: Limit = LIMIT_DEFAULT, cursor: IdCursor = ""
) -> Response[WebhookEndpointPage]:
    """List the endpoints, also disabled ones. For an admin."""
    await context.authorize(request, "list webhook endpoints", ADMINS)
    found = await context.store.read(lambda transaction: units.page(transaction, cursor, limit + 1))
    items, next_cursor = cut(found, limit, lambda each: each.id)
    now = context.now()
    page = WebhookEndpointPage([info_of(each, now) for each in items], next_cursor)
    return json_response(msgspec.json.encode(page))


@get("/api/webhook-endpoints/{endpoint_id:str}", tags=["webhooks"], responses=REFUSALS)
async def get_webhook_endpoint(
    endpoint_id: FromPath[str], request: AnyRequest, context: Context
) -> Response[WebhookEndpointInfo]:
    """Get an endpoint. For an admin."""
    await context.authorize(request, "see webhook endpoints", ADMINS)
    found = await context.store.read(lambda transaction: units.find(transaction, endpoint_id))
    return json_response(msgspec.json.encode(info_of(found, context.now())))


# --- Changing ---------------------------------------------------------------------------------------------------------


@post(
    "/api/webhook-endpoints",
    dto=JsonBody[NewWebhookEndpoint],
    return_dto=None,
    tags=["webhooks"],
    responses=REFUSALS | CONFLICTS,
)
async def add_webhook_endpoint(
    data: JSONBody[NewWebhookEndpoint], request: AnyRequest, context: Context
) -> Response[WebhookEndpointWithSecret]:
    """Add an endpoint, which gets events from now on. The response has its secret, shown this once. For an admin."""
    actor = await context.authorize(request, "make webhook endpoints", ADMINS)
    _check_description(data.description)
    _check_url(context, data.url)
    wanted = rules.check_filters(data.events, _known_events())
    box = SecretBox(context.keys.all)
    endpoint_id, sealed, now = context.new_id("whe"), box.seal(new_secret()), context.now()

    def effect(transaction: Transaction) -> bytes:
        if units.count(transaction) >= units.ENDPOINTS_MAX:
            raise TooManyEndpoints(units.ENDPOINTS_MAX)
        endpoint = WebhookEndpoint(
            id=endpoint_id,
            url=data.url,
            description=data.description,
            events=wanted,
            secrets=(SealedSecret(sealed),),
            enabled=data.enabled,
            disabled_by=None if data.enabled else DisabledBy.ADMIN,
            failing_since=None,
            through=feed.newest_seq(transaction),
            version=1,
            created_at=now,
            updated_at=now,
        )
        units.add(transaction, endpoint, actor)
        # Stored for repeated requests, with the secret sealed.
        return msgspec.json.encode(_with_secret(endpoint, sealed, now))

    outcome = await run_once(context, request, actor, data, effect)
    return created(outcome, _opened(box, outcome.answer), 201)


@patch(
    "/api/webhook-endpoints/{endpoint_id:str}",
    dto=JsonBody[EditWebhookEndpoint],
    return_dto=None,
    tags=["webhooks"],
    responses=REFUSALS | CONFLICTS,
)
async def edit_webhook_endpoint(
    endpoint_id: FromPath[str], data: JSONBody[EditWebhookEndpoint], request: AnyRequest, context: Context
) -> Response[WebhookEndpointInfo]:
    """Change, disable or enable an endpoint. Enabled again, it gets what it missed, as far as the feed reaches, unless
    `resume` is `skip`. For an admin.
    """
    actor = await context.authorize(request, "change webhook endpoints", ADMINS)
    changes = changed_fields(data, besides=frozenset({"version", "resume", "events"}))
    _check_description(changes.get("description", ""))
    if data.url is not UNSET:
        _check_url(context, data.url)
        changes["failing_since"] = None  # of the former URL
    if data.events is not UNSET:
        changes["events"] = rules.check_filters(data.events, _known_events())
    now = context.now()

    def unit(transaction: Transaction) -> bytes:
        before = units.lock(transaction, endpoint_id, data.version)
        changed = replace(before, **changes, version=before.version + 1, updated_at=now)
        if changed.enabled and not before.enabled:
            changed = _switched_on(transaction, changed, now, skips=data.resume == "skip")
        elif before.enabled and not changed.enabled:
            changed = replace(changed, disabled_by=DisabledBy.ADMIN)
        units.change(transaction, changed, actor)
        return msgspec.json.encode(info_of(changed, now))

    return json_response(await context.store.write(unit))


def _switched_on(
    transaction: Transaction, endpoint: WebhookEndpoint, now: Timestamp, *, skips: bool
) -> WebhookEndpoint:
    if skips:
        units.skip_pending(transaction, endpoint.id, now)
        endpoint = replace(endpoint, through=max(endpoint.through, feed.newest_seq(transaction)))
    else:
        units.resume_pending(transaction, endpoint.id, now)
    return replace(endpoint, disabled_by=None, failing_since=None)


@delete("/api/webhook-endpoints/{endpoint_id:str}", tags=["webhooks"], responses=REFUSALS)
async def delete_webhook_endpoint(endpoint_id: FromPath[str], request: AnyRequest, context: Context) -> None:
    """Delete an endpoint and its deliveries. For an admin."""
    actor = await context.authorize(request, "delete webhook endpoints", ADMINS)
    now = context.now()

    def switch_off(transaction: Transaction) -> None:
        found = units.lock(transaction, endpoint_id)
        off = replace(found, enabled=False, disabled_by=DisabledBy.ADMIN, updated_at=now)
        units.change(transaction, off, actor)

    await context.store.write(switch_off)
    # In small units of work, so that others run in between.
    while await context.store.write(lambda transaction: delivery_units.remove_some(transaction, endpoint_id)):
        pass
    await context.store.write(lambda transaction: units.remove(transaction, endpoint_id))


@post(
    "/api/webhook-endpoints/{endpoint_id:str}/rotate-secret",
    dto=JsonBody[RotateWebhookSecret],
    return_dto=None,
    status_code=200,
    tags=["webhooks"],
    responses=REFUSALS | CONFLICTS,
)
async def rotate_webhook_secret(
    endpoint_id: FromPath[str], data: JSONBody[RotateWebhookSecret], request: AnyRequest, context: Context
) -> Response[WebhookEndpointWithSecret]:
    """Rotate an endpoint's secret, shown this once; the former one signs too for `overlapHours`, while the receiver is
    changed. For an admin.
    """
    actor = await context.authorize(request, "rotate webhook secrets", ADMINS)
    box = SecretBox(context.keys.all)
    sealed, now = box.seal(new_secret()), context.now()
    until = timestamp(round((_moment(now) + timedelta(hours=data.overlap_hours)).timestamp() * 1000))

    def effect(transaction: Transaction) -> bytes:
        found = units.lock(transaction, endpoint_id)
        secrets = rules.rotated(found.secrets, sealed, until, now)
        units.save_secrets(transaction, endpoint_id, secrets, actor, now)
        changed = replace(found, secrets=secrets, version=found.version + 1, updated_at=now)
        return msgspec.json.encode(_with_secret(changed, sealed, now))

    outcome = await run_once(context, request, actor, data, effect)
    return created(outcome, _opened(box, outcome.answer), 200)


# --- Parts ------------------------------------------------------------------------------------------------------------


def info_of(endpoint: WebhookEndpoint, now: Timestamp) -> WebhookEndpointInfo:
    return WebhookEndpointInfo(**_shown(endpoint, now))


def _with_secret(endpoint: WebhookEndpoint, secret: str, now: Timestamp) -> WebhookEndpointWithSecret:
    return WebhookEndpointWithSecret(**_shown(endpoint, now), secret=secret)


def _shown(endpoint: WebhookEndpoint, now: Timestamp) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "description": endpoint.description,
        "events": endpoint.events,
        "enabled": endpoint.enabled,
        "disabled_by": endpoint.disabled_by,
        "failing_since": endpoint.failing_since,
        "former_secrets_until": tuple(
            str(each.until) for each in endpoint.secrets if each.until is not None and each.signs_at(now)
        ),
        "seq": endpoint.through,
        "version": endpoint.version,
        "created_at": endpoint.created_at,
        "updated_at": endpoint.updated_at,
    }


def _opened(box: SecretBox, answer: bytes) -> bytes:
    """A response with its secret unsealed."""
    kept = msgspec.json.decode(answer, type=dict[str, Any])
    return msgspec.json.encode(kept | {"secret": box.open(kept["secret"])})


def _known_events() -> list[str]:
    return [each.name for each in events.EVENT_TYPES]


def _check_url(context: ApiContext, url: str) -> None:
    """Check an endpoint's URL. Raises InvalidField."""
    try:
        check_url(url, context.networks)
    except AddressRefused as refusal:
        raise InvalidField("url", str(refusal)) from None


class _Texts(Struct, frozen=True):
    description: str


def _check_description(description: str) -> None:
    if description:
        check_texts(_Texts(description))


def _moment(now: Timestamp) -> datetime:
    return datetime.fromisoformat(now)


ROUTES: Final = [
    list_webhook_events,
    list_webhook_endpoints,
    get_webhook_endpoint,
    add_webhook_endpoint,
    edit_webhook_endpoint,
    delete_webhook_endpoint,
    rotate_webhook_secret,
]
