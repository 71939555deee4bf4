"""CSRF: requests that act by a cookie must come from pages that may.

A browser sends the cookie by itself, whichever page asks. `SameSite` keeps those of other sites out already; this also
keeps out pages of a sibling domain, and does not depend on the browser's age.
"""

from __future__ import annotations

from collections.abc import Sequence

from ordercast.hub.origins import is_listed, is_own

from .context import AnyRequest
from .errors import OriginRefused


def check_origin(request: AnyRequest, origins: Sequence[str]) -> None:
    """Raises OriginRefused unless it comes from our own pages, a listed origin, or a program that is no browser."""
    if not comes_from_ours(request, origins):
        raise OriginRefused(request.headers.get("origin", ""))


def comes_from_ours(request: AnyRequest, origins: Sequence[str]) -> bool:
    """Whether it does. ``*`` among `origins` allows no page here: it names none that is trusted."""
    origin = request.headers.get("origin")
    if origin is None:
        # Browsers name the origin of every POST; those that do not, say at least whether the site is another.
        return request.headers.get("sec-fetch-site", "none") in {"same-origin", "none"}
    host = request.headers.get("host", "")
    names = [listed for listed in origins if listed != "*"]
    return is_own(origin, host) or is_listed(origin, names)
