"""Namespaces made on demand: ``/shop-1``, ``/shop-2``, by one description."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, overload

from .errors import ConnectRefused, LimitReached
from .event_emitter import H, Handler, register
from .namespace import Middleware, Namespace
from .runtime import Runtime
from .socket import Socket

log = logging.getLogger("ordercast.hub")

Allows = Callable[[str, dict[str, Any]], bool | Awaitable[bool]]
"""Decides by a namespace's name, and the auth payload of the client that connects, whether it may be made."""


class ParentNamespace:
    """Made by `Server.of`. What is registered on it holds for each of its children, those that exist and those to come.

    ::

        shops = server.of(re.compile(r"/shop-\\d+"))

        @shops.event("price")
        def price(socket, sku):
            return prices[socket.namespace.name][sku]
    """

    def __init__(self, which: re.Pattern[str] | Allows) -> None:
        self.which = which
        self.children: dict[str, Namespace[Socket]] = {}
        self._middlewares: list[Middleware[Socket]] = []
        self._handlers: list[tuple[str, Handler]] = []
        self._event_handlers: list[tuple[str, Handler]] = []

    def __repr__(self) -> str:
        which = self.which.pattern if isinstance(self.which, re.Pattern) else self.which
        return f"<ParentNamespace {which} children={len(self.children)}>"

    def use(self, middleware: Middleware[Socket]) -> Middleware[Socket]:
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

        def add(handler: Handler) -> None:
            self._handlers.append((event, handler))
            for child in self.children.values():
                child.on(event, handler)

        return register(handler, add)

    @overload
    def event(self, name: str) -> Callable[[H], H]: ...
    @overload
    def event(self, name: str, handler: H) -> H: ...
    def event(self, name: str, handler: Handler | None = None) -> Any:
        """See `Namespace.event`."""

        def add(handler: Handler) -> None:
            self._event_handlers.append((name, handler))
            for child in self.children.values():
                child.event(name, handler)

        return register(handler, add)

    def emit(self, event: str, *args: Any) -> int:
        """Emit an event to everybody in every child; gives their number on this node. Raises UnencodableValue."""
        return sum([child.emit(event, *args) for child in self.children.values()])

    def allows(self, name: str, auth: dict[str, Any]) -> bool | Awaitable[bool]:
        """Whether there may be a child of that name; a pattern must match the whole of it."""
        if isinstance(self.which, re.Pattern):
            return self.which.fullmatch(name) is not None
        return self.which(name, auth)

    def adopt(self, child: Namespace[Socket]) -> None:
        """Give a new namespace all that its siblings have."""
        for middleware in self._middlewares:
            child.use(middleware)
        for event, handler in self._handlers:
            child.on(event, handler)
        for name, handler in self._event_handlers:
            child.event(name, handler)
        self.children[child.name] = child


