"""Makes the OpenAPI document from the routes.

It takes a fifth of a second, so it is made on request (`docs_page.ApiDocuments`).
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Final

from litestar import Litestar
from litestar._openapi.plugin import OpenAPIPlugin
from litestar.config.app import AppConfig
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, OpenAPI, SecurityScheme

from .descriptions import describe
from .links import add_links
from .structs import close_bodies, structs_of_answers, structs_of_requests

_BEARER: Final = SecurityScheme(type="http", scheme="bearer", description="A JWT, or an order's tracking token")


def make_document(application: Litestar) -> dict[str, Any]:
    """Describe the routes of `application` as JSON values."""
    document = _made_by_litestar(application)
    sent = structs_of_requests(application)
    close_bodies(document, sent)
    describe(document, structs_of_answers(application) | sent)
    add_links(document)
    return document.to_schema()


def _made_by_litestar(application: Litestar) -> OpenAPI:
    plugin = application.plugins.get(OpenAPIPlugin)
    # The application has no document of its own, which would be made on the loop at a page's first request.
    plugin.on_app_init(AppConfig(openapi_config=_config()))
    return plugin.provide_openapi()


def _config() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Ordercast",
        version=version("ordercast"),
        use_handler_docstrings=True,
        components=Components(security_schemes={"token": _BEARER}),
    )
