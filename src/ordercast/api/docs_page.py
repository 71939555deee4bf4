"""The API's documents: OpenAPI as JSON, and a page that reads it to people without fetching anything elsewhere.

Describing the API takes the better part of a tenth of a second, and the description never changes: it is made once, on
a thread, when the application starts.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import Litestar, Response, Router, get
from litestar._openapi.plugin import OpenAPIPlugin
from litestar.datastructures import ResponseHeader
from litestar.enums import MediaType
from litestar.openapi.plugins import OpenAPIRenderPlugin

from .constants import Constant
from .desk import AnyRequest

PATH: Final = "/docs"

_PAGE: Final = Path(__file__).with_name("docs_page.html").read_bytes()


def _hash(tag: str) -> str:
    """How a policy names the page's one script, or style, that it is built with."""
    [content] = re.findall(rb"<%b>(.*?)</%b>" % (tag.encode(), tag.encode()), _PAGE, re.DOTALL)
    return f"'sha256-{b64encode(hashlib.sha256(content).digest()).decode()}'"


_POLICY: Final = (
    f"default-src 'none'; script-src {_hash('script')}; style-src {_hash('style')}; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


class ApiDocument:
    """The OpenAPI document of one application, as it is sent."""

    def __init__(self) -> None:
        self._making: asyncio.Task[Constant] | None = None

    async def get(self, application: Litestar) -> Constant:
        """The document: whoever asks while it is made waits for that one making."""
        if self._making is None or (self._making.done() and self._making.exception() is not None):
            self._making = asyncio.create_task(asyncio.to_thread(_describe, application))
        return await asyncio.shield(self._making)


def _describe(application: Litestar) -> Constant:
    # Asked of the plugin, because it hands what it keeps to every page that renders the document.
    schema = application.plugins.get(OpenAPIPlugin).provide_openapi_schema()
    return Constant(msgspec.json.encode(schema), "application/json")


class DocsPage(OpenAPIRenderPlugin):
    """The page is the same for every schema: its script fetches ``/openapi.json``."""

    def __init__(self, *, path: str | Sequence[str]) -> None:
        super().__init__(path=path)

    def render(self, request: AnyRequest, openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002
        return _PAGE


class DocsJson(OpenAPIRenderPlugin):
    """The document under the page's own path, where Litestar would encode it anew for each request."""

    def __init__(self) -> None:
        super().__init__(path="/openapi.json", media_type=MediaType.JSON)
        self._content = b""

    def render(self, request: AnyRequest, openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002
        if not self._content:
            self._content = msgspec.json.encode(openapi_schema)
        return self._content


def router() -> Router:
    """Where the page is served."""
    headers = [ResponseHeader(name="Content-Security-Policy", value=_POLICY)]
    return Router(PATH, route_handlers=[], include_in_schema=False, response_headers=headers)


@get("/openapi.json", include_in_schema=False)
async def openapi_json(request: AnyRequest) -> Response[Any]:
    document: Constant = await request.app.state.api_document.get(request.app)
    return document.answer(request)


async def describe(application: Litestar) -> None:
    """Make the document before the first request asks for it."""
    await application.state.api_document.get(application)


ROUTES: Final = [openapi_json]
