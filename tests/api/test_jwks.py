from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ordercast.api import jwks
from ordercast.api.errors import IssuerUnavailable
from ordercast.api.jwks import Jwks, read_keys

from .issuing import KEYS, STRANGER, KeyServer, described


@pytest.fixture
def published() -> Iterator[KeyServer]:
    server = KeyServer()
    yield server
    server.stop()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the key sets' clock be so many seconds ahead from then on."""
    ahead_s = 0.0

    def by(seconds: float) -> None:
        nonlocal ahead_s
        ahead_s += seconds

    class Ahead:
        @staticmethod
        def monotonic() -> float:
            return time.monotonic() + ahead_s

    monkeypatch.setattr(jwks, "time", Ahead)
    return by


async def test_keys_are_fetched_once_however_many_wait(published: KeyServer) -> None:
    published.delay_s = 0.05
    keys = Jwks(published.url)
    found = await asyncio.gather(*(keys.find("RS256") for _ in range(50)))
    assert {key.key_id for key in found if key is not None} == {"RS256"}
    assert await keys.find("ES256") is not None
    assert published.asked == 1
    assert "3 keys" in repr(keys)


async def test_the_loop_goes_on_while_keys_are_fetched(published: KeyServer) -> None:
    published.delay_s = 0.3
    asking = asyncio.create_task(Jwks(published.url).find("RS256"))
    turns = 0
    while not asking.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 10


async def test_a_new_key_is_found_and_unknown_ones_are_not_asked_for_each_time(
    published: KeyServer, later: Any
) -> None:
    keys = Jwks(published.url)
    await keys.find("RS256")
    published.keys.append(described("RS256", "new", STRANGER))
    assert await keys.find("new") is None  # asked a moment ago
    later(jwks.ASK_EVERY_S)
    assert await keys.find("new") is not None
    for number in range(100):
        assert await keys.find(f"made-up-{number}") is None
    assert published.asked == 2


async def test_a_key_that_was_taken_back_is_forgotten_while_nobody_waits(published: KeyServer, later: Any) -> None:
    keys = Jwks(published.url)
    await keys.find("RS256")
    published.keys = [described("ES256")]
    later(jwks.FRESH_S + 1)
    assert await keys.find("RS256") is not None  # the answer is on its way
    async with asyncio.timeout(60):
        while "1 keys" not in repr(keys):  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.01)
    assert await keys.find("RS256") is None


async def test_an_issuer_that_is_down_is_done_without_for_a_day(published: KeyServer, later: Any) -> None:
    keys = Jwks(published.url)
    await keys.find("RS256")
    published.status = 503
    later(jwks.STALE_S_MAX - 60)
    assert await keys.find("RS256") is not None
    later(120)
    with pytest.raises(IssuerUnavailable):
        await keys.find("RS256")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b""),
        (302, b""),
        (200, b"no json"),
        (200, b"[]"),
        (200, b'{"keys": 5}'),
        (200, b'{"keys": []}'),
        (200, b'{"keys": ["' + b"x" * jwks.BYTES_MAX + b'"]}'),
    ],
    ids=["error", "redirect", "no-json", "array", "number", "none", "too-large"],
)
async def test_what_is_no_set_of_keys_is_not_taken(published: KeyServer, status: int, body: bytes) -> None:
    published.status, published.body = status, body
    with pytest.raises(IssuerUnavailable):
        await Jwks(published.url).find("RS256")
    assert published.asked == 1


async def test_nobody_at_the_address_is_silence() -> None:
    with pytest.raises(IssuerUnavailable):
        await Jwks("http://127.0.0.1:9/jwks.json").find("RS256")


async def test_the_only_key_needs_no_id(published: KeyServer) -> None:
    published.keys = [{name: value for name, value in described("EdDSA").items() if name != "kid"}]
    assert await Jwks(published.url).find(None) is not None
    published.keys = [described(algorithm) for algorithm in KEYS]
    assert await Jwks(published.url).find(None) is None


def test_only_keys_that_check_signatures_are_read() -> None:
    document = {
        "keys": [
            {**described("RS256"), "kid": "for-encryption", "use": "enc"},
            {"kty": "oct", "kid": "secret", "alg": "HS256", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"},
            {"kty": "quantum", "kid": "unknown"},
            {"kid": "nothing"},
            {**described("EdDSA"), "kid": ["no", "text"]},
            {**described("EdDSA"), "alg": ["no", "text"]},
            described("EdDSA"),
        ]
    }
    assert list(read_keys(json.dumps(document).encode())) == ["EdDSA"]
