"""The API's documents: OpenAPI as JSON, and a page that reads it to people without fetching anything elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from litestar import Response, get
from litestar.enums import MediaType
from litestar.openapi.plugins import OpenAPIRenderPlugin

from .desk import AnyRequest

PATH: Final = "/docs"

_PAGE: Final = Path(__file__).with_name("docs_page.html").read_bytes()


class DocsPage(OpenAPIRenderPlugin):
    """The page is the same for every schema: its script fetches ``/openapi.json``."""

    def render(self, request: AnyRequest, openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002
        return _PAGE


@get("/openapi.json", include_in_schema=False, sync_to_thread=False)
def openapi_json(request: AnyRequest) -> Response[dict[str, Any]]:
    return Response(request.app.openapi_schema.to_schema(), media_type=MediaType.JSON)


ROUTES: Final = [openapi_json]
