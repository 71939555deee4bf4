"""What is asked of every request before its handler runs."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from .auth import TokenRefused
from .budgets import READS
from .desk import AnyRequest, FrontDesk
from .refusals import IssuerSilent, TooManyAttempts
from .unsayable import refuse_nul

# What else these are charged to is more than this.
_CHARGED: Final = frozenset({"GET", "HEAD"})


class Entry:
    """Charges reading to whoever reads: without a good token, to their address."""

    def __init__(self, desk: FrontDesk) -> None:
        self._desk = desk

    async def __call__(self, request: AnyRequest) -> None:
        """Raises NotFoundException, ControlCharacter, TooManyAttempts."""
        await refuse_nul(request)
        if request.method not in _CHARGED:
            return
        if "authorization" in request.headers:
            with suppress(TokenRefused, TooManyAttempts, IssuerSilent):  # told by the handler, if it asks who it is
                await self._desk.identify(request)
        self._desk.budgets.take_here(READS, self._desk.who(request))
