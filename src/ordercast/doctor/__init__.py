"""DOCTOR: examines a Socket.IO server from where its clients are, and says of each fault which line to change.

Upstream: ``ordercast doctor``. Downstream: any Socket.IO server, ours or not, by plain HTTP and WebSocket: nothing of a
client library is in between that could retry or hide what happens. Stays true: it reads and echoes, and changes
nothing of the server.
"""

from .examination import examine
from .findings import Finding, Verdict
from .target import Target

__all__ = ["Finding", "Target", "Verdict", "examine"]
