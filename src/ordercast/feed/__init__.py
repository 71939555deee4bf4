"""BRIDGE: what was committed, in order, to whoever should hear it.

Upstream: the feed table of ``db``. Downstream: ``hub``, which delivers to the sockets of this node.
Stays true: live delivery and replay call the same audience function on the same row, so they cannot differ.
"""

from .audience import AUDIENCE
from .driver_positions import DriverPositions
from .fleeting import Fleeting
from .live_stats import LiveStats
from .position import Position
from .pump import Pump
from .sessions import FeedRecovery
from .watching import Watching

__all__ = ["AUDIENCE", "DriverPositions", "FeedRecovery", "Fleeting", "LiveStats", "Position", "Pump", "Watching"]
