"""Serves the built pages' files, plain or precompressed (``app.js.br``, ``app.js.gz``)."""

from __future__ import annotations

import mimetypes
import re
from pathlib import Path
from typing import Any, Final

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from .context import AnyRequest
from .static_response import StaticResponse

# Content codings and their suffixes, best first.
_SUFFIXES: Final = {"br": ".br", "gzip": ".gz"}
# A plain name, with no path.
_NAME: Final = re.compile(r"\w[\w.-]*", re.ASCII)
_UNKNOWN: Final = "application/octet-stream"
# The system's tables differ between machines.
_TYPES: Final = mimetypes.MimeTypes(filenames=())
# Python's differs too: `application/javascript` until 3.12, against RFC 9239.
_TYPES.add_type("text/javascript", ".js")


def encodings(path: Path) -> dict[str, bytes]:
    """The precompressed variants of `path`, by content coding."""
    files = {coding: path.with_name(path.name + suffix) for coding, suffix in _SUFFIXES.items()}
    return {coding: file.read_bytes() for coding, file in files.items() if file.is_file()}


def built_files(path: str, folder: Path, cache_control: str) -> HTTPRouteHandler:
    """The route of a folder's files; each is read at first request and cached (a build is some hundred kB)."""
    read: dict[str, StaticResponse] = {}

    @get(f"{path}/{{name:str}}", include_in_schema=False, sync_to_thread=False)
    def file(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
        if name not in read:
            read[name] = _read(folder, name, cache_control)
        return read[name].answer(request)

    return file


def _read(folder: Path, name: str, cache_control: str) -> StaticResponse:
    path = folder / name
    if _NAME.fullmatch(name) is None or path.suffix in _SUFFIXES.values() or not path.is_file():
        raise NotFoundException
    media_type = _TYPES.guess_type(name)[0] or _UNKNOWN
    return StaticResponse(path.read_bytes(), media_type, {"cache-control": cache_control}, encodings(path))
