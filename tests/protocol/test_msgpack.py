"""Packets as msgpack: the bytes that the JavaScript package makes and takes."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.protocol.errors import MalformedPacket, UnencodableValue
from ordercast.protocol.msgpack import Decoder, encode, encode_event
from ordercast.protocol.socketio import Packet, PacketType

EVENT = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa2hi\xc4\x01\x01"


def decode(data: bytes) -> Packet | None:
    return Decoder(1_000).receive_binary(data)


def packed(**fields: Any) -> bytes:
    return msgspec.msgpack.encode(fields)


def test_an_event_is_one_binary_message_with_its_bytes_in_place() -> None:
    message = encode_event("/", "hi", [b"\x01"], volatile=True)

    assert message.attachments == (EVENT,)
    assert message.volatile
    assert message.frames == b"\x82" + bytes([len(EVENT)]) + EVENT
    assert message.payload.startswith(b"bg6R0")
    assert len(message) == len(EVENT)
    assert decode(EVENT) == Packet(PacketType.EVENT, "/", ["hi", b"\x01"])


@pytest.mark.parametrize(
    ("sent", "packet"),
    [
        # What notepack.io 2.2 makes: `undefined` is an extension of its own, and every packet says its options.
        (b"\x83\xa4type\x00\xa3nsp\xa1/\xa4data\xd4\x00\x00", Packet(PacketType.CONNECT)),
        (b"\x82\xa4type\x01\xa3nsp\xa2/x", Packet(PacketType.DISCONNECT, "/x")),
        (packed(type=0, nsp="/x", data={"token": "t"}), Packet(PacketType.CONNECT, "/x", {"token": "t"})),
        (
            packed(type=2, nsp="/", data=["e"], id=7, options={"compress": True}),
            Packet(PacketType.EVENT, "/", ["e"], 7),
        ),
        (packed(type=2, nsp="/", data=[7]), Packet(PacketType.EVENT, "/", ["7"])),
        (packed(type=3, nsp="/", data=[], id=0), Packet(PacketType.ACK, "/", [], 0)),
        (
            b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x94\xa1e\xd4\x00\x00\xd7\x00\x00\x00\x00\x00\x00\x00\x04\xd2\xc7\x02\x00ab",
            Packet(PacketType.EVENT, "/", ["e", None, datetime(1970, 1, 1, 0, 0, 1, 234_000, UTC), b"ab"]),
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_the_javascript_package_sends_is_read(sent: bytes, packet: Packet) -> None:
    assert decode(sent) == packet


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\x80",
        b"\x90",
        b"\xc1",
        EVENT[:-1],
        EVENT + b"\x00",
        b"\x81\x80\x00",
        packed(type=4, nsp="/", data={}),
        packed(type=5, nsp="/", data=["e"]),
        packed(type=True, nsp="/", data=["e"]),
        packed(type=2.0, nsp="/", data=["e"]),
        packed(type=2, data=["e"]),
        packed(type=2, nsp="x", data=["e"]),
        packed(type=2, nsp="/" + "x" * 256, data=["e"]),
        packed(type=2, nsp="/", data=[]),
        packed(type=2, nsp="/", data={"0": "e"}),
        packed(type=2, nsp="/", data=["disconnect"]),
        packed(type=2, nsp="/", data=[{}]),
        packed(type=2, nsp="/", data=["e"], id=-1),
        packed(type=2, nsp="/", data=["e"], id=2**60),
        packed(type=2, nsp="/", data=["e"], id="1"),
        packed(type=3, nsp="/", data=None, id=1),
        packed(type=0, nsp="/", data=[]),
        packed(type=1, nsp="/", data=[]),
        b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1e\xd4\x07\x00",
        b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1e\xd7\x00\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data" + b"\x91" * 100_000,
        b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1e" + b"\x91" * 100_000 + b"\xc0",
    ],
    ids=lambda sent: str(sent[:40]),
)
def test_what_is_no_packet_is_malformed(sent: bytes) -> None:
    with pytest.raises(MalformedPacket):
        decode(sent)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_packet_or_malformed(sent: bytes) -> None:
    with contextlib.suppress(MalformedPacket):
        decode(sent)


def test_text_is_out_of_place() -> None:
    with pytest.raises(MalformedPacket, match="came where msgpack is spoken"):
        Decoder(1_000).receive_text(b"0")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.lists(JSON, max_size=4), st.none() | st.integers(0, 10**14))
def test_what_is_encoded_is_read_back(args: list[Any], ack_id: int | None) -> None:
    try:
        message = encode_event("/n", "e", args, ack_id)
    except UnencodableValue:
        return  # half an emoji
    assert decode(message.attachments[0]) == Packet(PacketType.EVENT, "/n", ["e", *args], ack_id)


def test_what_json_makes_text_of_is_text_here_too() -> None:
    """The JavaScript package reads no extension but its own."""
    message = encode(PacketType.ACK, "/", [datetime(2026, 1, 1, tzinfo=UTC), (1, 2)], 1)

    assert decode(message.attachments[0]) == Packet(PacketType.ACK, "/", ["2026-01-01T00:00:00Z", [1, 2]], 1)


def _itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize("value", [object(), 2**70, _itself()], ids=["object", "integer", "itself"])
def test_what_msgpack_does_not_know_is_the_callers_error(value: Any) -> None:
    with pytest.raises(UnencodableValue):
        encode_event("/", "e", [value])


def test_a_reserved_name_is_the_callers_error() -> None:
    with pytest.raises(UnencodableValue, match="reserved event name"):
        encode_event("/", "disconnect", [])
