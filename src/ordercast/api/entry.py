"""What is asked of every request before its handler runs."""

from __future__ import annotations

from typing import Final

from .auth import TokenRefused
from .budgets import READS
from .desk import AnyRequest, FrontDesk, caller_of
from .refusals import IssuerSilent, TooManyAttempts
from .unsayable import refuse_nul

# What else these are charged to is more than this.
_CHARGED: Final = frozenset({"GET", "HEAD"})


class Entry:
    """Charges reading to strangers: whoever shows a good token may read as much as they like."""

    def __init__(self, desk: FrontDesk) -> None:
        self._desk = desk

    async def __call__(self, request: AnyRequest) -> None:
        """Raises NotFoundException, ControlCharacter, TooManyAttempts."""
        await refuse_nul(request)
        if request.method in _CHARGED and not await self._is_known(request):
            self._desk.budgets.take_here(READS, caller_of(request))

    async def _is_known(self, request: AnyRequest) -> bool:
        if "authorization" not in request.headers:
            return False
        try:
            await self._desk.identify(request)
        except (TokenRefused, TooManyAttempts, IssuerSilent):
            return False
        return True
