"""The stock client's files, for ``<script src="/socket.io/socket.io.js">``; the reference's `serveClient`.

They are those of npm's `socket.io-client`, which the build of the pages puts beside the pages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .asgi import AsgiApplication, Receive, Scope, Send
from .compression import accepted_encoding, compress
from .origins import Headers, cors_headers
from .request_log import note_request

FOLDER: Final = Path(__file__).parent.parent / "pages" / "socket.io"
NAMES: Final = (
    "socket.io.js",
    "socket.io.min.js",
    "socket.io.msgpack.min.js",
    "socket.io.esm.min.js",
)
# As the reference: cached, but revalidated each time, as the name has no version.
_CACHE_CONTROL: Final = (b"cache-control", b"public, max-age=0")
_NOT_BUILT: Final = (
    b"Socket.IO's client is not built into this server: run `make pages`, or take `socket.io-client` from npm.\n"
)


# The files stay, so they are compressed once: as small as it goes.
_LEVEL: Final = 9


@dataclass(frozen=True, slots=True)
class _File:
    """One file as it is sent in one encoding; b"" is none."""

    body: bytes
    etag: bytes
    media_type: bytes
    encoding: bytes

    def headers(self) -> Headers:
        headers = [(b"etag", self.etag), _CACHE_CONTROL, (b"vary", b"Accept-Encoding")]
        return [*headers, (b"content-encoding", self.encoding)] if self.encoding else headers

    def is_known(self, if_none_match: bytes) -> bool:
        """Compared weakly (RFC 9110 section 13.1.2): a proxy that compressed the answer has made the validator weak."""
        known = {tag.strip().removeprefix(b"W/") for tag in if_none_match.split(b",")}
        return self.etag in known or b"*" in known


class ClientFiles:
    """ASGI middleware that serves the client's files; each is read at first request."""

    def __init__(self, application: AsgiApplication, path: str, origins: Sequence[str]) -> None:
        self._application = application
        self._origins = origins
        base = path.rstrip("/")
        self._names = {f"{base}/{name}{suffix}": name + suffix for name in NAMES for suffix in ("", ".map")}
        self._files: dict[tuple[str, bytes], _File] = {}

    def __repr__(self) -> str:
        return f"<ClientFiles {next(iter(self._names))} read={len(self._files)}>"

    def has(self, path: str) -> bool:
        """Whether it is the path of such a file."""
        return path in self._names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = self._names.get(scope["path"]) if scope["type"] == "http" else None
        if name is None or scope["method"] not in {"GET", "HEAD"}:
            await self._application(scope, receive, send)
            return
        headers = dict(scope["headers"])
        file = self._find(name, accepted_encoding(headers.get(b"accept-encoding", b"")))
        added = [(b"x-content-type-options", b"nosniff")]
        added += cors_headers(headers.get(b"origin", b""), headers.get(b"host", b""), self._origins)
        note = note_request(scope, scope["method"].encode(), scope["path"])
        if note is not None:
            added.append(note.header)
        status, own, body = _answer(file, headers.get(b"if-none-match", b""))
        if note is not None:
            note.write(status)
        await send({"type": "http.response.start", "status": status, "headers": [*added, *own]})
        await send({"type": "http.response.body", "body": body})

    def _find(self, name: str, encoding: bytes) -> _File | None:
        file = self._files.get((name, encoding))
        if file is None and (FOLDER / name).is_file():
            file = self._files[name, encoding] = _read(FOLDER / name, encoding)
        return file


def _read(path: Path, encoding: bytes) -> _File:
    content = path.read_bytes()
    kind = b"json" if path.suffix == ".map" else b"javascript"
    etag = b'"%b%b"' % (hashlib.sha256(content).hexdigest()[:24].encode(), encoding and b"-" + encoding)
    body = compress(content, encoding, _LEVEL) if encoding else content
    return _File(body, etag, b"application/%b; charset=utf-8" % kind, encoding)


def _answer(file: _File | None, if_none_match: bytes) -> tuple[int, Headers, bytes]:
    if file is None:
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
        return 404, [*headers, (b"content-length", b"%d" % len(_NOT_BUILT))], _NOT_BUILT
    if file.is_known(if_none_match):
        return 304, file.headers(), b""
    headers = [(b"content-type", file.media_type), (b"content-length", b"%d" % len(file.body))]
    return 200, [*file.headers(), *headers], file.body
