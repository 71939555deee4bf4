"""Serves the built web application."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any, Final, NamedTuple, Self
from urllib.parse import urlsplit

from litestar import Response, get
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler

from ordercast.config import Settings

from .built_files import built_files, encodings
from .context import AnyRequest
from .page_translations import Translations, read_page_manifest
from .static_response import StaticResponse
from .track_page import RenderedPage, track_route

PAGES: Final = Path(__file__).parent.parent / "pages"

# Assets have a content hash in their name and never change; pictures may.
_CACHED_FOLDERS: Final = {
    "assets": "public, max-age=31536000, immutable",
    "images": "public, max-age=86400",
}

# CSP: pages load nothing from elsewhere, so an injected script could neither load nor send anything.
_POLICY: Final = (
    "default-src 'self'; connect-src {connect}; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
# The connection test connects anywhere, and knows no secrets.
_ANYWHERE: Final = "*"

# Answered to programs too, such as a monitor, which name no HTML among what they accept. A new page needs no line here:
# a browser finds it at any address (`Pages.navigation`).
_TO_PROGRAMS_TOO: Final = ["/", "/shop", "/admin", "/track", "/forgot", "/reset", "/verify"]

# Where the application comes to stand.
_EMPTY_ROOT: Final = '<div id="root"></div>'
_NEEDS_SCRIPTS: Final = "<noscript>This page needs JavaScript to show orders live.</noscript>"
# Without its scripts, the page is made anew by the browser itself.
_AGAIN: Final = '<meta name="robots" content="noindex"><noscript><meta http-equiv="refresh" content="60"></noscript>'

_NO_NOTICES: Final[bytes] = b"The pages are not built yet.\n"

_NOT_BUILT: Final[bytes] = (
    b"<!doctype html><title>Ordercast</title><p>The pages are not built yet: run <code>make pages</code>."
)


class _Document(NamedTuple):
    """An HTML document of the build."""

    content: bytes
    encoded: dict[str, bytes]

    @classmethod
    def read(cls, path: Path) -> Self:
        return cls(path.read_bytes() if path.is_file() else _NOT_BUILT, encodings(path))

    def with_policy(self, connect: str) -> StaticResponse:
        headers = {"content-security-policy": _POLICY.format(connect=connect), "vary": "Accept"}
        return StaticResponse(self.content, MediaType.HTML, headers, self.encoded)


class Pages:
    """The built application: one document for all page addresses but an order's, which has its own, and the files."""

    def __init__(self, folder: Path = PAGES, connect: str = "'self'", *, is_shop: bool = True) -> None:
        """`connect` says to a browser where the pages may connect (CSP's ``connect-src``). Where there `is_shop` of
        ours not, there is the connection test alone.
        """
        self._folder = folder
        self._index = _Document.read(folder / "index.html")
        # A build that failed halfway leaves none: then the application shows orders, too.
        track = folder / "track.html"
        self._track = _Document.read(track) if track.is_file() else self._index
        self._document = self._index.with_policy(connect)
        self._connect = connect
        self._policy = _POLICY.format(connect=connect)
        self._is_shop = is_shop

    def routes(self) -> list[HTTPRouteHandler]:
        files = [
            built_files(f"/{name}", self._folder / name, cache)
            for name, cache in _CACHED_FOLDERS.items()
            if (self._folder / name).is_dir()
        ]
        return [
            _route("/licenses.md", _notices(self._folder / "licenses.md")),
            _route("/service-worker.js", _worker(self._folder / "service-worker.js")),
            *self._shop_routes(),
            _route("/test-socket", self._index.with_policy(_ANYWHERE)),
            *files,
        ]

    def _shop_routes(self) -> list[HTTPRouteHandler]:
        if not self._is_shop:
            return []
        return [
            _route(_TO_PROGRAMS_TOO, self._document),
            track_route(read_page_manifest(self._folder), self._track.with_policy(self._connect), self._render),
        ]

    def navigation(self, request: AnyRequest) -> Response[Any] | None:
        """The document, where a browser navigates to an address that no route has; None for a program."""
        if not self._is_shop:
            return None
        headers = request.headers
        is_unknown = not request.scope.get("path_template")
        navigates = headers.get("sec-fetch-mode", "navigate") == "navigate" and "text/html" in headers.get("accept", "")
        return self._document.answer(request) if is_unknown and request.method == "GET" and navigates else None

    def _render(self, rendered: RenderedPage) -> Response[Any]:
        """The application, with the rendered page in its place."""
        words = rendered.words
        # What is JSON may hold a `<`, which a browser would look for the script's end behind.
        data = rendered.data.decode().replace("<", "\\u003c")
        script = f'<script type="application/json" id="initial-data">{data}</script>'
        root = f'<div id="root">{rendered.content}</div>{script}'
        page = self._track.content.decode()
        # The one that somebody's words are in comes last: nothing in them is replaced.
        for former, replacement in (
            ("</head>", f"{_preloads(words, page)}{_AGAIN}</head>"),
            ('<html lang="en">', f'<html lang="{words.tag}">'),
            ("<title>Ordercast</title>", f"<title>{escape(rendered.title)} · Ordercast</title>"),
            (_NEEDS_SCRIPTS, f"<noscript>{escape(words.t('track.noScript'))}</noscript>"),
            (_EMPTY_ROOT, root),
        ):
            page = page.replace(former, replacement, 1)
        headers = {"content-security-policy": self._policy, "cache-control": "no-store"}
        return Response(page, media_type=MediaType.HTML, status_code=rendered.status, headers=headers)


def _preloads(words: Translations, page: str) -> str:
    """Links to the files of the rendered page that the document does not name already."""
    needed = words.manifest.styles
    styles = [f'<link rel="stylesheet" crossorigin href="{path}">' for path in needed if path not in page]
    scripts = [f'<link rel="modulepreload" crossorigin href="{path}">' for path in words.scripts if path not in page]
    return "".join((*styles, *scripts))


def _notices(path: Path) -> StaticResponse:
    """The licences of the bundled packages."""
    content = path.read_bytes() if path.is_file() else _NO_NOTICES
    return StaticResponse(content, "text/markdown; charset=utf-8", encoded=encodings(path))


def _worker(path: Path) -> StaticResponse:
    """The service worker: at the root, for its scope, and revalidated each time (`no-cache`)."""
    content = path.read_bytes() if path.is_file() else b""
    return StaticResponse(content, "text/javascript", encoded=encodings(path))


def _route(path: str | list[str], content: StaticResponse) -> HTTPRouteHandler:
    @get(path, include_in_schema=False, sync_to_thread=False)
    def constant(request: AnyRequest) -> Response[Any]:
        return content.answer(request)

    return constant


def connect_sources(settings: Settings) -> str:
    """The pages' ``connect-src``: this server, and the configured socket server."""
    url = urlsplit(settings.socket_url)
    if not url.netloc:
        return "'self'"
    is_secure = url.scheme in {"https", "wss"}
    schemes = ("https", "wss") if is_secure else ("http", "ws")
    return " ".join(["'self'", *(f"{scheme}://{url.netloc.rpartition('@')[2]}" for scheme in schemes)])
