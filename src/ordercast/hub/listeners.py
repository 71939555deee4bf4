"""Handlers by event name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

Handler = Callable[..., Any]
H = TypeVar("H", bound=Handler)


class Listeners:
    """The handlers of one emitter; several per event run in the order in which they were added."""

    __slots__ = ("_any", "_handlers")

    def __init__(self) -> None:
        self._handlers: dict[str, list[Handler]] = {}
        self._any: list[Handler] = []

    def add(self, event: str, handler: Handler) -> None:
        self._handlers.setdefault(event, []).append(handler)

    def add_any(self, handler: Handler) -> None:
        """Add a catch-all: it runs before the others, with the event's name as first argument."""
        self._any.append(handler)

    def remove(self, event: str, handler: Handler | None = None) -> None:
        """Remove one handler, or all of the event's."""
        if handler is None:
            self._handlers.pop(event, None)
            return
        handlers = self._handlers.get(event, [])
        if handler in handlers:
            handlers.remove(handler)

    def remove_any(self, handler: Handler | None = None) -> None:
        if handler is None:
            self._any.clear()
        elif handler in self._any:
            self._any.remove(handler)

    def find(self, event: str) -> tuple[Handler, ...]:
        """The event's own handlers, copied, so that a handler may add and remove."""
        handlers = self._handlers.get(event)
        return tuple(handlers) if handlers else ()

    @property
    def has_any(self) -> bool:
        """Whether there is a catch-all."""
        return bool(self._any)

    def find_any(self) -> tuple[Handler, ...]:
        return tuple(self._any)

    def __iter__(self) -> Iterator[str]:
        return iter(self._handlers)
