"""Web Push subscriptions (W3C Push API)."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
from litestar import Response, delete, get, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from ordercast.commerce.errors import InvalidField, NotPermitted
from ordercast.commerce.notification_preferences import LANGUAGE_TAG, Channel
from ordercast.commerce.notifications import GUEST_PREFIX, recipients_for
from ordercast.commerce.people import STAFF
from ordercast.commerce.text_patterns import text_matching
from ordercast.db import Transaction, contact_points, notification_tasks
from ordercast.db.contact_points import ContactPoint
from ordercast.outgoing import AddressRefused, check_url
from ordercast.outgoing.addresses import URL_CHARACTERS_MAX

from .auth import NOBODY, Identity
from .body import IdText, JsonBody
from .budgets import REFUSED_TOKENS
from .context import AnyRequest, ApiContext, Context, caller_of
from .errors import NoPush, SignInRequired
from .idempotency import create_once
from .responses import REFUSALS, json_response, refusals

Endpoint = Annotated[str, Meta(min_length=1, max_length=URL_CHARACTERS_MAX)]
Key = Annotated[str, Meta(min_length=1, max_length=200)]
LanguageTag = Annotated[str, text_matching(LANGUAGE_TAG, "A language tag is wanted, such as bn-BD", max_length=35)]


class PushKey(Struct, frozen=True):
    key: str
    """The `applicationServerKey` of `pushManager.subscribe`: base64url."""


class PushKeys(Struct, frozen=True):
    p256dh: Key
    """The browser's public key: base64url."""
    auth: Key
    """Its authentication secret: base64url."""


class PushSubscription(Struct, frozen=True, rename="camel"):
    """A browser's PushSubscription as `JSON.stringify` makes it, and fields of ours. Unknown fields are ignored, as
    browsers may add some.
    """

    endpoint: Endpoint
    """The push service's URL: https, at a public address."""
    keys: PushKeys
    expiration_time: float | None = None
    """As the browser has it; ended subscriptions are deleted when the push service reports it."""
    language: LanguageTag | None = None
    """Language of notifications on this device (BCP 47), unless its owner chose one."""
    replaces: Endpoint | None = None
    """The former URL (`pushsubscriptionchange`), which authorizes the change without a token."""


class PushDevice(Struct, frozen=True, rename="camel"):
    id: str
    service: str
    """The host of its push service."""
    language: str | None
    """The page's language (BCP 47)."""
    created_at: str


class PushDeviceList(Struct, frozen=True):
    items: list[PushDevice]


class Unsubscribe(Struct, frozen=True, forbid_unknown_fields=True):
    """Exactly one of these."""

    endpoint: Endpoint | None = None
    """The browser's push service URL."""
    id: IdText | None = None
    """The device's id, from the list."""


@get("/api/push/key", tags=["notifications"], responses=refusals(409))
async def get_push_key(context: Context) -> Response[PushKey]:
    """Get the key that browsers subscribe with. A shop without push refuses with 409."""
    return json_response(msgspec.json.encode(PushKey(_key(context))), headers={"Cache-Control": "no-cache"})


@get("/api/push/subscriptions", tags=["notifications"], responses=REFUSALS)
async def list_push_subscriptions(request: AnyRequest, context: Context) -> Response[PushDeviceList]:
    """List the caller's subscribed browsers, oldest first."""
    user_id, _ = owner_of(await context.require_identity(request))
    found = await context.store.read(lambda transaction: contact_points.devices(transaction, user_id))
    return json_response(
        msgspec.json.encode(PushDeviceList([_device(point) for point in found])),
        headers={"Cache-Control": "no-store"},
    )


