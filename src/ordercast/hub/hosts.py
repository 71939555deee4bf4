"""Checks `Host` against DNS rebinding.

A browser lets a page read its own host and port. An attacker's name may resolve to our address, so that their page has
"our" origin. Only `Host`, which is their name, reveals it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final

from .log_once import LogOnce

# Cached headers: anybody may send any name.
_KNOWN_MAX: Final = 256
# RFC 9110 section 7.2: a name or an address, and perhaps a port.
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?)(:\d{1,5})?")


def name_of(host: str) -> str:
    """The name or address in a `Host` header, without its port, in lower case; empty for what is none."""
    matched = _HOST.fullmatch(host.strip().lower())
    return "" if matched is None else matched[1].strip("[]").rstrip(".")


class AllowedHosts:
    """Decides on `Host` headers.

    `names` are hosts (``shop.example.com``), all below one (``*.example.com``), or ``*`` for every one. Always ours are
    loopback names; addresses, which nobody can make to point elsewhere; and names without a dot, which nobody can have
    outside of the network that we are in.
    """

    def __init__(self, names: Sequence[str] = ("*",), setting: str = "Options.allowed_hosts") -> None:
        self._takes_all = "*" in names
        self._exact = {name.lower() for name in names if not name.startswith(("*.", "."))}
        self._below = tuple(name.removeprefix("*").lower() for name in names if name.startswith(("*.", ".")))
        self._known: set[bytes] = set()
        """Headers that were allowed lately: nearly all requests have one of few."""
        self._refused = LogOnce(lambda host: f"{host or 'Nothing'} is no host of ours: add its name to {setting}.")

    def __repr__(self) -> str:
        return f"<AllowedHosts {len(self._exact) + len(self._below)} named, {len(self._refused)} refused>"

    def refused(self, headers: Sequence[tuple[bytes, bytes]]) -> str | None:
        """Why a request with these headers is not answered, which is logged once for each name; None for one that is.

        One without `Host`, which HTTP/1.0 allows, comes from no browser.
        """
        if self._takes_all:
            return None
        for name, value in headers:
            if name == b"host" and value not in self._known and not self._learn(value):
                return self._refused.report(value.decode("latin-1"))
        return None

    def _learn(self, value: bytes) -> bool:
        if not self.allows(name_of(value.decode("latin-1"))):
            return False
        if len(self._known) >= _KNOWN_MAX:
            self._known.clear()
        self._known.add(value)
        return True

    def allows(self, name: str) -> bool:
        """Whether a name, without its port and in lower case, is ours."""
        if name in self._exact or name == "localhost" or name.endswith((".localhost", *self._below)):
            return True
        return _is_address(name) or (bool(name) and "." not in name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
