"""The request that opened a connection."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

from .callers import caller_of


@dataclass(frozen=True)
class Handshake:
    """The request that opened a connection, as it came; parsed only when looked at."""

    raw_headers: tuple[tuple[bytes, bytes], ...]
    """Name and value of each header, in their order; names in lower case."""
    raw_query: bytes
    """What stands behind the question mark."""
    address: str
    """The client's IP address: the peer's, or the one that a trusted proxy forwards."""
    secure: bool
    """Whether it came by TLS, here or to a trusted proxy."""
    time: float
    """When it came, in seconds since the epoch."""
    path: str = "/socket.io/"
    """Without the query."""
    auth: dict[str, Any] = field(default_factory=dict)
    """The payload of the socket's CONNECT; empty where the connection is meant and no socket of it."""

    @property
    def caller(self) -> str:
        """Whom bounds and budgets count: an IPv4 address, or an IPv6 /64."""
        return caller_of(self.address)

    @cached_property
    def headers(self) -> dict[str, str]:
        """The headers by name in lower case; of a repeated one the last."""
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self.raw_headers}

    @cached_property
    def query(self) -> dict[str, str]:
        """The query's parameters; of a repeated one the last."""
        return {
            name: values[-1]
            for name, values in parse_qs(self.raw_query.decode("latin-1"), keep_blank_values=True).items()
        }

    @property
    def url(self) -> str:
        """Path and query, as requested."""
        return f"{self.path}?{self.raw_query.decode('latin-1')}"

    @property
    def xdomain(self) -> bool:
        """Whether the request has an `Origin`, as a browser's has."""
        return "origin" in self.headers

    @property
    def issued(self) -> int:
        """Milliseconds since the epoch, as JavaScript counts."""
        return round(self.time * 1000)
