"""The shared types of this room: a session's transport, and why a request is rejected."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

import msgspec

from ordercast.protocol.message import Message


class Transport(Protocol):
    """Carries one session at a time: a WebSocket, or a chain of polls."""

    name: str
    part_bytes: int
    """A backlog is written in parts of so many bytes."""

    def write(self, messages: Sequence[Message]) -> None:
        """Write messages, in order, as one write. Called only while the session is not blocked."""
        ...

    def release(self) -> None:
        """Answer a held poll with NOOP, so that the client can upgrade; a WebSocket holds none."""
        ...

    def close(self, messages: Sequence[Message]) -> bool:
        """Close it after writing `messages`; False where they must wait for the client's next poll."""
        ...


class EngineError(Enum):
    """Why a request is rejected: code, sentence and HTTP status; the first six are the reference server's."""

    TRANSPORT_UNKNOWN = (0, "Transport unknown", 400)
    SESSION_UNKNOWN = (1, "Session ID unknown", 400)
    BAD_HANDSHAKE_METHOD = (2, "Bad handshake method", 400)
    BAD_REQUEST = (3, "Bad request", 400)
    FORBIDDEN = (4, "Forbidden", 403)
    UNSUPPORTED_PROTOCOL_VERSION = (5, "Unsupported protocol version", 400)
    TOO_LARGE = (3, "Body too large", 413)
    # The reference has no bound on sessions, so no codes for it either; a stock client tries again later upon any.
    TOO_MANY_SESSIONS = (6, "Too many sessions", 503)
    TOO_MANY_OF_ADDRESS = (7, "Too many sessions from this address", 429)
    SHUTTING_DOWN = (8, "Server shutting down", 503)
    TOO_MANY_HANDSHAKES = (9, "Too many new sessions from this address", 429)

    @property
    def code(self) -> int:
        return self.value[0]

    @property
    def message(self) -> str:
        return self.value[1]

    @property
    def status(self) -> int:
        return self.value[2]

    @property
    def retry_after_s(self) -> int | None:
        """The value of `Retry-After`, for programs and proxies; a stock client waits by itself, longer each time."""
        return _RETRY_AFTER_S.get(self.status)

    def body(self, message: str | None = None) -> bytes:
        """The response's JSON body, with `message` in place of the usual sentence."""
        return msgspec.json.encode({"code": self.code, "message": message or self.message})


# Half a minute sees dead sessions gone; what is too fast is slow enough by then as well.
_RETRY_AFTER_S = {429: 10, 503: 10}
