"""Names of events that nobody publishes under, whatever shop it is."""

from __future__ import annotations

from typing import Final

# Names that a Socket.IO client gives to its own life, `error`, on which Node's emitters throw, ours of connections, and
# of rows that are watched.
CONNECTION_EVENTS: Final = frozenset({
    "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener", "error",
    "ready", "watching", "room_left", "resync", "auth_expiring", "auth_ignored", "auth_expired", "auth_revoked",
    "row_entered", "row_changed", "row_left",
})  # fmt: skip
