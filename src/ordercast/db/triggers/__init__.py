"""The triggers that fill feed and history, so that no writer, ours or another's, can change an order unheard.

Our own statements bump ``version`` and set ``actor`` and ``reason`` on the row. A change that did not came from
outside: the trigger bumps the version itself and records the actor ``db:external``.
"""

from __future__ import annotations

from typing import Final

from .access import ACCESS_TRIGGERS
from .catalogue import CATALOGUE_TRIGGERS
from .deliveries import DELIVERY_TRIGGERS
from .events import EVENT_TRIGGERS
from .notifications import NOTIFICATION_TRIGGERS
from .orders import ORDER_TRIGGERS
from .payments import PAYMENT_TRIGGERS
from .privacy import PRIVACY_TRIGGERS

TRIGGERS: Final[dict[str, str]] = {
    **ORDER_TRIGGERS,
    **CATALOGUE_TRIGGERS,
    **DELIVERY_TRIGGERS,
    **NOTIFICATION_TRIGGERS,
    **EVENT_TRIGGERS,
    **ACCESS_TRIGGERS,
    **PRIVACY_TRIGGERS,
    **PAYMENT_TRIGGERS,
}
"""Names and texts, in the order in which they are made."""
