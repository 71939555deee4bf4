"""Why a socket was disconnected: the reference server's words, so that handlers written for it read the same."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class DisconnectReason(StrEnum):
    """Given to ``disconnecting`` and ``disconnect`` handlers; its text is its name on the wire and in logs.

    ::

        @socket.on("disconnect")
        def disconnected(reason):
            if reason.reconnects:
                keep_cart(socket.identity)
    """

    code: int
    """A number for programs and dashboards that never changes; under 100 the end was meant, from 100 on it was not."""
    sentence: str
    """What happened, for people."""
    reconnects: bool
    """Whether a stock client comes back by itself, and its session is kept for that."""

    # The defaults are for type checkers alone: ``DisconnectReason("parse error")`` finds the one of that name.
    def __new__(cls, name: str, code: int = 0, sentence: str = "", reconnects: bool = True) -> Self:
        reason = str.__new__(cls, name)
        reason._value_ = name
        reason.code = code
        reason.sentence = sentence
        reason.reconnects = reconnects
        return reason

    # name, code, sentence, whether a stock client comes back
    SERVER_NAMESPACE_DISCONNECT = "server namespace disconnect", 1, "The server disconnected the socket.", False
    CLIENT_NAMESPACE_DISCONNECT = "client namespace disconnect", 2, "The client disconnected the socket.", False
    SERVER_SHUTTING_DOWN = "server shutting down", 100, "The server is shutting down.", True
    FORCED_SERVER_CLOSE = (
        "forced server close",
        101,
        "The client did what the protocol does not allow in its state.",
        True,
    )
    PARSE_ERROR = "parse error", 102, "The client sent what could not be parsed.", True
    PING_TIMEOUT = "ping timeout", 103, "The client did not answer a ping in time.", True
    TRANSPORT_CLOSE = "transport close", 104, "The connection ended at the client's side or on the way.", True
    TRANSPORT_ERROR = "transport error", 105, "The connection failed.", True
    BACKLOG_FULL = "backlog full", 110, "The client reads more slowly than events are emitted to it.", True
    INBOX_FULL = "inbox full", 111, "The client sends faster than its handlers run.", True
    TAKEN_OVER = (
        "taken over",
        112,
        "The same session came back on a new connection before this one was noticed to be dead.",
        True,
    )
