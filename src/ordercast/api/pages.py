"""The pages: what the browser is given, from the folder that the web build fills."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from litestar import Response, Router, get
from litestar.datastructures import CacheControlHeader
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.static_files import create_static_files_router

from .constants import Constant
from .desk import AnyRequest

PAGES: Final = Path(__file__).parent.parent / "pages"

# A built asset has its content's hash in its name, so it never changes; a picture may be redrawn.
_CACHED_FOLDERS: Final = {
    "assets": CacheControlHeader(public=True, max_age=31_536_000, immutable=True),
    "images": CacheControlHeader(public=True, max_age=86_400),
}

# The pages load nothing from elsewhere, so a script that got into them could load nothing either, and tell nobody.
_POLICY: Final = (
    "default-src 'self'; connect-src {connect}; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
# The connection test goes to wherever its user says, and knows no secrets.
_ANYWHERE: Final = "*"

_PATHS: Final = ["/", "/shop", "/admin", "/track", "/track/{order_id:str}"]

_NO_NOTICES: Final[bytes] = b"The pages are not built yet.\n"

_NOT_BUILT: Final[bytes] = (
    b"<!doctype html><title>Ordercast</title><p>The pages are not built yet: run <code>make pages</code>."
)


def page_routes(pages: Path = PAGES, connect: str = "'self'") -> list[Router | HTTPRouteHandler]:
    """The routes of the pages; each page's address answers the one document, which finds its way by itself.

    `connect` says to a browser where they may connect (CSP's ``connect-src``).
    """
    folders = [
        create_static_files_router(
            path=f"/{folder}", directories=[pages / folder], include_in_schema=False, cache_control=cache
        )
        for folder, cache in _CACHED_FOLDERS.items()
        if (pages / folder).is_dir()
    ]
    index = pages / "index.html"
    return [
        _notices(pages / "licenses.md"),
        _document(index, _PATHS, connect),
        _document(index, ["/test-socket"], _ANYWHERE),
        *folders,
    ]


def _document(path: Path, paths: list[str], connect: str) -> HTTPRouteHandler:
    content: bytes = path.read_bytes() if path.is_file() else _NOT_BUILT
    page = Constant(content, MediaType.HTML, {"content-security-policy": _POLICY.format(connect=connect)})

    @get(
        paths,
        include_in_schema=False,
        media_type=MediaType.HTML,
        sync_to_thread=False,
    )
    def document(request: AnyRequest) -> Response[Any]:
        return page.answer(request)

    return document


def _notices(path: Path) -> HTTPRouteHandler:
    """The licences of what the pages were bundled from, which the bundler has collected."""
    notices = Constant(path.read_bytes() if path.is_file() else _NO_NOTICES, "text/markdown; charset=utf-8")

    @get("/licenses.md", include_in_schema=False, media_type="text/markdown", sync_to_thread=False)
    def licenses(request: AnyRequest) -> Response[Any]:
        return notices.answer(request)

    return licenses
