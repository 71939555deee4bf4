"""CSRF protection: requests authenticated by a cookie must come from allowed pages.

Browsers send the cookie from any page. `SameSite` excludes other sites already; this also excludes sibling domains, and
works in old browsers.
"""

from __future__ import annotations

from collections.abc import Sequence

from ordercast.hub.origins import is_listed, is_own

from .context import AnyRequest
from .errors import OriginRefused


def check_origin(request: AnyRequest, origins: Sequence[str]) -> None:
    """Raise OriginRefused unless the request is from our pages, a listed origin, or no browser."""
    if not comes_from_ours(request, origins):
        raise OriginRefused(request.headers.get("origin", ""))


def comes_from_ours(request: AnyRequest, origins: Sequence[str]) -> bool:
    """Whether it is from an allowed page. ``*`` in `origins` allows none here."""
    origin = request.headers.get("origin")
    if origin is None:
        # Browsers send Origin with every POST, or at least Sec-Fetch-Site.
        return request.headers.get("sec-fetch-site", "none") in {"same-origin", "none"}
    host = request.headers.get("host", "")
    names = [listed for listed in origins if listed != "*"]
    return is_own(origin, host) or is_listed(origin, names)
