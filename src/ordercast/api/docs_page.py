"""The API's documents: OpenAPI as JSON, and a page that reads it to people without fetching anything elsewhere."""

from __future__ import annotations

import asyncio
import hashlib
import re
from base64 import b64encode
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import Litestar, Response, get
from litestar.enums import MediaType

from .context import AnyRequest
from .static_response import StaticResponse

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

_DOCS: Final = StaticResponse(_PAGE, MediaType.HTML, {"content-security-policy": _POLICY})


class ApiDocument:
    """The OpenAPI document of one application, as it is sent: made once, on a thread, when it is first asked for."""

    def __init__(self) -> None:
        self._made: asyncio.Task[StaticResponse] | None = None

    async def get(self, application: Litestar) -> StaticResponse:
        """The document: whoever asks while it is made waits for that one making."""
        if self._made is None or (self._made.done() and self._made.exception() is not None):
            self._made = asyncio.create_task(asyncio.to_thread(_describe, application))
        return await asyncio.shield(self._made)


def _describe(application: Litestar) -> StaticResponse:
    from .openapi import make_document  # noqa: PLC0415 - hardly anybody asks for it

    return StaticResponse(msgspec.json.encode(make_document(application)), "application/json")


@get(PATH, include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=False)
def docs_page(request: AnyRequest) -> Response[Any]:
    """The page is the same for every schema: its script fetches ``/openapi.json``."""
    return _DOCS.answer(request)


@get(["/openapi.json", f"{PATH}/openapi.json"], include_in_schema=False)
async def openapi_json(request: AnyRequest) -> Response[Any]:
    document: StaticResponse = await request.app.state.api_document.get(request.app)
    return document.answer(request)


ROUTES: Final = [docs_page, openapi_json]
