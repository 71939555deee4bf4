"""Engine.IO packets, as bytes on the page."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.protocol.engineio import (
    PAYLOAD_PACKETS_MAX,
    OpenPacket,
    Packet,
    PacketType,
    parse_packet,
    parse_payload,
    serialize_binary,
    serialize_payload,
)
from ordercast.protocol.errors import MalformedPacket


@pytest.mark.parametrize(
    ("data", "packet"),
    [
        (b"0{}", Packet(PacketType.OPEN, b"{}")),
        (b"1", Packet(PacketType.CLOSE)),
        (b"2", Packet(PacketType.PING)),
        (b"2probe", Packet(PacketType.PING, b"probe")),
        (b"3", Packet(PacketType.PONG)),
        (b"3probe", Packet(PacketType.PONG, b"probe")),
        (b"4hello", Packet(PacketType.MESSAGE, b"hello")),
        ("4h\u20ac".encode(), Packet(PacketType.MESSAGE, b"h\xe2\x82\xac")),
        (b"5", Packet(PacketType.UPGRADE)),
        (b"6", Packet(PacketType.NOOP)),
    ],
)
def test_a_packet_is_its_type_character_and_its_data(data: bytes, packet: Packet) -> None:
    assert parse_packet(data) == packet


@pytest.mark.parametrize("data", [b"", b"7", b"abc", b" 4", b"\x00", b"\xff", b"-1"])
def test_what_begins_with_no_type_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedPacket, match=r"Engine\.IO packet"):
        parse_packet(data)


def test_the_handshake_has_the_five_fields_in_the_reference_order() -> None:
    packet = OpenPacket("abc", ["websocket"], 25_000, 20_000, 1_000_000)

    assert packet.serialize() == (
        b'0{"sid":"abc","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
    )


def test_a_payload_is_packets_between_record_separators() -> None:
    body = b"4hello\x1e2\x1ebAQIDBA==\x1e4"

    assert list(parse_payload(body)) == [
        Packet(PacketType.MESSAGE, b"hello"),
        Packet(PacketType.PING),
        Packet(PacketType.MESSAGE, b"\x01\x02\x03\x04", binary=True),
        Packet(PacketType.MESSAGE),
    ]
    assert serialize_payload([b"4hello", b"2", serialize_binary(b"\x01\x02\x03\x04"), b"4"]) == body


@pytest.mark.parametrize("body", [b"", b"\x1e", b"4a\x1e", b"\x1e4a", b"4a\x1e\x1e4b"])
def test_an_empty_packet_in_a_payload_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedPacket, match="is empty"):
        list(parse_payload(body))


@pytest.mark.parametrize(
    "record", [b"bA", b"bAQIDA", b"bAQI*", b"bAQ==AQ==", b"b=AQ", b"bAQ\x00I=", b"b\xff\xff\xff\xff"]
)
def test_a_binary_record_that_is_not_base64_is_malformed(record: bytes) -> None:
    with pytest.raises(MalformedPacket, match="base64"):
        list(parse_payload(record))


@pytest.mark.parametrize(
    ("record", "attachment"),
    [
        (b"bAQI=\n", b"\x01\x02"),  # of Android and Java
        (b"b" + base64.encodebytes(bytes(range(100))), bytes(range(100))),
        (b"b" + base64.encodebytes(bytes(range(100))).replace(b"\n", b"\r\n"), bytes(range(100))),
        (b"bAQ", b"\x01"),
        (b"bAQI", b"\x01\x02"),
        (b"b AQ ID", b"\x01\x02\x03"),
        (b"b-_-_", b"\xfb\xff\xbf"),
        (b"b", b""),
        (b"b====", b""),
    ],
)
def test_base64_is_taken_as_clients_write_it(record: bytes, attachment: bytes) -> None:
    assert parse_packet(record) == Packet(PacketType.MESSAGE, attachment, binary=True)


def test_the_packets_before_a_malformed_one_are_given_first() -> None:
    packets = parse_payload(b"4a\x1eabc\x1e4b")

    assert next(packets) == Packet(PacketType.MESSAGE, b"a")
    with pytest.raises(MalformedPacket):
        next(packets)


def test_the_number_of_packets_in_a_payload_is_bounded() -> None:
    at_the_bound = b"\x1e".join([b"3"] * PAYLOAD_PACKETS_MAX)

    assert len(list(parse_payload(at_the_bound))) == PAYLOAD_PACKETS_MAX
    with pytest.raises(MalformedPacket, match="more than 10000 packets"):
        next(parse_payload(at_the_bound + b"\x1e3"))


@given(st.lists(st.binary() | st.text().filter(lambda text: "\x1e" not in text), min_size=1))
def test_a_payload_survives_the_way_there_and_back(contents: list[bytes | str]) -> None:
    records = [serialize_binary(item) if isinstance(item, bytes) else b"4" + item.encode() for item in contents]

    packets = list(parse_payload(serialize_payload(records)))

    assert [packet.data if packet.binary else packet.data.decode() for packet in packets] == contents


@given(st.binary(max_size=64))
def test_whatever_the_body_is_it_parses_or_is_malformed(body: bytes) -> None:
    try:
        packets = list(parse_payload(body))
    except MalformedPacket:
        return
    assert packets
