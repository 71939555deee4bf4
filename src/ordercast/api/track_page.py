"""``/track/{id}``: an order's page, rendered here with what its scripts would have to ask for first.

So it is read without JavaScript, and on a slow telephone with the first answer. Who shows a token gets the order's
state; everybody else gets the application, with its sign-in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from ordercast.commerce.errors import NotFound
from ordercast.commerce.letters import Language
from ordercast.db import DamagedRow, StoreError, Transaction, orders, products

from .auth import TokenRefused
from .context import AnyRequest, ApiContext, Context
from .deliveries import ShownDelivery, shown_delivery
from .errors import IssuerUnavailable, SignInRequired, TooManyAttempts
from .health import PageConfig, page_config
from .mailing import language_of
from .order_views import document_for
from .orders import HistoryEntry, moves_shown_to
from .page_translations import PageManifest, Translations
from .paging import LIMIT_MAX
from .static_response import StaticResponse

# What was chosen in the pages (`web/src/i18n/locale.ts`).
LOCALE_COOKIE: Final = "ordercast.locale"


class RenderedPage(NamedTuple):
    """What stands in the application's place until its scripts have come, and the `data` that they begin with."""

    words: Translations
    title: str
    content: str
    data: bytes = b"null"
    status: int = 200


RenderPage: TypeAlias = Callable[[RenderedPage], Response[Any]]


class _InitialData(msgspec.Struct, frozen=True, rename="camel"):
    """What the application begins with: answers that it would ask for, as it would get them."""

    order_id: str
    config: PageConfig
    order: msgspec.Raw
    history: list[HistoryEntry] | None
    """None where it is longer than one answer."""
    delivery: ShownDelivery
    names: dict[str, str]
    """Of the products in it, in Bengali."""


@dataclass(frozen=True, slots=True)
class _Found:
    document: bytes
    history: list[HistoryEntry]
    delivery: ShownDelivery
    names: dict[str, str]
    config: PageConfig


def track_route(manifest: PageManifest | None, application: StaticResponse, render: RenderPage) -> HTTPRouteHandler:
    """The route of the page; without a manifest, or a token, it is the application's."""

    @get("/track/{order_id:str}", include_in_schema=False)
    async def track(order_id: FromPath[str], request: AnyRequest, context: Context) -> Response[Any]:
        if manifest is None or not request.query_params.get("token"):
            return application.answer(request)
        words = Translations(manifest, _language(request, context.language), ZoneInfo(context.timezone))
        try:
            found = await _look(context, request, order_id)
        except (NotFound, TokenRefused, SignInRequired, TooManyAttempts) as error:
            return render(_refusal(words, error))
        except (StoreError, DamagedRow, IssuerUnavailable):
            return application.answer(request)
        rendered = _rendered(words, order_id, found, context.now())
        return application.answer(request) if rendered is None else render(rendered)

    return track


async def _look(context: ApiContext, request: AnyRequest, order_id: str) -> _Found:
    """Raises what the answers of the API are refused for that it stands for."""
    identity = await context.require_identity(request)

    def query(transaction: Transaction) -> _Found:
        document = document_for(transaction, order_id, identity)
        rows = orders.history(transaction, order_id, after=0, limit=LIMIT_MAX + 1)
        moves = moves_shown_to(identity.actor, document, [HistoryEntry(*row[1:]) for row in rows])
        delivery = shown_delivery(context, transaction, order_id, identity, document)
        return _Found(document, moves, delivery, _names_in(transaction, document), page_config(context, transaction))

    return await context.store.read(query)


class _Lines(msgspec.Struct, rename="camel"):
    cart_items: list[dict[str, Any]]


def _names_in(transaction: Transaction, document: bytes) -> dict[str, str]:
    """The Bengali names of an order's products, as the catalogue has them today."""
    ids = {line.get("productId") for line in msgspec.json.decode(document, type=_Lines).cart_items}
    wanted = msgspec.json.encode(sorted(each for each in ids if isinstance(each, str))).decode()
    found = transaction.read(products.BY_IDS, products.product_of, products.TABLE, ids=wanted)
    return {product.id: product.name_bn for product in found if product.name_bn}


def _rendered(words: Translations, order_id: str, found: _Found, now: str) -> RenderedPage | None:
    """None for an order that another program wrote otherwise than ours are: the application makes do with it."""
    from . import order_html  # noqa: PLC0415 - nothing else needs it, and a start loads what it uses

    try:
        shown = msgspec.json.decode(found.document, type=order_html.DisplayedOrder)
    except msgspec.ValidationError:
        return None
    reached = msgspec.convert(found.history, list[order_html.HistoryStep], from_attributes=True)
    renderer = order_html.OrderRenderer(words, shown, reached, found.delivery, now, telephone=found.config.telephone)
    history = found.history if len(found.history) <= LIMIT_MAX else None
    document = msgspec.Raw(found.document)
    data = _InitialData(order_id, found.config, document, history, found.delivery, found.names)
    content = renderer.page(found.names if words.language is Language.BENGALI else {})
    return RenderedPage(words, renderer.title, content, msgspec.json.encode(data))


def _refusal(words: Translations, error: Exception) -> RenderedPage:
    from . import order_html  # noqa: PLC0415 - as above

    key, status = "track.linkWrong", 404
    if isinstance(error, TooManyAttempts):
        key, status = "track.tooOften", 429
    elif isinstance(error, TokenRefused) and error.code in {"token_expired", "token_revoked"}:
        key = "track.linkEnded"
    content = order_html.refused(words, words.t(key))
    return RenderedPage(words, words.t("track.title"), content, status=status)


def _language(request: AnyRequest, default: Language) -> Language:
    """As it was chosen in the pages; else as the browser asks."""
    chosen = request.cookies.get(LOCALE_COOKIE)
    return Language(chosen) if chosen in set(Language) else language_of(request, default)
