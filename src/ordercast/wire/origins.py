"""Which pages may talk to us: CORS for polling (Fetch standard, section 3.2), `Origin` for WebSocket (RFC 6455, 10.2).

A browser does not apply CORS to WebSockets (CVE-2019-13611), so the server looks at `Origin` itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from ordercast.hub.origins import is_listed, is_own

Headers = list[tuple[bytes, bytes]]

PREFLIGHT_MAX_AGE_S = b"600"


def is_allowed(origin: bytes, host: bytes, origins: Sequence[str]) -> bool:
    """Whether a page of `origin` may connect: our own, or one that `origins` list (``hub.origins.is_listed``).

    Programs that are no browsers send no `Origin`; pass b"" for those.
    """
    if not origin:
        return True
    name = origin.decode("latin-1")
    return is_own(name, host.decode("latin-1")) or is_listed(name, origins)


def cors_headers(origin: bytes, host: bytes, origins: Sequence[str]) -> Headers:
    """The headers that let the page of `origin` read an answer; none when it may not, or when there is none."""
    if not origin or not is_allowed(origin, host, origins):
        return []
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"vary", b"Origin"),
    ]


def preflight_headers(origin: bytes, host: bytes, requested: bytes, origins: Sequence[str]) -> Headers:
    """The answer to an OPTIONS request: `requested` are the header names that the page wants to send."""
    allowed = cors_headers(origin, host, origins)
    if not allowed:
        return []
    return [
        *allowed,
        (b"access-control-allow-methods", b"GET,POST"),
        (b"access-control-allow-headers", requested or b"content-type"),
        (b"access-control-max-age", PREFLIGHT_MAX_AGE_S),
    ]
