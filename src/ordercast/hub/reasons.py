"""Why a socket was disconnected: the reference server's words, so that handlers written for it read the same."""

from __future__ import annotations

from enum import StrEnum


class DisconnectReason(StrEnum):
    """Given to ``disconnect`` handlers.

    A stock client comes back by itself after every one of these but the first two, which say that the end was meant.
    """

    SERVER_NAMESPACE_DISCONNECT = "server namespace disconnect"
    CLIENT_NAMESPACE_DISCONNECT = "client namespace disconnect"
    SERVER_SHUTTING_DOWN = "server shutting down"
    FORCED_SERVER_CLOSE = "forced server close"
    """The client did what the protocol does not allow in its state."""
    PARSE_ERROR = "parse error"
    """The client sent what could not be parsed."""
    PING_TIMEOUT = "ping timeout"
    TRANSPORT_CLOSE = "transport close"
    """The connection ended at the client's side or on the way."""
    TRANSPORT_ERROR = "transport error"
    BACKLOG_FULL = "backlog full"
    """The client reads slower than it is told; it recovers what it missed when it returns."""
    INBOX_FULL = "inbox full"
    """The client sends faster than its handlers run."""
    TAKEN_OVER = "taken over"
    """The same session came back on a new connection before this one was noticed to be dead."""
