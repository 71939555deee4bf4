"""Handlers by event name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

Handler = Callable[..., Any]
H = TypeVar("H", bound=Handler)
EventMiddleware = Callable[[str, list[Any]], Awaitable[None] | None]
M = TypeVar("M", bound=EventMiddleware)


class Once:
    """Calls a handler, and takes it out before that, so that it runs once even if it causes its own event."""

    __slots__ = ("_event", "_listeners", "handler")

    def __init__(self, listeners: Listeners, event: str, handler: Handler) -> None:
        self._listeners = listeners
        self._event = event
        self.handler = handler

    def __call__(self, *args: Any) -> Any:
        self._listeners.remove(self._event, self)
        return self.handler(*args)


class Listeners:
    """The handlers of one emitter; several per event run in the order in which they were added."""

    __slots__ = ("_any", "_handlers", "intercepts", "middlewares", "outgoing")

    def __init__(self) -> None:
        self._handlers: dict[str, list[Handler]] = {}
        self._any: list[Handler] = []
        self.outgoing: list[Handler] = []
        """Catch-alls of what is sent."""
        self.middlewares: list[EventMiddleware] = []
        self.intercepts = False
        """Whether an event passes anything on its way to its handlers: a catch-all or a middleware."""

    def add(self, event: str, handler: Handler, *, first: bool = False) -> None:
        handlers = self._handlers.setdefault(event, [])
        handlers.insert(0 if first else len(handlers), handler)

    def add_any(self, handler: Handler, *, first: bool = False) -> None:
        """Add a catch-all: it runs before the others, with the event's name as first argument."""
        self._any.insert(0 if first else len(self._any), handler)
        self.intercepts = True

    def add_middleware(self, middleware: EventMiddleware) -> None:
        self.middlewares.append(middleware)
        self.intercepts = True

    def remove(self, event: str, handler: Handler | None = None) -> None:
        """Remove one handler, or all of the event's."""
        if handler is None:
            self._handlers.pop(event, None)
            return
        handlers = self._handlers.get(event, [])
        _remove(handlers, handler)
        if not handlers:
            self._handlers.pop(event, None)

    def remove_any(self, handler: Handler | None = None) -> None:
        if handler is None:
            self._any.clear()
        else:
            _remove(self._any, handler)
        self.intercepts = bool(self._any or self.middlewares)

    def clear(self) -> None:
        """Remove every handler of every event; catch-alls and middlewares stay."""
        self._handlers.clear()

    def find(self, event: str) -> tuple[Handler, ...]:
        """The event's own handlers, copied, so that a handler may add and remove."""
        handlers = self._handlers.get(event)
        return tuple(handlers) if handlers else ()

    def find_any(self) -> tuple[Handler, ...]:
        return tuple(self._any)

    def __iter__(self) -> Iterator[str]:
        return iter(self._handlers)


def _remove(handlers: list[Handler], handler: Handler) -> None:
    for index, added in enumerate(handlers):
        if added == handler or (isinstance(added, Once) and added.handler == handler):
            del handlers[index]
            return
