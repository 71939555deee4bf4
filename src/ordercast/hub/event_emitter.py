"""Handlers by event name, as Node.js's EventEmitter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

Handler = Callable[..., Any]
H = TypeVar("H", bound=Handler)
EventMiddleware = Callable[[str, list[Any]], Awaitable[None] | None]
M = TypeVar("M", bound=EventMiddleware)


def register(handler: Handler | None, add: Callable[[Handler], None]) -> Any:
    """Add `handler` and return it; without one, return a decorator."""

    def decorate(handler: H) -> H:
        add(handler)
        return handler

    return decorate if handler is None else decorate(handler)


class Once:
    """Calls a handler once: removed before the call, even if it emits its own event."""

    __slots__ = ("_emitter", "_event", "handler")

    def __init__(self, emitter: EventEmitter, event: str, handler: Handler) -> None:
        self._emitter = emitter
        self._event = event
        self.handler = handler

    def __call__(self, *args: Any) -> Any:
        self._emitter.off(self._event, self)
        return self.handler(*args)


class EventEmitter:
    """The handlers of a socket or namespace, in order of addition."""

    __slots__ = ("_any", "_handlers", "_middlewares", "_outgoing", "has_outgoing", "intercepts")

    def __init__(self) -> None:
        self._handlers: dict[str, list[Handler]] = {}
        self._any: list[Handler] = []
        self._outgoing: list[Handler] = []
        self._middlewares: list[EventMiddleware] = []
        self.intercepts = False
        """Whether there are catch-alls or middlewares."""
        self.has_outgoing = False
        """Whether there are outgoing listeners."""

    def __repr__(self) -> str:
        return f"<EventEmitter {self.event_names()}>"

    # One event

    def on(self, event: str, handler: Handler) -> None:
        """Call `handler` for each such event, after those added so far."""
        self._handlers.setdefault(event, []).append(handler)

    def once(self, event: str, handler: Handler) -> None:
        """Call `handler` for the next such event only."""
        self.on(event, Once(self, event, handler))

    def prepend(self, event: str, handler: Handler) -> None:
        """Call `handler` for each such event, before those added so far."""
        self._handlers.setdefault(event, []).insert(0, handler)

    def off(self, event: str, handler: Handler | None = None) -> None:
        """Remove one handler, or all of the event's."""
        if handler is None:
            self._handlers.pop(event, None)
            return
        handlers = self._handlers.get(event, [])
        _remove(handlers, handler)
        if not handlers:
            self._handlers.pop(event, None)

    def clear(self) -> None:
        """Remove every handler of every event; catch-alls and middlewares stay."""
        self._handlers.clear()

    def listeners(self, event: str) -> tuple[Handler, ...]:
        """The event's own handlers, copied, so that a handler may add and remove."""
        handlers = self._handlers.get(event)
        return tuple(handlers) if handlers else ()

    def event_names(self) -> list[str]:
        """The events that have handlers."""
        return list(self._handlers)

    # Every event

    def use(self, middleware: EventMiddleware) -> None:
        """Run `middleware` before the handlers of each event."""
        self._middlewares.append(middleware)
        self.intercepts = True

    def on_any(self, handler: Handler, *, first: bool = False) -> None:
        """Add a catch-all: it runs before the others, with the event's name as first argument."""
        self._any.insert(0 if first else len(self._any), handler)
        self.intercepts = True

    def off_any(self, handler: Handler | None = None) -> None:
        """Remove one catch-all, or all of them."""
        if handler is None:
            self._any.clear()
        else:
            _remove(self._any, handler)
        self.intercepts = bool(self._any or self._middlewares)

    def middlewares(self) -> tuple[EventMiddleware, ...]:
        """Those added so far, copied."""
        return tuple(self._middlewares)

    def listeners_any(self) -> tuple[Handler, ...]:
        """The catch-alls, copied."""
        return tuple(self._any)

    # What is emitted to the client

    def on_any_outgoing(self, handler: Handler, *, first: bool = False) -> None:
        """Add a catch-all of what is sent."""
        self._outgoing.insert(0 if first else len(self._outgoing), handler)
        self.has_outgoing = True

    def off_any_outgoing(self, handler: Handler | None = None) -> None:
        """Remove one catch-all of what is sent, or all of them."""
        if handler is None:
            self._outgoing.clear()
        else:
            _remove(self._outgoing, handler)
        self.has_outgoing = bool(self._outgoing)

    def listeners_any_outgoing(self) -> tuple[Handler, ...]:
        """The catch-alls of what is sent, copied."""
        return tuple(self._outgoing)


def _remove(handlers: list[Handler], handler: Handler) -> None:
    for index, added in enumerate(handlers):
        if added == handler or (isinstance(added, Once) and added.handler == handler):
            del handlers[index]
            return


NO_LISTENERS: Final = EventEmitter()
"""Stands in until a socket has handlers of its own: most never have. Nothing may be added to it."""
