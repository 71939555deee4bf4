"""FEED: emits committed changes, in order, to the sockets that may see them.

Upstream: the feed table of ``db``. Downstream: ``hub``, which delivers to this node's sockets. Stays true: live
delivery and replay route and encode a row by the same functions, so they cannot differ.

The theory of operation stands in `relay` (delivery), `recovery` (reconnection), `gaps` (what cannot be delivered),
`table_subscriptions` (rows of attached tables) and `presence`.
"""

from .audience import AUDIENCE
from .driver_positions import DriverPositions
from .ephemeral import EphemeralEvents
from .live_stats import LiveStats
from .position import Position
from .presence import Presence
from .presence_peers import PresencePeers
from .recovery import FeedRecovery
from .relay import Relay
from .subscriptions import Subscriptions
from .table_subscriptions import TableSubscriptions
from .table_watches import NoTables, TableWatches, WatchableTables
from .typing_notices import TypingNotices

__all__ = [
    "AUDIENCE",
    "DriverPositions",
    "EphemeralEvents",
    "FeedRecovery",
    "LiveStats",
    "NoTables",
    "Position",
    "Presence",
    "PresencePeers",
    "Relay",
    "Subscriptions",
    "TableSubscriptions",
    "TableWatches",
    "TypingNotices",
    "WatchableTables",
]
