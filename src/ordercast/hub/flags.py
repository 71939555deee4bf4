"""How an event is sent, beside what it says and who hears it."""

from __future__ import annotations

from typing import Final, NamedTuple


class Flags(NamedTuple):
    volatile: bool = False
    """Dropped for whoever cannot take it at once."""
    compress: bool = True
    """Compressed where the connection compresses at all."""
    local: bool = False
    """For the sockets of this node alone."""
    timeout_s: float | None = None
    """How long acknowledgements are waited for; None: as long as those asked are connected."""


PLAIN: Final = Flags()
