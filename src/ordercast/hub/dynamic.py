"""Namespaces that are made when a client asks for them: ``/shop-1``, ``/shop-2``, by one description of them all."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, overload

from .errors import ConnectRefused, LimitReached
from .listeners import H, Handler

if TYPE_CHECKING:
    from .namespace import Middleware, Namespace
    from .server import Server

log = logging.getLogger("ordercast.hub")

Allows = Callable[[str, dict[str, Any]], bool | Awaitable[bool]]
"""Decides by a namespace's name, and the auth payload of the client that asks for it, whether it may be made."""


class ParentNamespace:
    """Made by `Server.of`. What it is told is told to each of its children, those that exist and those to come."""

    def __init__(self, which: re.Pattern[str] | Allows) -> None:
        self.which = which
        self.children: dict[str, Namespace] = {}
        self._middlewares: list[Middleware] = []
        self._handlers: list[tuple[str, Handler]] = []
        self._event_handlers: list[tuple[str, Handler]] = []

    def __repr__(self) -> str:
        which = self.which.pattern if isinstance(self.which, re.Pattern) else self.which
        return f"<ParentNamespace {which} children={len(self.children)}>"

    def use(self, middleware: Middleware) -> Middleware:
        """See `Namespace.use`."""
        self._middlewares.append(middleware)
        for child in self.children.values():
            child.use(middleware)
        return middleware

    @overload
    def on(self, event: str) -> Callable[[H], H]: ...
    @overload
    def on(self, event: str, handler: H) -> H: ...
    def on(self, event: str, handler: Handler | None = None) -> Any:
        """See `Namespace.on`."""

        def add(handler: H) -> H:
            self._handlers.append((event, handler))
            for child in self.children.values():
                child.on(event, handler)
            return handler

        return add if handler is None else add(handler)

    @overload
    def event(self, name: str) -> Callable[[H], H]: ...
    @overload
    def event(self, name: str, handler: H) -> H: ...
    def event(self, name: str, handler: Handler | None = None) -> Any:
        """See `Namespace.event`."""

        def add(handler: H) -> H:
            self._event_handlers.append((name, handler))
            for child in self.children.values():
                child.event(name, handler)
            return handler

        return add if handler is None else add(handler)

    def emit(self, event: str, *args: Any) -> int:
        """Send an event to everybody in every child; gives their number on this node. Raises UnencodableValue."""
        return sum([child.emit(event, *args) for child in self.children.values()])

    def allows(self, name: str, auth: dict[str, Any]) -> bool | Awaitable[bool]:
        """Whether there may be a child of that name; a pattern must match the whole of it."""
        if isinstance(self.which, re.Pattern):
            return self.which.fullmatch(name) is not None
        return self.which(name, auth)

    def adopt(self, child: Namespace) -> None:
        """Let a new namespace begin with all that its siblings have."""
        for middleware in self._middlewares:
            child.use(middleware)
        for event, handler in self._handlers:
            child.on(event, handler)
        for name, handler in self._event_handlers:
            child.event(name, handler)
        self.children[child.name] = child


class DynamicNamespaces:
    """The parents of one server, and how many children they may have."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._parents: list[ParentNamespace] = []
        self._removals: dict[str, asyncio.TimerHandle] = {}

    def __repr__(self) -> str:
        return f"<DynamicNamespaces {self._parents}>"

    def add(self, parent: ParentNamespace) -> ParentNamespace:
        self._parents.append(parent)
        return parent

    # Making

    def find(self, name: str, auth: dict[str, Any]) -> Namespace | Awaitable[Namespace | None] | None:
        """The namespace that a client asks for, if the first parent that allows it has room for it.

        Raises ConnectRefused where there is none, and whatever a parent's decision raises.
        """
        remaining = iter(tuple(self._parents))
        for parent in remaining:
            allowed = parent.allows(name, auth)
            if not isinstance(allowed, bool):
                return self._find_later(name, auth, parent, allowed, remaining)
            if allowed:
                return self._make(name, parent)
        return None

    async def _find_later(
        self,
        name: str,
        auth: dict[str, Any],
        parent: ParentNamespace,
        allowed: Awaitable[bool],
        remaining: Iterator[ParentNamespace],
    ) -> Namespace | None:
        while not await allowed:
            try:
                parent = next(remaining)
            except StopIteration:
                return None
            decision = parent.allows(name, auth)
            allowed = _decided(decision) if isinstance(decision, bool) else decision
        return self._make(name, parent)

    def find_by_name(self, name: str) -> Namespace | None:
        """The namespace of that name, if a pattern allows it. Raises LimitReached."""
        for parent in self._parents:
            if isinstance(parent.which, re.Pattern) and parent.allows(name, {}):
                return self._server.make_child(name, parent)
        return None

    def _make(self, name: str, parent: ParentNamespace) -> Namespace:
        existing = self._server.find(name)  # somebody else's decision may have been quicker
        if existing is not None:
            return existing
        try:
            return self._server.make_child(name, parent)
        except LimitReached:
            raise ConnectRefused("Too many namespaces", {"code": "too_many_namespaces"}) from None

    # Bounds

    def make_room(self, bound: int) -> bool:
        """Whether there may be one child more, if need be in place of one that nobody is in."""
        if sum([len(parent.children) for parent in self._parents]) < bound:
            return True
        children = (child for parent in self._parents for child in parent.children.values())
        empty = next((child for child in children if child.is_empty), None)
        if empty is not None:
            self.remove(empty)
        return empty is not None

    def emptied(self, child: Namespace) -> None:
        """Somebody was the last to leave: remove the namespace in a while, if so configured."""
        linger_s = self._server.options.empty_namespace_linger_s
        if linger_s is not None and child.name not in self._removals:
            self._removals[child.name] = self._server.loop.call_later(linger_s, self._remove_if_empty, child)

    def _remove_if_empty(self, child: Namespace) -> None:
        del self._removals[child.name]
        if child.is_empty:
            self.remove(child)

    def remove(self, child: Namespace) -> None:
        """Forget a namespace; the next client that asks for it makes it anew."""
        log.info("namespace removed: %s", child.name)
        for parent in self._parents:
            parent.children.pop(child.name, None)
        self._server.forget_namespace(child)
        removal = self._removals.pop(child.name, None)
        if removal is not None:
            removal.cancel()

    def close(self) -> None:
        """Stop waiting for namespaces to be removed."""
        for removal in self._removals.values():
            removal.cancel()
        self._removals.clear()


async def _decided(decision: bool) -> bool:
    return decision
