"""Lists of origins (RFC 6454) whose pages are let in, and what an operator and a page are told of one that is not."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Final

ANY_PORT: Final = ":*"
# Past so many the log says no more: whoever is no browser may name as many origins as they like.
_LOGGED_MAX: Final = 100
_SHOWN_MAX: Final = 200
_PORT: Final = re.compile(r":\d+$")
# Scheme and authority. Programs say the scheme of their WebSocket, and some a path; browsers do neither.
_AUTHORITY: Final = re.compile(r"(?:http|ws)(s?)://([^/]+)", re.IGNORECASE)

log = logging.getLogger("ordercast.hub")


def is_listed(origin: str, origins: Sequence[str]) -> bool:
    """Whether `origins` name the origin: to the letter, by ``*``, or on any port by ``http://localhost:*``."""
    return origin in origins or "*" in origins or _PORT.sub("", origin) + ANY_PORT in origins


def is_own(origin: str, host: str) -> bool:
    """Whether it is the origin of the host that was asked. Either may name the scheme's own port: the client for Swift
    sends ``Host: shop.example:443`` beside ``Origin: wss://shop.example``.
    """
    match = _AUTHORITY.match(origin)
    if match is None or not host:
        return False
    default_port = ":443" if match[1] else ":80"
    return match[2].lower().removesuffix(default_port) == host.lower().removesuffix(default_port)


class RefusedOrigins:
    """The sentence about a page that is not let in, logged once for each origin."""

    def __init__(self, setting: str) -> None:
        self._setting = setting
        """What an operator knows the list by."""
        self._logged: set[str] = set()

    def __repr__(self) -> str:
        return f"<RefusedOrigins {len(self._logged)} logged>"

    def report(self, origin: str) -> str:
        """Log it, unless that was done; gives the sentence for the answer's body."""
        shown = "".join(each if " " < each < "\x7f" else "?" for each in origin[:_SHOWN_MAX])
        sentence = f"Pages of {shown} may not connect here: add that origin to {self._setting}."
        if shown not in self._logged and len(self._logged) < _LOGGED_MAX:
            self._logged.add(shown)
            log.warning("%s", sentence)
        return sentence
