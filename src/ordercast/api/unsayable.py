"""What no address of ours has in it: a NUL, which PostgreSQL takes in no text."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote_plus

from litestar.exceptions import NotFoundException

from ordercast.commerce.errors import ControlCharacter

from .context import AnyRequest

_SENT: Final = b"%00"


async def refuse_nul(request: AnyRequest) -> None:
    """Asked of every request, before its handler. Raises NotFoundException, or ControlCharacter naming the field."""
    if "\x00" in request.scope["path"]:
        raise NotFoundException
    query: bytes = request.scope["query_string"]
    if _SENT in query:
        given = next(part for part in query.split(b"&") if _SENT in part)
        name = unquote_plus(given.partition(b"=")[0].decode("latin-1"))
        raise ControlCharacter(name.replace("\x00", ""))
