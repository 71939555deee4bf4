"""Operation: liveness, readiness, metrics, and the configuration of the pages."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
from litestar import Response, get
from litestar.exceptions import NotFoundException
from msgspec import Struct
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ordercast.commerce.currencies import unusual_digits
from ordercast.commerce.notification_preferences import Channel
from ordercast.commerce.sandbox import SANDBOX, SANDBOX_NOTICE
from ordercast.commerce.states import PaymentMethod
from ordercast.db import StoreError, Transaction, accounts, shop

from . import file_descriptors
from .context import AnyRequest, ApiContext, Context
from .middleware import arrived_on
from .responses import json_response

LOCALES: Final = ("en", "bn")
# Below usual timeouts of load balancers.
SILENT_S_MAX: Final = 3.0
# Rows named in a response; the log has all.
DAMAGED_NAMED_MAX: Final = 20


class Health(Struct, frozen=True, omit_defaults=True):
    status: str
    """`live`, `ready`, `degraded` (orders work, but an optional part is missing), `draining` (stopping) or `not
    ready`.
    """
    parts: dict[str, str] = {}
    """Optional parts, such as the bus: `up`, or the problem."""
    off: list[str] = []
    """Notification channels that are off by configuration: `push`, `mail`."""
    damaged: list[str] = []
    """Damaged rows: requests that need them fail, the feed skips them; `ordercast repair` repairs them."""
    warnings: list[str] = []
    """Coming faults, and changes of attached tables that are not published, one sentence each."""
    faults: list[str] = []
    """Faults that keep orders from being taken or published, one sentence each."""


class PageConfig(Struct, frozen=True, rename="camel"):
    socket_url: str
    """The socket's URL; empty for the page's origin."""
    currency: str
    locales: tuple[str, ...]
    payment_methods: tuple[PaymentMethod, ...]
    """Accepted payment methods."""
    payment_provider: str | None
    """The card provider, as `sandbox`; null if none. Pages offer its tokens if they know it."""
    payment_provider_name: str | None
    """The provider's display name, as `Stripe`."""
    payment_notice: str | None
    """A notice before paying, such as that the sandbox moves no money."""
    has_admin: bool
    """Whether an admin exists; the first is made by `ordercast account create`."""
    sends_mail: bool
    """Whether mail is on, for verification and password resets."""
    currency_digits: dict[str, int]
    """Decimal digits (ISO 4217) of currencies that do not have two."""
    preparation_minutes: int
    """What the shop promises with an order that is accepted without a time; 0 for nothing."""
    time_zone: str
    """The shop's time zone, by its IANA name."""
    telephone: str | None
    """Where buyers call the shop, as people write it; null where they cannot."""


@get("/health/live", tags=["operation"])
async def live() -> Response[Health]:
    """Liveness: the process answers."""
    return json_response(b'{"status":"live"}')


@get("/health/ready", tags=["operation"])
async def ready(context: Context) -> Response[Health]:
    """Readiness: orders can be written and read, tested by a small write; 503 if not. A missing part, or a nearly full
    disk, is `degraded` with 200: removing every node because Redis is down would lose orders.
    """
    if context.draining():
        return json_response(b'{"status":"draining"}', status_code=503)
    try:
        async with asyncio.timeout(SILENT_S_MAX):
            faults = await context.store.faults()
    except StoreError as error:
        faults = [str(error)]
    except TimeoutError:
        faults = [f"The database has not answered for {SILENT_S_MAX:.0f} s."]
    if file_descriptors.are_exhausted():
        # It may be the cause of a database fault.
        faults = ["No file descriptors are left: nobody new is let in.", *faults]
    warnings = [*context.store.warnings(), *filter(None, [file_descriptors.warning()])]
    warnings += [sentence for warn in context.warnings for sentence in warn()]
    parts = {name: state() for name, state in context.parts.items()}
    damaged = context.store.damaged.sentences(DAMAGED_NAMED_MAX)
    is_whole = not damaged and not warnings and all(state == "up" for state in parts.values())
    served = "ready" if is_whole else "degraded"
    off = sorted(map(str, {Channel.PUSH, Channel.MAIL} - context.channels))
    health = Health("not ready" if faults else served, parts, off, damaged, warnings, faults)
    return json_response(msgspec.json.encode(health), status_code=503 if faults else 200)


@get("/metrics", tags=["operation"], media_type="text/plain")
async def metrics(request: AnyRequest, context: Context) -> Response[bytes]:
    """Prometheus metrics, on a port of their own unless configured otherwise. Raises NotFound."""
    if context.metrics_port is not None and not arrived_on(request.scope, context.metrics_port):
        raise NotFoundException
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


@get("/api/config", tags=["operation"])
async def get_config(context: Context) -> Response[PageConfig]:
    """What the pages read first."""
    config = await context.store.read(lambda transaction: page_config(context, transaction))
    return json_response(msgspec.json.encode(config))


def page_config(context: ApiContext, transaction: Transaction) -> PageConfig:
    taking = None if context.providers.taking is None else context.providers.taking.name
    return PageConfig(
        context.socket_url,
        shop.currency(transaction),
        LOCALES,
        payment_methods=tuple(PaymentMethod) if taking else (PaymentMethod.CASH,),
        payment_provider=taking,
        payment_provider_name=None if context.providers.taking is None else context.providers.taking.title,
        payment_notice=SANDBOX_NOTICE if taking == SANDBOX else None,
        has_admin=accounts.has_admin(transaction),
        sends_mail=context.sends_mail,
        currency_digits=unusual_digits(),
        preparation_minutes=context.preparation_minutes,
        time_zone=context.timezone,
        telephone=context.telephone or None,
    )


ROUTES: Final = [live, ready, metrics, get_config]
