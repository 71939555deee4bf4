"""What is asked of every request before its handler runs."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from .auth import TokenRefused
from .budgets import READS
from .context import AnyRequest, ApiContext
from .errors import IssuerUnavailable, TooManyAttempts
from .unsayable import refuse_nul

# What else these are charged to is more than this.
_CHARGED: Final = frozenset({"GET", "HEAD"})


class Entry:
    """Charges reading to whoever reads: without a good token, to their address."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    async def __call__(self, request: AnyRequest) -> None:
        """Raises NotFoundException, ControlCharacter, TooManyAttempts."""
        await refuse_nul(request)
        if request.method not in _CHARGED:
            return
        if "authorization" in request.headers:
            with suppress(
                TokenRefused, TooManyAttempts, IssuerUnavailable
            ):  # told by the handler, if it asks who it is
                await self._context.identify(request)
        self._context.budgets.take_here(READS, self._context.who(request))
