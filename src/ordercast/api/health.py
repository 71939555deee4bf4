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
# A balancer's own patience is seldom longer, and to be told is better than to guess.
SILENT_S_MAX: Final = 3.0
# More of them than anybody reads in an answer; the log has all.
DAMAGED_NAMED_MAX: Final = 20


class Health(Struct, frozen=True, omit_defaults=True):
    status: str
    """`live`, `ready`, `degraded` (all orders are taken and told, and a part is missing), `draining` (it is being
    stopped) or `not ready`."""
    parts: dict[str, str] = {}
    """What this node can do without, such as the bus to other nodes: `up`, or what it is instead."""
    off: list[str] = []
    """Ways by which this shop's people and customers are not notified: `push`, `mail`. That is as it was set, and no
    fault."""
    damaged: list[str] = []
    """Rows that cannot be read, by name: what needs them is refused or told as a gap; `ordercast repair` mends them."""
    warnings: list[str] = []
    """What will keep orders from being taken if nobody acts, a sentence for each."""
    faults: list[str] = []
    """Why it is not ready: a sentence for each thing that keeps orders from being taken, or told."""


class PageConfig(Struct, frozen=True, rename="camel"):
    socket_url: str
    """Where to connect the socket; empty for the page's own origin."""
    currency: str
    locales: tuple[str, ...]
    payment_methods: tuple[PaymentMethod, ...]
    """What can be paid with here."""
    payment_provider: str | None
    """Who takes card payments, as `sandbox`; null where nobody does. A page offers the tokens of one that it knows."""
    payment_provider_name: str | None
    """What people call them, as `Stripe`: a shop that has a provider of its own names it."""
    payment_notice: str | None
    """What is to be known before anybody pays: that no money moves, where the sandbox takes payments."""
    has_admin: bool
    """Whether somebody could sign in to work on this shop; the first admin is made by `ordercast account create`."""
    sends_mail: bool
    """Whether addresses are confirmed and forgotten passwords replaced by mail."""
    currency_digits: dict[str, int]
    """By ISO 4217, how many digits behind the point those currencies have that have not two."""


@get("/health/live", tags=["operation"])
async def live() -> Response[Health]:
    """The process answers."""
    return json_response(b'{"status":"live"}')


@get("/health/ready", tags=["operation"])
async def ready(context: Context) -> Response[Health]:
    """Orders can be written and read, as a small write has just shown; 503 if not. A part that is missing, or a disk
    that is nearly full, makes it `degraded`, which is still 200: a balancer that took every node out because Redis is
    away would lose the orders too.
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
        # It may be why the database cannot be opened.
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
    """Figures for Prometheus, on a port of their own unless they are asked for on the shop's.

    Raises NotFound.
    """
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
    )


ROUTES: Final = [live, ready, metrics, get_config]
