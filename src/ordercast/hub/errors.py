"""Errors of the hub.

HubError
├── ConnectRefused   raised by a middleware: the client gets CONNECT_ERROR
├── RetryLater       raised by a middleware that cannot decide now: the client comes back
├── EventRefused     raised by a handler: the client gets an error ack
├── AckTimeout       the client did not acknowledge in time
├── NotConnected     the socket is gone
├── LimitReached     a named bound of Options
├── GapTooOld        what a returning client missed can no longer be replayed
└── NodesTimedOut    other nodes did not answer in time; see `bus`
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class HubError(Exception):
    """Base of every error of this room."""


class ConnectRefused(HubError):
    """Raise it in a middleware: the client's ``connect_error`` gets `message`, and `data`, if any, as its ``data``.

    ::

        raise ConnectRefused("not authorized", {"code": "token_expired"})
    """

    def __init__(self, message: str, data: Any = None) -> None:
        self.message = message
        self.data = data
        super().__init__(message)


class RetryLater(HubError):
    """Raise it in a middleware that cannot decide now, such as while the database is busy.

    The connection is closed rather than refused: a stock client comes back by itself after the one, never after the
    other.
    """


class EventRefused(HubError):
    """Raise it in an event handler or middleware: the ack becomes ``{data: null, error: {code, message, **details}}``.

    `code` is for programs, `message` for people, `details` is what JSON can carry. Nothing is logged. See
    ``acks.failure``::

        raise EventRefused("out_of_stock", "There are 2 left.", left=2)
    """

    def __init__(self, code: str, message: str, **details: Any) -> None:
        self.payload = {"code": code, "message": message, **details}
        super().__init__(message)


class AckTimeout(HubError):
    """Not every socket has acknowledged `event` within `timeout_s` seconds."""

    def __init__(self, event: str, timeout_s: float | None, answers: Sequence[Any] = ()) -> None:
        self.answers = list(answers)
        """Those that came in time, of a broadcast."""
        super().__init__(f"no ack of {event!r} within {timeout_s} s")


class NotConnected(HubError):
    """The socket was disconnected before it acknowledged."""

    def __init__(self, sid: str) -> None:
        super().__init__(f"socket {sid} is not connected")


class LimitReached(HubError):
    """The `bound` that `Options` has under the name `option` would be passed."""

    def __init__(self, option: str, bound: int) -> None:
        super().__init__(f"{option} = {bound} is reached")


class GapTooOld(HubError):
    """What came behind a client's offset is not kept any more; it must fetch the state anew. `reason` is one word."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