class Namespaces:
    """The namespaces of one server by name, and the parents by which more are made."""

    def __init__(
        self,
        runtime: Runtime,
        make: Callable[[str, Callable[[Namespace[Socket]], None] | None], Namespace[Socket]],
        made: Callable[[Namespace[Socket]], None],
    ) -> None:
        """`make` is given a name, and for a child what to call when it is empty; `made` gets each one that is kept."""
        self._runtime = runtime
        self._make = make
        self._made = made
        self._by_name: dict[str, Namespace[Socket]] = {}
        self._parents: list[ParentNamespace] = []
        self._removals: dict[str, asyncio.TimerHandle] = {}

    def __repr__(self) -> str:
        return f"<Namespaces {list(self._by_name)} parents={self._parents}>"

    def all(self) -> tuple[Namespace[Socket], ...]:
        """The existing namespaces."""
        return tuple(self._by_name.values())

    def find(self, name: str) -> Namespace[Socket] | None:
        """The namespace `name`, if it exists."""
        return self._by_name.get(name)

    def of(self, name: str) -> Namespace[Socket]:
        """The namespace `name`, made if it does not exist. Raises LimitReached."""
        namespace = self._by_name.get(name) or self._find_by_pattern(name)
        return namespace if namespace is not None else self._keep(self._make(name, None))

    def add(self, parent: ParentNamespace) -> ParentNamespace:
        """Let clients have its children made."""
        self._parents.append(parent)
        return parent

    def _keep(self, namespace: Namespace[Socket]) -> Namespace[Socket]:
        self._by_name[namespace.name] = namespace
        self._made(namespace)
        return namespace

    # Making children

    def find_or_make(
        self, name: str, auth: dict[str, Any]
    ) -> Namespace[Socket] | Awaitable[Namespace[Socket] | None] | None:
        """The namespace to which a client connects: one that exists, or a child of the first parent that allows it.

        Raises ConnectRefused where there is no room for it, and whatever a parent's decision raises.
        """
        existing = self._by_name.get(name)
        if existing is not None:
            return existing
        remaining = iter(tuple(self._parents))
        for parent in remaining:
            allowed = parent.allows(name, auth)
            if not isinstance(allowed, bool):
                return self._make_when_allowed(name, auth, parent, allowed, remaining)
            if allowed:
                return self._make_on_demand(name, parent)
        return None

    async def _make_when_allowed(
        self,
        name: str,
        auth: dict[str, Any],
        parent: ParentNamespace,
        allowed: Awaitable[bool],
        remaining: Iterator[ParentNamespace],
    ) -> Namespace[Socket] | None:
        while not await allowed:
            try:
                parent = next(remaining)
            except StopIteration:
                return None
            decision = parent.allows(name, auth)
            allowed = _decided(decision) if isinstance(decision, bool) else decision
        return self._make_on_demand(name, parent)

    def _make_on_demand(self, name: str, parent: ParentNamespace) -> Namespace[Socket]:
        existing = self._by_name.get(name)  # somebody else's decision may have been quicker
        if existing is not None:
            return existing
        try:
            return self._make_child(name, parent)
        except LimitReached:
            raise ConnectRefused("Too many namespaces", {"code": "too_many_namespaces"}) from None

    def _find_by_pattern(self, name: str) -> Namespace[Socket] | None:
        """A new child of that name, if a pattern allows it. Raises LimitReached."""
        for parent in self._parents:
            if isinstance(parent.which, re.Pattern) and parent.allows(name, {}):
                return self._make_child(name, parent)
        return None

    def _make_child(self, name: str, parent: ParentNamespace) -> Namespace[Socket]:
        bound = self._runtime.options.dynamic_namespaces_max
        if not self._make_room(bound):
            log.warning("namespace not made: %r; dynamic_namespaces_max = %d is reached", name, bound)
            raise LimitReached("dynamic_namespaces_max", bound)
        child = self._make(name, self._emptied)
        parent.adopt(child)
        return self._keep(child)

    # Removing children

    def _make_room(self, bound: int) -> bool:
        """Whether there may be one child more, if need be in place of one that nobody is in."""
        if sum([len(parent.children) for parent in self._parents]) < bound:
            return True
        children = (child for parent in self._parents for child in parent.children.values())
        empty = next((child for child in children if child.is_empty), None)
        if empty is not None:
            self._remove(empty)
        return empty is not None

    def _emptied(self, child: Namespace[Socket]) -> None:
        """Remove a namespace that the last socket has left, in a while, if so configured."""
        linger_s = self._runtime.options.empty_namespace_linger_s
        if linger_s is not None and child.name not in self._removals:
            self._removals[child.name] = self._runtime.loop.call_later(linger_s, self._remove_if_empty, child)

    def _remove_if_empty(self, child: Namespace[Socket]) -> None:
        del self._removals[child.name]
        if child.is_empty:
            self._remove(child)

    def _remove(self, child: Namespace[Socket]) -> None:
        """Forget a namespace; the next client that connects makes it anew."""
        log.info("namespace removed: %s", child.name)
        for parent in self._parents:
            parent.children.pop(child.name, None)
        self._by_name.pop(child.name, None)
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
