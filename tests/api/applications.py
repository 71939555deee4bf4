"""Applications of the API, each made once and used again by the tests that follow.

Litestar takes a tenth of a second to read the signatures of all routes, which are the same for every shop. What differs
from shop to shop (the context behind the routes, and the middleware around them) is made anew for each test.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import httpx
import pytest
from litestar import Litestar
from litestar.di import Provide
from litestar.types import ASGIApp

from ordercast.api import create_api
from ordercast.config import Settings
from ordercast.db import Store
from ordercast.payments import Providers


class _OfOneShop(NamedTuple):
    """What `create_api` gives to Litestar that knows the shop."""

    context: Provide
    error_handlers: Mapping[type[Exception], Callable[..., Any]]
    before_request: Callable[..., Any]


class _Routes:
    """Litestar's application, which asks for the shop at each request."""

    def __init__(self, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> None:
        self.shop: _OfOneShop | None = None
        self.application = Litestar(
            *arguments,
            **{
                **options,
                "dependencies": {"context": Provide(self._context, sync_to_thread=False)},
                "exception_handlers": {kind: self._handler_of(kind) for kind in options["exception_handlers"]},
                "before_request": self._before_request,
            },
        )
        self._bare: ASGIApp = self.application.asgi_handler

    def serve(self, options: Mapping[str, Any]) -> Litestar:
        """Be the application of another shop, as `create_api` is given a new one: without our middleware."""
        dependencies = options["dependencies"]
        assert dependencies.keys() == {"context"}
        self.shop = _OfOneShop(dependencies["context"], options["exception_handlers"], options["before_request"])
        self.application.state = options["state"]
        self.application.asgi_handler = self._bare
        return self.application

    @property
    def are_described(self) -> bool:
        """Whether their document was made, which changes what Litestar keeps of them: another one would differ."""
        return self.application.state.documents.http._made is not None

    @property
    def _shop(self) -> _OfOneShop:
        assert self.shop is not None, "its client is closed"
        return self.shop

    def _context(self) -> Any:
        return self._shop.context.dependency()

    def _handler_of(self, kind: type[Exception]) -> Callable[..., Any]:
        def handle(request: Any, error: Exception) -> Any:
            return self._shop.error_handlers[kind](request, error)

        return handle

    async def _before_request(self, request: Any) -> Any:
        return await self._shop.before_request(request)


class Transport(httpx.ASGITransport):
    """Calls the API of one shop directly. Closed, it leaves the routes to the next one."""

    def __init__(self, settings: Settings, store: Store, providers: Providers | None) -> None:
        self._key = ""
        self._routes: _Routes | None = None
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("ordercast.api.application.Litestar", self._litestar)
            application: Any = create_api(settings, store, providers=providers)
        super().__init__(application)

    def _litestar(self, *arguments: Any, **options: Any) -> Litestar:
        self._key = repr((options["cors_config"], options["request_max_body_size"]))
        free = _free[self._key]
        self._routes = free.pop() if free else _Routes(arguments, options)
        return self._routes.serve(options)

    async def aclose(self) -> None:
        routes, self._routes = self._routes, None
        if routes is not None:
            routes.shop = None
            if not routes.are_described:
                _free[self._key].append(routes)


# By what they were made with that is not of one shop alone.
_free: dict[str, list[_Routes]] = defaultdict(list)
