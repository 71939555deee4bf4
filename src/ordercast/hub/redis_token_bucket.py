"""Token buckets that the nodes of one shop share, in Redis or Valkey: `TokenBuckets`, with the server's clock."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from .token_bucket import Rate

# Timeout of Redis; after it the caller is judged without.
ANSWER_S_MAX: Final = 0.25
CONNECTIONS_MAX: Final = 16

# One script is one step for everybody. Times are microseconds: a double counts them exactly until the year 2255. A key
# lives until its bucket is full again, which is the same as having none.
_TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full_at = tonumber(redis.call('GET', KEYS[1]) or '0')
local wait = full_at - now - tonumber(ARGV[2])
if wait > 0 then return wait end
full_at = math.max(full_at, now) + tonumber(ARGV[1])
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000) + 1)
return 0
"""
_GIVE_BACK: Final = """
local full_at = redis.call('GET', KEYS[1])
if full_at then
  redis.call('SET', KEYS[1], string.format('%.0f', tonumber(full_at) - tonumber(ARGV[1])), 'KEEPTTL')
end
return 0
"""


class RedisTokenBuckets:
    """Each call raises RedisError or OSError where the server is away."""

    def __init__(self, url: str, *, prefix: str, secret: str) -> None:
        """Raises ValueError for a URL that is none. `secret` keeps addresses and e-mails out of the server's keys."""
        pool: Any = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS_MAX,
            timeout=ANSWER_S_MAX,
            socket_timeout=ANSWER_S_MAX,
            socket_connect_timeout=ANSWER_S_MAX,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis: Redis = Redis.from_pool(pool)
        self._prefix = prefix
        self._key = secret.encode()[:64]
        self._take = self._redis.register_script(_TAKE)
        self._give_back = self._redis.register_script(_GIVE_BACK)

    def __repr__(self) -> str:
        return f"<RedisTokenBuckets {self._prefix}>"

    async def take(self, key: str, rate: Rate) -> float:
        """Take a token and return 0, or the seconds until there is one."""
        interval_us = rate.interval_s * 1e6
        wait_us = await self._take(keys=[self._name(key)], args=[interval_us, (rate.burst - 1) * interval_us])
        return int(wait_us) / 1e6

    async def give_back(self, key: str, rate: Rate) -> None:
        """Undo one `take`."""
        await self._give_back(keys=[self._name(key)], args=[rate.interval_s * 1e6])

    async def mark(self, key: str, for_s: int) -> None:
        """Remember `key` for so long."""
        await self._redis.set(self._name(key), b"1", ex=for_s)

    async def is_marked(self, key: str) -> bool:
        """Whether `key` is still remembered."""
        return bool(await self._redis.exists(self._name(key)))

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    def _name(self, key: str) -> str:
        digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16, key=self._key).hexdigest()
        return f"{self._prefix}:budget:{digest}"
