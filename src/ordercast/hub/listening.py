"""Listening to one socket: its own handlers, beside those that its namespace shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, overload

from .listeners import H, Handler, Listeners, M, Once

NO_LISTENERS: Final = Listeners()
"""Stands in until a socket has handlers of its own: most never have."""


class Listening:
    """What `Socket` says about its handlers. Each method that takes a handler gives it back: usable as a decorator."""

    __slots__ = ("_listeners",)

    def __init__(self) -> None:
        self._listeners = NO_LISTENERS

    # One event

    @overload
    def on(self, event: str) -> Callable[[H], H]: ...
    @overload
    def on(self, event: str, handler: H) -> H: ...
    def on(self, event: str, handler: Handler | None = None) -> Any:
        """Call `handler` with the arguments of each such event; what it returns is the ack, a tuple several values.

        None acknowledges with nothing, `NO_ACK` does not acknowledge.

        ``disconnecting`` and ``disconnect`` are told with a `DisconnectReason`, ``error`` with the exception by which a
        middleware refused an event (and with whatever a client sends under that name).
        """

        def add(handler: H) -> H:
            self._own().add(event, handler)
            return handler

        return add if handler is None else add(handler)

    @overload
    def once(self, event: str) -> Callable[[H], H]: ...
    @overload
    def once(self, event: str, handler: H) -> H: ...
    def once(self, event: str, handler: Handler | None = None) -> Any:
        """Call `handler` for the next such event alone."""

        def add(handler: H) -> H:
            listeners = self._own()
            listeners.add(event, Once(listeners, event, handler))
            return handler

        return add if handler is None else add(handler)

    @overload
    def prepend(self, event: str) -> Callable[[H], H]: ...
    @overload
    def prepend(self, event: str, handler: H) -> H: ...
    def prepend(self, event: str, handler: Handler | None = None) -> Any:
        """As `on`, before the socket's own handlers of that event; those of the namespace still come first."""

        def add(handler: H) -> H:
            self._own().add(event, handler, first=True)
            return handler

        return add if handler is None else add(handler)

    def off(self, event: str, handler: Handler | None = None) -> None:
        """Remove one handler of the event, or all of them."""
        if self._listeners is not NO_LISTENERS:
            self._listeners.remove(event, handler)

    def remove_all_listeners(self, event: str | None = None) -> None:
        """Remove the handlers of `event`, or of every event; catch-alls and middlewares stay."""
        if self._listeners is NO_LISTENERS:
            return
        if event is None:
            self._listeners.clear()
        else:
            self._listeners.remove(event)

    # Every event

    def use(self, middleware: M) -> M:
        """Let each event pass ``middleware(event, args)`` before its handlers; it may change the list `args`, and wait.

        An event for which it raises goes no further: `EventRefused` is told as the ack, any other exception as an
        internal error, and both to the handlers of ``error``.
        """
        self._own().add_middleware(middleware)
        return middleware

    def on_any(self, handler: H) -> H:
        """Call ``handler(event, *args)`` for each event, before its middlewares and handlers; nobody waits for it."""
        self._own().add_any(handler)
        return handler

    def prepend_any(self, handler: H) -> H:
        """As `on_any`, before those added so far."""
        self._own().add_any(handler, first=True)
        return handler

    def off_any(self, handler: Handler | None = None) -> None:
        """Remove one catch-all, or all of them."""
        if self._listeners is not NO_LISTENERS:
            self._listeners.remove_any(handler)

    def on_any_outgoing(self, handler: H) -> H:
        """Call ``handler(event, *args)`` for each event sent to this socket, as the client gets it.

        Broadcasts are included, acknowledgements are not.
        """
        self._own().outgoing.append(handler)
        self._overhear(on=True)
        return handler

    def prepend_any_outgoing(self, handler: H) -> H:
        """As `on_any_outgoing`, before those added so far."""
        self._own().outgoing.insert(0, handler)
        self._overhear(on=True)
        return handler

    def off_any_outgoing(self, handler: Handler | None = None) -> None:
        """Remove one catch-all of what is sent, or all of them."""
        outgoing = self._listeners.outgoing
        if handler is None:
            outgoing.clear()
        elif handler in outgoing:
            outgoing.remove(handler)
        self._overhear(on=bool(outgoing))

    # Steps

    def _own(self) -> Listeners:
        if self._listeners is NO_LISTENERS:
            self._listeners = Listeners()
        return self._listeners

    def _overhear(self, *, on: bool) -> None:
        """Whether what is broadcast must be told to this socket's catch-alls."""
        raise NotImplementedError
