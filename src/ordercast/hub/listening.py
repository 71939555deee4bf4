"""Listening to one socket: its own handlers, beside those that its namespace shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, overload

from .listeners import H, Handler, Listeners

NO_LISTENERS: Final = Listeners()
"""Stands in until a socket has handlers of its own: most never have."""


class Listening:
    """What `Socket` says about its handlers."""

    __slots__ = ("_listeners",)

    def __init__(self) -> None:
        self._listeners = NO_LISTENERS

    @overload
    def on(self, event: str) -> Callable[[H], H]: ...
    @overload
    def on(self, event: str, handler: H) -> H: ...
    def on(self, event: str, handler: Handler | None = None) -> Any:
        """Call `handler` with the arguments of each such event; what it returns is the ack, a tuple several values.

        None acknowledges with nothing, `NO_ACK` does not acknowledge.

        ``disconnecting`` and ``disconnect`` are told with a `DisconnectReason`. Usable as a decorator.
        """

        def add(handler: H) -> H:
            if self._listeners is NO_LISTENERS:
                self._listeners = Listeners()
            self._listeners.add(event, handler)
            return handler

        return add if handler is None else add(handler)

    def off(self, event: str, handler: Handler | None = None) -> None:
        """Remove one handler of the event, or all of them."""
        if self._listeners is not NO_LISTENERS:
            self._listeners.remove(event, handler)
