"""``ordercast openapi``."""

from __future__ import annotations

from ordercast.api.application import openapi_document


def openapi() -> None:
    """Print the OpenAPI document of the HTTP API, as a running server gives it at /openapi.json."""
    print(openapi_document().decode())
