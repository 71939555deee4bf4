"""How long a tracking token shows its order or booking."""

from __future__ import annotations

from datetime import datetime
from typing import Final

# Long enough to look a delivery up again; a link that was forwarded or printed should not show it for ever.
TRACKED_AFTER_END_S: Final = 48 * 3600


def tracking_ends(ended_at: str) -> int:
    """The Unix second at which the token of an order or booking that ended at that moment expires."""
    return int(datetime.fromisoformat(ended_at).timestamp()) + TRACKED_AFTER_END_S
