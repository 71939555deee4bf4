"""What the emitter publishes, byte for byte; `tests/journey/test_redis.py` shows who understands it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import redis
import redis.asyncio

from ordercast.emitter import Emitter
from ordercast.protocol.errors import UnencodableValue
from tests.valkey import Valkey, running_valkey


@pytest.fixture(scope="module")
def valkey() -> Iterator[Valkey]:
    with running_valkey() as valkey:
        yield valkey


class Ear:
    """Hears everything that is published."""

    def __init__(self, client: redis.Redis) -> None:
        self._subscription = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        self._subscription.psubscribe("*")
        self._subscription.get_message(timeout=60)

    def take(self) -> tuple[bytes, bytes]:
        message: Any = None
        while message is None:
            message = self._subscription.get_message(timeout=60)
        return message["channel"], message["data"]

    def close(self) -> None:
        self._subscription.close()


@pytest.fixture
def client(valkey: Valkey) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey.url) as client:
        yield client


@pytest.fixture
def ear(client: redis.Redis) -> Iterator[Ear]:
    ear = Ear(client)
    yield ear
    ear.close()


def test_an_event_to_everybody(client: redis.Redis, ear: Ear) -> None:
    assert Emitter(client).emit("hi", 1, b"\x01") == 1

    assert ear.take() == (
        b"socket.io#/#",
        b"\x93\xa7emitter\x83\xa4type\x02\xa4data\x93\xa2hi\x01\xc4\x01\x01\xa3nsp\xa1/\x83\xa5rooms\x90\xa6except\x90\xa5flags\x80",
    )


def test_an_event_to_one_room_goes_by_its_channel(client: redis.Redis, ear: Ear) -> None:
    Emitter(client, "key").of("x").to("a").to("a").emit("hi")

    assert ear.take() == (
        b"key#/x#a#",
        b"\x93\xa7emitter\x83\xa4type\x02\xa4data\x91\xa2hi\xa3nsp\xa2/x\x83\xa5rooms\x91\xa1a\xa6except\x90\xa5flags\x80",
    )


def test_an_event_with_everything(client: redis.Redis, ear: Ear) -> None:
    emitter = Emitter(client).to("a").in_("b").except_("c", "d").volatile.compress(False)
    emitter.emit("hi", datetime(2026, 1, 1, tzinfo=UTC))

    assert ear.take() == (
        b"socket.io#/#",
        (
            b"\x93\xa7emitter\x83\xa4type\x02\xa4data\x92\xa2hi\xb42026-01-01T00:00:00Z\xa3nsp\xa1/"
            b"\x83\xa5rooms\x92\xa1a\xa1b\xa6except\x92\xa1c\xa1d\xa5flags\x82\xa8volatile\xc3\xa8compress\xc2"
        ),
    )


def test_requests(client: redis.Redis, ear: Ear) -> None:
    emitter = Emitter(client)
    emitter.to("a").sockets_join("x", "y")
    emitter.except_("a").sockets_leave("x")
    emitter.disconnect_sockets()
    emitter.to("a").disconnect_sockets(close=True)
    emitter.of("/x").server_side_emit("e", 1)

    assert [ear.take() for _ in range(5)] == [
        (b"socket.io-request#/#", b'{"type":2,"opts":{"rooms":["a"],"except":[]},"rooms":["x","y"]}'),
        (b"socket.io-request#/#", b'{"type":3,"opts":{"rooms":[],"except":["a"]},"rooms":["x"]}'),
        (b"socket.io-request#/#", b'{"type":4,"opts":{"rooms":[],"except":[]},"close":false}'),
        (b"socket.io-request#/#", b'{"type":4,"opts":{"rooms":["a"],"except":[]},"close":true}'),
        (b"socket.io-request#/x#", b'{"uid":"emitter","type":6,"data":["e",1]}'),
    ]


async def test_with_an_asyncio_client_it_is_awaited(valkey: Valkey, ear: Ear) -> None:
    async with redis.asyncio.Redis.from_url(valkey.url) as client:
        assert await Emitter(client).to("a").emit("hi") == 1
    assert ear.take()[0] == b"socket.io#/#a#"


def test_nobody_named_is_not_everybody(client: redis.Redis) -> None:
    emitter = Emitter(client)
    for word in (emitter.to, emitter.in_, emitter.except_, emitter.sockets_join, emitter.sockets_leave):
        with pytest.raises(ValueError, match="name at least one room"):
            word()


@pytest.mark.parametrize("event", ["connect", "disconnect", "newListener"])
def test_reserved_names_are_refused(client: redis.Redis, event: str) -> None:
    with pytest.raises(UnencodableValue, match="reserved"):
        Emitter(client).emit(event)


def test_what_cannot_be_encoded_is_refused(client: redis.Redis) -> None:
    with pytest.raises(UnencodableValue):
        Emitter(client).emit("hi", object())
    with pytest.raises(UnencodableValue):
        Emitter(client).server_side_emit("hi", object())


def test_a_redis_that_is_away_is_the_callers_to_know() -> None:
    valkey = Valkey()
    with redis.Redis.from_url(valkey.url) as client, pytest.raises(redis.ConnectionError):
        Emitter(client).emit("hi")
