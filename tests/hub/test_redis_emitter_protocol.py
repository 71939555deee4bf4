"""What Socket.IO's Node.js packages publish in Redis: their bytes, and bytes that only look like theirs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.hub.bus.redis_emitter_protocol import (
    Audience,
    DisconnectRequest,
    EmitterEvent,
    EmitterFlags,
    JoinRequest,
    LeaveRequest,
    ServerSideRequest,
    parse_event,
    parse_request,
)
from ordercast.protocol.errors import MalformedPacket

# As @socket.io/redis-emitter 5.1 and @socket.io/redis-adapter 8.3 published them.
EVENTS = {
    "several rooms": (
        (
            b"\x93\xa7emitter\x83\xa4type\x02\xa4data\x94\xa2hi\x81\xa1a\xc4\x02\x00\xff\xd7\xff7\xca:\x00\x00\x00\x00\x01"
            b"\xc0\xa3nsp\xa1/\x83\xa5rooms\x92\xa1a\xa1b\xa5flags\x82\xa8volatile\xc3\xa8compress\xc2\xa6except\x91\xa1c"
        ),
        EmitterEvent(
            "/",
            Audience(["a", "b"], ["c"], EmitterFlags(volatile=True, compress=False)),
            ["hi", {"a": b"\0\xff"}, datetime(1970, 1, 1, 0, 0, 1, 234_000, UTC), None],
        ),
    ),
    "one room": (
        b"\x93\xa7emitter\x83\xa4type\x02\xa4data\x91\xa2hi\xa3nsp\xa2/x\x83\xa5rooms\x91\xa1a\xa5flags\x80\xa6except\x90",
        EmitterEvent("/x", Audience(["a"], [], EmitterFlags()), ["hi"]),
    ),
    "a server": (
        b"\x93\xa6gg2Ie2\x83\xa4type\x02\xa4data\x92\xa2hi\x01\xa3nsp\xa1/\x83\xa5rooms\x91\xa1a\xa6except\x90\xa5flags\x80",
        EmitterEvent("/", Audience(["a"], [], EmitterFlags()), ["hi", 1]),
    ),
}
REQUESTS = {
    b'{"type":2,"opts":{"rooms":["a"],"except":[]},"rooms":["x","y"]}': JoinRequest(
        Audience(["a"], []), rooms=["x", "y"]
    ),
    b'{"type":3,"opts":{"rooms":[],"except":[]},"rooms":["x"]}': LeaveRequest(Audience([], []), rooms=["x"]),
    b'{"type":4,"opts":{"rooms":[],"except":[]},"close":true}': DisconnectRequest(Audience([], []), close=True),
    b'{"uid":"emitter","type":6,"data":["e",1]}': ServerSideRequest(["e", 1]),
    b'{"uid":"gg2Ie2","type":2,"opts":{"rooms":["a"],"except":[]},"rooms":["x"]}': JoinRequest(
        Audience(["a"], []), rooms=["x"]
    ),
}


def packed(*parts: Any) -> bytes:
    return msgspec.msgpack.encode(parts)


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_read(name: str) -> None:
    message, event = EVENTS[name]
    assert parse_event(message) == event


@pytest.mark.parametrize("message", REQUESTS)
def test_a_request_is_read_as_json_and_as_msgpack(message: bytes) -> None:
    assert parse_request(message) == REQUESTS[message]
    assert parse_request(msgspec.msgpack.encode(json.loads(message))) == REQUESTS[message]


def test_what_older_packages_left_out_or_wrote_otherwise_is_understood() -> None:
    assert parse_event(packed("u", {"type": 5, "data": ["hi"]}, {})) == EmitterEvent("/", Audience(), ["hi"])
    nothing = {"rooms": None, "except": None, "flags": {"volatile": None, "compress": None, "other": 1}}
    assert parse_event(packed("u", {"data": [7], "nsp": None}, nothing, "more")).data == ["7"]
    join = parse_request(b'{"type":2,"sid":"s","room":"r","requestId":"1"}')
    assert isinstance(join, JoinRequest)
    assert (join.audience.names, join.names) == (("s",), ("r",))


def test_rooms_that_are_numbers_are_text() -> None:
    audience = parse_event(packed("u", {"data": ["hi"]}, {"rooms": [1, "a"], "except": [2**40]})).audience
    assert (audience.names, audience.excluded) == (("1", "a"), ("1099511627776",))


@pytest.mark.parametrize("kind", [0, 1, 5, 7, 8, 9, 99])
def test_questions_between_servers_are_none_of_ours(kind: int) -> None:
    assert parse_request(json.dumps({"type": kind, "requestId": "1"}).encode()) is None


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xc1",
        b"\x93",
        b"cos\nsystem\n(S'true'\ntR.",
        b"\x91" * 100_000,
        packed(),
        packed("u", {"data": ["hi"]}),
        packed("u", {}, {}),
        packed("u", {"data": "hi"}, {}),
        packed("u", {"data": []}, {}),
        packed("u", {"data": [{}]}, {}),
        packed("u", {"data": ["connect"]}, {}),
        packed("u", {"data": ["hi"], "type": 3}, {}),
        packed("u", {"data": ["hi"], "nsp": 1}, {}),
        packed("u", {"data": ["hi"]}, []),
        packed("u", {"data": ["hi"]}, {"rooms": "a"}),
        packed("u", {"data": ["hi"]}, {"rooms": [["a"]]}),
        packed("u", {"data": ["hi"]}, {"rooms": [True]}),
        packed("u", {"data": ["hi"]}, {"flags": 1}),
        msgspec.msgpack.encode({"data": ["hi"]}),
    ],
    ids=range(20),
)
def test_what_is_no_event_is_malformed(message: bytes) -> None:
    with pytest.raises(MalformedPacket):
        parse_event(message)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"{",
        b"{}",
        b"[]",
        b'{"type":"2"}',
        b'{"type":2,"opts":[]}',
        b'{"type":2,"opts":{"rooms":"a"}}',
        b'{"type":6}',
        b'{"type":6,"data":[]}',
        b'{"type":6,"data":[{}]}',
        b'{"type":6,"data":["disconnect"]}',
        b"{" * 100_000,
        b"\x81",
    ],
    ids=range(13),
)
def test_what_is_no_request_is_malformed(message: bytes) -> None:
    with pytest.raises(MalformedPacket):
        parse_request(message)


def test_a_request_that_names_nobody_does_not_address_everybody() -> None:
    for message in (b'{"type":4}', b'{"type":4,"opts":null,"sid":""}'):
        request = parse_request(message)
        assert isinstance(request, DisconnectRequest)
        with pytest.raises(MalformedPacket):
            _ = request.audience
    join = parse_request(b'{"type":2,"opts":{},"rooms":[]}')
    assert isinstance(join, JoinRequest)
    with pytest.raises(MalformedPacket):
        _ = join.names


@given(st.binary() | st.recursive(st.none() | st.text() | st.integers(0, 9), st.lists).map(packed))
def test_nothing_else_is_raised(message: bytes) -> None:
    for parse in (parse_event, parse_request):
        try:
            parse(message)
        except MalformedPacket:
            continue
