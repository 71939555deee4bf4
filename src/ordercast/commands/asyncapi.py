"""``ordercast asyncapi``."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ordercast.api.application import openapi_document
from ordercast.app import build_hub
from ordercast.config import Settings
from ordercast.db import SqliteStore
from ordercast.sockets import describe_sockets


def asyncapi() -> None:
    """Print the AsyncAPI document of events and commands, as a running server gives it at /asyncapi.json."""
    print(asyncapi_document().decode())


def asyncapi_document() -> bytes:
    """The document as JSON, without a server, for generators."""
    server, *_ = build_hub(Settings(secret="-" * 32), SqliteStore(Path("not-opened.db")))
    document = describe_sockets(server, msgspec.json.decode(openapi_document()))
    return msgspec.json.format(msgspec.json.encode(document))
