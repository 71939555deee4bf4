"""Serves OpenAPI and AsyncAPI as JSON, each with a page that needs nothing from elsewhere."""

from __future__ import annotations

import asyncio
import hashlib
import re
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import Litestar, Response, get
from litestar.enums import MediaType
from litestar.exceptions import NotFoundException

from .context import AnyRequest
from .static_response import StaticResponse

PATH: Final = "/docs"
EVENTS_PATH: Final = f"{PATH}/events"

MakeDocument = Callable[[Any], Any]
"""Makes a document as JSON values."""
DescribeSockets = Callable[[dict[str, Any]], dict[str, Any]]
"""Makes the AsyncAPI document of a node's sockets, from the OpenAPI document."""


def _page(name: str) -> StaticResponse:
    """A page with a CSP for its one script, one style, and the document it fetches."""
    content = Path(__file__).with_name(name).read_bytes()
    policy = (
        f"default-src 'none'; script-src {_hash(content, 'script')}; style-src {_hash(content, 'style')};"
        " connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
    return StaticResponse(content, MediaType.HTML, {"content-security-policy": policy})


def _hash(page: bytes, tag: str) -> str:
    """The CSP hash of the page's script or style."""
    [content] = re.findall(rb"<%b>(.*?)</%b>" % (tag.encode(), tag.encode()), page, re.DOTALL)
    return f"'sha256-{b64encode(hashlib.sha256(content).digest()).decode()}'"


_DOCS: Final = _page("docs_page.html")
_EVENTS: Final = _page("events_page.html")


class LazyDocument:
    """A document, made once on a thread at the first request."""

    def __init__(self, make: MakeDocument) -> None:
        self._make = make
        self._made: asyncio.Task[StaticResponse] | None = None

    async def get(self, source: Any) -> StaticResponse:
        """The document of `source`, which never changes; concurrent requests wait for one making."""
        if self._made is None or (self._made.done() and self._made.exception() is not None):
            self._made = asyncio.create_task(asyncio.to_thread(self._encoded, source))
        return await asyncio.shield(self._made)

    def _encoded(self, source: Any) -> StaticResponse:
        return StaticResponse(msgspec.json.encode(self._make(source)), "application/json")


class ApiDocuments:
    """The documents of an application. `describe_sockets` is None if it serves no sockets."""

    def __init__(self, describe_sockets: DescribeSockets | None) -> None:
        self.http = LazyDocument(_describe_http)
        self.sockets = None if describe_sockets is None else LazyDocument(describe_sockets)


def _describe_http(application: Litestar) -> dict[str, Any]:
    from .openapi import make_document  # noqa: PLC0415 - hardly anybody asks for it

    return make_document(application)


@get(PATH, include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=False)
def docs_page(request: AnyRequest) -> Response[Any]:
    """A static page: its script fetches ``/openapi.json``."""
    return _DOCS.answer(request)


@get(EVENTS_PATH, include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=False)
def events_page(request: AnyRequest) -> Response[Any]:
    """A static page: its script fetches ``/asyncapi.json``."""
    return _EVENTS.answer(request)


@get(["/openapi.json", f"{PATH}/openapi.json"], include_in_schema=False)
async def openapi_json(request: AnyRequest) -> Response[Any]:
    documents: ApiDocuments = request.app.state.documents
    return (await documents.http.get(request.app)).answer(request)


@get("/asyncapi.json", include_in_schema=False)
async def asyncapi_json(request: AnyRequest) -> Response[Any]:
    documents: ApiDocuments = request.app.state.documents
    if documents.sockets is None:
        raise NotFoundException("This process serves no sockets")
    openapi = msgspec.json.decode((await documents.http.get(request.app)).content)
    return (await documents.sockets.get(openapi)).answer(request)


ROUTES: Final = [docs_page, events_page, openapi_json, asyncapi_json]
