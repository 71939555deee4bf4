"""Services over Redis: the bus between nodes, other back ends' emitters, and shared token buckets.

All are optional: durable events come from the feed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ordercast import telemetry
from ordercast.config import ConfigError, Settings
from ordercast.hub import Server

if TYPE_CHECKING:
    from ordercast.hub.bus.redis import RedisBus
    from ordercast.hub.bus.redis_emitters import RedisEmitters
    from ordercast.hub.redis_token_bucket import RedisTokenBuckets


class RedisServices:
    """The configured services. Raises ConfigError for an invalid URL."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.bus: RedisBus | None = None
        self.emitters: RedisEmitters | None = None
        self.buckets: RedisTokenBuckets | None = None
        self.parts: dict[str, Callable[[], str]] = {}
        """Their states by name, for readiness."""
        if settings.redis_url:
            self.bus = _bus(settings)
            telemetry.BUS_DROPPED.set_function(lambda bus=self.bus: bus.dropped)  # type: ignore[misc]
            self._add("bus", self.bus)
            self.buckets = _buckets(settings)

    def start_emitters(self, server: Server) -> None:
        """Receive other back ends' events, if configured. Call it on the server's loop."""
        if self._settings.redis_emitters:
            # Imported only if configured: the client is slow to import.
            from ordercast.hub.bus.redis_emitters import RedisEmitters  # noqa: PLC0415

            self.emitters = RedisEmitters(server, self._settings.redis_url, key=self._settings.redis_emitters)
            self.emitters.start()
            self._add("backEnds", self.emitters)

    def _add(self, name: str, part: RedisBus | RedisEmitters) -> None:
        self.add(name, lambda: part.state)

    def add(self, name: str, state: Callable[[], str]) -> None:
        """Add an optional part; `state` returns ``up``, or the problem."""
        self.parts[name] = state
        telemetry.PARTS_UP.labels(name).set_function(lambda: state() == "up")

    async def close(self) -> None:
        """Close emitters and buckets; the server closes its bus."""
        if self.buckets is not None:
            await self.buckets.close()
        if self.emitters is not None:
            await self.emitters.close()


def _bus(settings: Settings) -> RedisBus:
    from ordercast.hub.bus.redis import RedisBus  # noqa: PLC0415 - as above

    try:
        return RedisBus(settings.redis_url, prefix=settings.redis_prefix, name=settings.node or "node")
    except ValueError as error:
        raise ConfigError("redis_url", str(error)) from None


def _buckets(settings: Settings) -> RedisTokenBuckets:
    from ordercast.hub.redis_token_bucket import RedisTokenBuckets  # noqa: PLC0415 - as above

    return RedisTokenBuckets(settings.redis_url, prefix=settings.redis_prefix, secret=settings.secret)
