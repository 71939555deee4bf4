"""Token buckets that nodes share, in a real Valkey."""

from __future__ import annotations

import pytest

from ordercast.hub.redis_token_bucket import RedisTokenBuckets
from ordercast.hub.token_bucket import Rate
from tests.valkey import Valkey

SECRET = "a secret of at least thirty-two bytes"


async def test_two_nodes_take_from_one_bucket(shared_valkey: Valkey) -> None:
    one, other = (RedisTokenBuckets(shared_valkey.url, prefix="shop", secret=SECRET) for _ in range(2))
    rate = Rate(4, 3_600)
    try:
        for buckets in (one, other, one, other):
            assert await buckets.take("a", rate) == 0
        assert 0 < await one.take("a", rate) <= 900
        assert await one.take("b", rate) == 0
        await other.give_back("a", rate)
        await other.give_back("unknown", rate)
        assert await one.take("a", rate) == 0
        assert await one.take("a", rate) > 0
    finally:
        await one.close()
        await other.close()


async def test_what_is_marked_is_known_to_both_and_no_name_is_in_the_clear(shared_valkey: Valkey) -> None:
    one, other = (RedisTokenBuckets(shared_valkey.url, prefix="shop2", secret=SECRET) for _ in range(2))
    try:
        await one.mark("asha@example.com 203.0.113.1", 60)
        assert await other.is_marked("asha@example.com 203.0.113.1")
        assert not await other.is_marked("asha@example.com 203.0.113.2")
        names = [name async for name in one._redis.scan_iter("*")]
        assert not any(b"asha" in name or b"203" in name for name in names)
        assert repr(one) == "<RedisTokenBuckets shop2>"
    finally:
        await one.close()
        await other.close()


def test_what_is_no_url_is_refused() -> None:
    with pytest.raises(ValueError, match="Port"):
        RedisTokenBuckets("redis://localhost:many", prefix="shop", secret=SECRET)
