"""Checks before every handler: no NUL in the URL, and the caller's read budget."""

from __future__ import annotations

from contextlib import suppress
from typing import Final
from urllib.parse import unquote_plus

from litestar.exceptions import NotFoundException

from ordercast.commerce.errors import ControlCharacter

from .auth import TokenRefused
from .budgets import READS
from .context import AnyRequest, ApiContext
from .errors import IssuerUnavailable, TooManyAttempts

# Other methods have budgets of their own.
_READING: Final = frozenset({"GET", "HEAD"})
_ENCODED_NUL: Final = b"%00"


class BeforeRequest:
    """Litestar's hook of that name."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    async def __call__(self, request: AnyRequest) -> None:
        """Raises NotFoundException, ControlCharacter, TooManyAttempts."""
        reject_nul(request)
        if request.method in _READING:
            await self._charge(request)

    async def _charge(self, request: AnyRequest) -> None:
        """Charge a read to the token's identity; without a valid one, to the address."""
        if "authorization" in request.headers:
            with suppress(TokenRefused, TooManyAttempts, IssuerUnavailable):  # reported by the handler
                await self._context.identify(request)
        self._context.budgets.take_local(READS, self._context.budget_key(request))


def reject_nul(request: AnyRequest) -> None:
    """Reject a NUL, which PostgreSQL accepts in no text. Raises NotFoundException, or ControlCharacter with the
    parameter.
    """
    if "\x00" in request.scope["path"]:
        raise NotFoundException
    query: bytes = request.scope["query_string"]
    if _ENCODED_NUL in query:
        given = next(part for part in query.split(b"&") if _ENCODED_NUL in part)
        name = unquote_plus(given.partition(b"=")[0].decode("latin-1"))
        raise ControlCharacter(name.replace("\x00", ""))
