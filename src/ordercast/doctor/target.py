"""What is examined, and as whom."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A server, and the client that it is examined as."""

    url: str
    """Scheme, host and port, as a page's `io(url)` has it."""
    path: str = "/socket.io/"
    namespace: str = "/"
    origin: str | None = None
    """Of the page that connects; None is a program."""
    token: str | None = None
    patience_s: float = 30.0
    """For each answer: a server that is behind shall be told from one that is dead."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("the URL is of a server: http://host:port or https://host")

    @property
    def base(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def engine_url(self) -> str:
        return self.base + self.path

    @property
    def websocket_url(self) -> str:
        return f"ws{self.engine_url.removeprefix('http')}?EIO=4&transport=websocket"

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.origin is None else {"Origin": self.origin}

    @property
    def auth(self) -> dict[str, Any]:
        return {} if self.token is None else {"token": self.token}

    @property
    def prefix(self) -> str:
        """Of packets to the namespace (Socket.IO protocol, "Packet encoding")."""
        return "" if self.namespace == "/" else f"{self.namespace},"