@post(
    "/api/push/subscriptions",
    dto=JsonBody[PushSubscription],
    return_dto=None,
    status_code=201,
    tags=["notifications"],
    responses=refusals(400, 401, 403, 409, 422),
)
async def subscribe(data: JSONBody[PushSubscription], request: AnyRequest, context: Context) -> Response[PushDevice]:
    """Subscribe this browser: with a person's token to their notifications, with a tracking token to its order's.
    Idempotent; with another person's token it becomes theirs. Twenty browsers per person are kept; the oldest is
    replaced.
    """
    _key(context)
    _check(context, data)
    identity = await context.identify(request)
    if data.replaces is not None and identity is NOBODY:
        return await _renewed(context, request, data)
    user_id, for_shop = owner_of(await context.require_identity(request))
    now, keys, replaced = context.now(), msgspec.json.encode(data.keys).decode(), data.replaces
    point_id = contact_points.device_id(data.endpoint, user_id)
    point = ContactPoint(point_id, user_id, Channel.PUSH, for_shop, data.endpoint, keys, data.language, now)

    def effect(transaction: Transaction) -> bytes:
        if replaced is not None:
            notification_tasks.move_device(transaction, replaced, data.endpoint, keys, now)
        contact_points.add(transaction, point)
        return msgspec.json.encode(_device(point))

    return await create_once(context, request, identity.actor, data, effect)


async def _renewed(context: ApiContext, request: AnyRequest, data: PushSubscription) -> Response[PushDevice]:
    """Renew a subscription by its former URL, a secret: a service worker has no token."""
    now, keys, former = context.now(), msgspec.json.encode(data.keys).decode(), data.replaces or ""
    moved = await context.store.write(
        lambda transaction: notification_tasks.move_device(transaction, former, data.endpoint, keys, now)
    )
    if not moved:
        await context.budgets.take(REFUSED_TOKENS, caller_of(request))
        raise SignInRequired
    return json_response(msgspec.json.encode(_device(moved[0])), status_code=201)


@delete(
    "/api/push/subscriptions",
    dto=JsonBody[Unsubscribe],
    return_dto=None,
    tags=["notifications"],
    responses=refusals(400, 401, 403, 422),
)
async def unsubscribe(data: JSONBody[Unsubscribe], request: AnyRequest, context: Context) -> None:
    """Unsubscribe one's own browser. Idempotent."""
    if (data.endpoint is None) is (data.id is None):
        raise InvalidField("endpoint", "Name the browser by its endpoint, or by its id.")
    user_id, _ = owner_of(await context.require_identity(request))
    point_id = str(data.id) if data.endpoint is None else contact_points.device_id(data.endpoint, user_id)
    await context.store.write(lambda transaction: contact_points.remove(transaction, point_id, user_id))


def owner_of(identity: Identity) -> tuple[str, bool]:
    """The contact points' user id, and whether staff notifications go there. Raises NotPermitted for who cannot be
    notified.
    """
    if identity.order_id is not None:
        return f"{GUEST_PREFIX}{identity.order_id}", False
    actor = identity.actor
    if not recipients_for(actor):
        raise NotPermitted(actor, "be notified")
    return actor.id, actor.role in STAFF


def _check(context: ApiContext, wanted: PushSubscription) -> None:
    """Check a subscription. Raises InvalidField."""
    from ordercast.notify.push_encryption import BrowserKeys  # noqa: PLC0415 - slow to load, and seldom needed

    try:
        check_url(wanted.endpoint, context.networks)
    except AddressRefused as refusal:
        raise InvalidField("endpoint", str(refusal)) from None
    try:
        BrowserKeys.parse(wanted.keys.p256dh, wanted.keys.auth)
    except ValueError as wrong:
        raise InvalidField(f"keys.{wrong}", "This is no such key of a browser's subscription.") from None


def _key(context: ApiContext) -> str:
    """The public key. Raises NoPush."""
    if context.push_key is None:
        raise NoPush
    return context.push_key()


def _device(point: ContactPoint) -> PushDevice:
    return PushDevice(point.id, urlsplit(point.address).hostname or "", point.language, point.created_at)


ROUTES: Final = [get_push_key, list_push_subscriptions, subscribe, unsubscribe]
