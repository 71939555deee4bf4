"""Lists of origins (RFC 6454) whose pages may connect, and the sentence about one that may not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from .log_once import LogOnce

ANY_PORT: Final = ":*"
_PORT: Final = re.compile(r":\d+$")
# Scheme and authority. Programs give the scheme of their WebSocket, and some a path; browsers do neither.
_AUTHORITY: Final = re.compile(r"(?:http|ws)(s?)://([^/]+)", re.IGNORECASE)


def is_listed(origin: str, origins: Sequence[str]) -> bool:
    """Whether `origins` name the origin: to the letter, by ``*``, or on any port by ``http://localhost:*``."""
    return origin in origins or "*" in origins or _PORT.sub("", origin) + ANY_PORT in origins


def is_own(origin: str, host: str) -> bool:
    """Whether it is the origin of the host that was requested. Either may name the scheme's own port: the client for
    Swift sends ``Host: shop.example:443`` beside ``Origin: wss://shop.example``.
    """
    match = _AUTHORITY.match(origin)
    if match is None or not host:
        return False
    default_port = ":443" if match[1] else ":80"
    return match[2].lower().removesuffix(default_port) == host.lower().removesuffix(default_port)


class RefusedOrigins(LogOnce):
    """The sentence about a page that is not let in, logged once for each origin."""

    def __init__(self, setting: str) -> None:
        """`setting` is what an operator knows the list by."""
        super().__init__(lambda origin: f"Pages of {origin} may not connect here: add that origin to {setting}.")
