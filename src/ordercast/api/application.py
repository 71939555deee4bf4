"""The HTTP application: routes, errors, CORS, and its documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, Response
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.events import BaseEventEmitterBackend
from litestar.exceptions import NotFoundException
from litestar.types import ASGIApp

from ordercast.commerce.letters import Language
from ordercast.commerce.stats import Percentiles
from ordercast.commerce.unpaid_limits import UNBOUNDED, UnpaidLimits
from ordercast.config import Settings
from ordercast.db import SqliteStore, Store
from ordercast.hub.origins import ANY_PORT
from ordercast.notify import configured_channels, push_key
from ordercast.outgoing import Networks
from ordercast.payments import Providers, providers_of

from . import docs_page
from .attachments import attachment_rules
from .authenticator import Authenticator, make_authenticator
from .before_request import BeforeRequest
from .context import AnyRequest, ApiContext, Present
from .delivery_rules import delivery_rules
from .error_handler import handle_error
from .idempotency import HEADER, REPLAYED
from .middleware import HeadMiddleware, OperatorPortMiddleware, RefusedOriginsMiddleware, ResponseHeadersMiddleware
from .nouns import LIVE_ROUTES, ROUTES
from .pages import Pages
from .request_log import RequestLogMiddleware
from .signing_keys import SigningKeys
from .token_policy import TokenPolicy


class _NoEvents(BaseEventEmitterBackend):
    """Replaces Litestar's event emitter, which would import anyio's loop at each start."""

    async def __aexit__(self, *_raised: object) -> None:
        """Nothing to close."""

    def emit(self, event_id: str, *_args: Any, **_kwargs: Any) -> None:
        raise NotImplementedError(event_id)


def create_api(
    settings: Settings,
    store: Store,
    *,
    authenticator: Authenticator | None = None,
    providers: Providers | None = None,
    parts: Mapping[str, Callable[[], str]] | None = None,
    latency: Callable[[], Percentiles | None] | None = None,
    draining: Callable[[], bool] = lambda: False,
    present: Present | None = None,
    metrics_port: int | None = None,
    pages: Pages | None = None,
    describe_sockets: docs_page.DescribeSockets | None = None,
    warnings: Sequence[Callable[[], list[str]]] = (),
) -> Litestar:
    """Make the ASGI application. The caller starts the store before the first request, and closes it after the last.

    `authenticator` is shared with the sockets, and notified of revocations by the relay; one made here gets none.
    `metrics_port` is the operators' port; 0 for none. `describe_sockets` makes the AsyncAPI document of the sockets
    served beside it.
    """
    authenticator = authenticator or make_authenticator(settings, store)
    keys = SigningKeys.of(settings)
    context = ApiContext(
        store,
        keys,
        authenticator,
        TokenPolicy(settings.token_minutes * 60, settings.sign_in_days, keys.ids),
        settings.origins,
        settings.socket_url,
        providers=providers or providers_of(settings, store),
        parts=parts or {},
        warnings=warnings,
        is_built_in=settings.built_in,
        deliveries=delivery_rules(settings),
        attachments=attachment_rules(settings),
        timezone=settings.timezone,
        preparation_minutes=settings.preparation_minutes,
        telephone=settings.shop_telephone,
        latency=latency or (lambda: None),
        metrics_port=metrics_port,
        draining=draining,
        present=present or (lambda _conversation_id: {}),
        budgets=authenticator.budgets,
        waiting=_waiting_bounds(settings),
        sends_mail=bool(settings.mailbox),
        push_key=push_key(settings),
        channels=configured_channels(settings),
        networks=Networks(settings.outgoing_networks),
        language=Language(settings.language),
    )
    application = Litestar(
        [*(ROUTES if settings.built_in else LIVE_ROUTES), *(pages.routes() if pages is not None else ())],
        dependencies={"context": Provide(lambda: context, sync_to_thread=False)},
        exception_handlers={
            Exception: partial(handle_error, context),
            NotFoundException: partial(_answer_unknown, context, pages),
        },
        before_request=BeforeRequest(context),
        cors_config=_cors(settings),
        event_emitter_backend=_NoEvents,
        openapi_config=None,  # see `ApiDocuments`
        request_max_body_size=settings.body_bytes_max,
        # Litestar's would replace the process's handlers of ``telemetry``.
        logging_config=None,
        state=State({"documents": docs_page.ApiDocuments(describe_sockets)}),
    )
    handler: ASGIApp = RefusedOriginsMiddleware(HeadMiddleware(application.asgi_handler), settings.origins)
    if metrics_port and metrics_port != settings.port:
        handler = OperatorPortMiddleware(handler, metrics_port)
    application.asgi_handler = RequestLogMiddleware(ResponseHeadersMiddleware(handler, settings.hsts_s))
    return application


def _answer_unknown(
    context: ApiContext, pages: Pages | None, request: AnyRequest, error: NotFoundException
) -> Response[Any]:
    """The pages' application for a browser's navigation; the problem for a program."""
    page = None if pages is None else pages.navigation(request)
    return handle_error(context, request, error) if page is None else page


def openapi_document() -> bytes:
    """The OpenAPI document as JSON, without a server, for generators."""
    from .openapi import make_document  # noqa: PLC0415 - for who serves, `ApiDocuments` makes it

    application = create_api(Settings(secret="-" * 32), SqliteStore(Path("not-opened.db")))
    return msgspec.json.format(msgspec.json.encode(make_document(application)))


def _waiting_bounds(settings: Settings) -> UnpaidLimits:
    names = ("guest_orders_open_max", "guest_pieces_open_max", "guest_pieces_max")
    bounds = UnpaidLimits(*map(settings.bound, names))
    return UNBOUNDED if bounds == UNBOUNDED else bounds


def _cors(settings: Settings) -> CORSConfig | None:
    if not settings.origins:
        return None
    return CORSConfig(
        # Litestar's `*` cannot leave out the port.
        allow_origins=[*settings.origins, *(origin.removesuffix(ANY_PORT) for origin in settings.origins)],
        # Only for listed pages: they may send the refresh cookie.
        allow_credentials="*" not in settings.origins,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", HEADER],
        expose_headers=[REPLAYED, "Retry-After", "X-Request-ID"],
        max_age=600,
    )
