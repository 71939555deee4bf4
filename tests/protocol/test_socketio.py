"""Socket.IO packets, as bytes on the page."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.protocol.errors import MalformedPacket, MessageTooBig, UnencodableValue, UnexpectedPacket
from ordercast.protocol.socketio import (
    ATTACHMENTS_MAX,
    NAMESPACE_BYTES_MAX,
    RESERVED_EVENTS,
    Decoder,
    Packet,
    PacketType,
    encode,
    encode_event,
)

BYTES_MAX = 1_000
PLACEHOLDER = b'{"_placeholder":true,"num":%d}'
DEEP = 100_000


def decode(text: bytes, *attachments: bytes) -> Packet:
    decoder = Decoder(BYTES_MAX)
    packet = decoder.receive_text(text)
    for attachment in attachments:
        assert packet is None
        packet = decoder.receive_binary(attachment)
    assert packet is not None
    return packet


BOTH_WAYS = [
    (b"0", Packet(PacketType.CONNECT)),
    (b'0{"token":"123"}', Packet(PacketType.CONNECT, data={"token": "123"})),
    (b"0/admin,", Packet(PacketType.CONNECT, "/admin")),
    (b'0/admin,{"sid":"x"}', Packet(PacketType.CONNECT, "/admin", {"sid": "x"})),
    (b"1", Packet(PacketType.DISCONNECT)),
    (b"1/admin,", Packet(PacketType.DISCONNECT, "/admin")),
    (b'2["hello",1,"2",{"3":[true]},null]', Packet(PacketType.EVENT, data=["hello", 1, "2", {"3": [True]}, None])),
    (b'212["hello"]', Packet(PacketType.EVENT, data=["hello"], id=12)),
    (b'2/admin,456["a","b"]', Packet(PacketType.EVENT, "/admin", ["a", "b"], 456)),
    ('2["h\u20acllo"]'.encode(), Packet(PacketType.EVENT, data=["h\u20acllo"])),
    ('2/caf\u00e9,["a"]'.encode(), Packet(PacketType.EVENT, "/caf\u00e9", ["a"])),
    (b"30[]", Packet(PacketType.ACK, data=[], id=0)),
    (b'3/admin,456[1,"2"]', Packet(PacketType.ACK, "/admin", [1, "2"], 456)),
]


@pytest.mark.parametrize(("text", "packet"), BOTH_WAYS)
def test_a_packet_both_ways(text: bytes, packet: Packet) -> None:
    assert decode(text) == packet
    assert encode(packet.type, packet.namespace, packet.data, packet.id).text == b"4" + text


@pytest.mark.parametrize(
    ("text", "packet"),
    [
        (b"0/admin", Packet(PacketType.CONNECT, "/admin")),
        (b"1/admin", Packet(PacketType.DISCONNECT, "/admin")),
        (b"0/", Packet(PacketType.CONNECT, "/")),
        (b'2/,["a"]', Packet(PacketType.EVENT, "/", ["a"])),
        (b'2[5,"x"]', Packet(PacketType.EVENT, "/", ["5", "x"])),
        (b'2007["a"]', Packet(PacketType.EVENT, "/", ["a"], 7)),
        (b'2 ["a"]', Packet(PacketType.EVENT, "/", ["a"])),
        (b"3[]", Packet(PacketType.ACK, "/", [])),
        (b"01", Packet(PacketType.CONNECT, id=1)),
        (b'2["error"]', Packet(PacketType.EVENT, "/", ["error"])),
    ],
)
def test_other_spellings_are_taken(text: bytes, packet: Packet) -> None:
    assert decode(text) == packet


def test_the_servers_own_packets_as_bytes() -> None:
    refused = encode(PacketType.CONNECT_ERROR, "/random", {"message": "Invalid namespace"})

    assert refused.text == b'44/random,{"message":"Invalid namespace"}'
    assert encode_event("/", "a", []).text == b'42["a"]'
    assert encode_event("/x", "a", (1,), 7, volatile=True).text == b'42/x,7["a",1]'
    assert encode_event("/x", "a", (1,), 7, volatile=True).volatile


def test_a_binary_event_both_ways() -> None:
    text = b'452-/admin,7["up",' + PLACEHOLDER % 0 + b',{"x":' + PLACEHOLDER % 1 + b"}]"
    packet = Packet(PacketType.EVENT, "/admin", ["up", b"\x01\x02", {"x": b""}], 7)

    message = encode_event("/admin", "up", [b"\x01\x02", {"x": b""}], 7)

    assert (message.text, message.attachments) == (text, (b"\x01\x02", b""))
    assert decode(text[1:], b"\x01\x02", b"") == packet


def test_a_binary_ack_both_ways() -> None:
    message = encode(PacketType.ACK, "/", [b"\x01"], 12)

    assert (message.text, message.attachments) == (b"461-12[" + PLACEHOLDER % 0 + b"]", (b"\x01",))
    assert decode(message.text[1:], b"\x01") == Packet(PacketType.ACK, "/", [b"\x01"], 12)


def test_a_placeholder_in_a_plain_event_is_only_data() -> None:
    assert decode(b'2["a",' + PLACEHOLDER % 0 + b"]").data == ["a", {"_placeholder": True, "num": 0}]


MALFORMED = [
    b"",
    b"7",
    b"abc",
    b"-1",
    b"\xff",
    b"2",
    b"2{}",
    b"2[]",
    b'2"a"',
    b"2null",
    b'2["a"',
    b'2["a"]]',
    b'2["a"] x',
    b"2[{}]",
    b"2[null]",
    b"2[true]",
    b"2[1.5]",
    b'2[["a"]]',
    b'2[{"toString":1},"x"]',
    b'2abc["message-with-ack"]',
    b'2-1["a"]',
    b'21.5["a"]',
    b'2/admin["a"]',
    b'2/admin,abc["a"]',
    b'2["a",nan]',
    b'2["\xff"]',
    b'2/\xff,["a"]',
    b"2/admin",
    b'21-["a"]',
    b'2["a",' + b"[" * DEEP + b"]" * DEEP + b"]",
    b'2["\\ud83d",' + b"[" * DEEP + b"]" * DEEP + b"]",
    b"2" + b"1" * 16 + b'["a"]',
    b"2" + b"1" * 5_000 + b'["a"]',
    b"0[]",
    b'0"a"',
    b"0null",
    b"0{",
    b"0/" + b"n" * NAMESPACE_BYTES_MAX + b",",
    b"0" + b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    b"1{}",
    b"1[]",
    b"3",
    b"3{}",
    b"31",
    b"31{}",
    b'4{"message":"x"}',
    b"4",
    b'5["a"]',
    b'5-["a"]',
    b'511-["a"]',
    b'5999999999-["a"]',
    b"5" + b"9" * 40 + b'-["a"]',
    b'51-{"a":1}',
    b'5-1-["a"]',
    b'6["a"]',
    b"61-1{}",
    b'61.0-1["a"]',
    b"01-{}",
]


@pytest.mark.parametrize("text", MALFORMED, ids=lambda text: repr(text[:24]))
def test_what_no_client_may_send_is_malformed(text: bytes) -> None:
    with pytest.raises(MalformedPacket):
        Decoder(BYTES_MAX).receive_text(text)


def test_a_binary_packet_that_announces_no_attachments_is_complete() -> None:
    """As with the reference, whose encoder never makes one."""
    decoder = Decoder(BYTES_MAX)
    assert decoder.receive_text(b'50-["a"]') == Packet(PacketType.EVENT, "/", ["a"])
    assert decoder.receive_text(b'60-/admin,1["a"]') == Packet(PacketType.ACK, "/admin", ["a"], 1)
    assert decoder.receive_text(b'2["b"]') == Packet(PacketType.EVENT, "/", ["b"])


@pytest.mark.parametrize("event", sorted(RESERVED_EVENTS))
def test_a_reserved_event_name_is_refused_both_ways(event: str) -> None:
    """CVE-2024-38355 and its kin: an event of the emitter's own was a peer's to fire."""
    with pytest.raises(MalformedPacket, match="reserved name"):
        decode(b'2["%b"]' % event.encode())
    with pytest.raises(UnencodableValue, match="reserved"):
        encode_event("/", event, [])


def test_a_header_announcing_many_attachments_reserves_nothing() -> None:
    """CVE-2026-33151."""
    with pytest.raises(MalformedPacket, match=f"more than {ATTACHMENTS_MAX} attachments"):
        Decoder(BYTES_MAX).receive_text(b'5100000000-["a"]')


def test_as_many_attachments_as_the_stock_client_takes_go_both_ways() -> None:
    args = [bytes([number]) for number in range(ATTACHMENTS_MAX)]

    message = encode_event("/", "a", args)

    assert decode(message.text[1:], *message.attachments).data == ["a", *args]


def test_more_attachments_than_the_stock_client_takes_are_not_sent() -> None:
    """socket.io-parser closes the connection on an eleventh, and after a recovery would meet it again."""
    with pytest.raises(UnencodableValue, match="11 binary values"):
        encode_event("/", "a", [b""] * (ATTACHMENTS_MAX + 1))


def test_bytes_in_a_refusal_cannot_be_encoded() -> None:
    """CONNECT_ERROR and CONNECT have no binary twin."""
    for kind in (PacketType.CONNECT, PacketType.CONNECT_ERROR):
        with pytest.raises(UnencodableValue, match="no attachments"):
            encode(kind, "/", {"message": "x", "data": b"\x01"})


def test_an_attachment_that_nobody_announced_is_unexpected() -> None:
    with pytest.raises(UnexpectedPacket, match="belongs to no packet"):
        Decoder(BYTES_MAX).receive_binary(b"\x01")


def test_an_attachment_too_many_is_unexpected() -> None:
    decoder = Decoder(BYTES_MAX)
    decoder.receive_text(b'51-["a",' + PLACEHOLDER % 0 + b"]")
    decoder.receive_binary(b"\x01")

    with pytest.raises(UnexpectedPacket):
        decoder.receive_binary(b"\x02")


@pytest.mark.parametrize("text", [b'2["b"]', b'51-["b"]', b"0"])
def test_text_before_the_announced_attachments_is_unexpected(text: bytes) -> None:
    decoder = Decoder(BYTES_MAX)
    decoder.receive_text(b'52-["a"]')
    decoder.receive_binary(b"\x01")

    with pytest.raises(UnexpectedPacket, match="before 2 announced attachments"):
        decoder.receive_text(text)


def test_the_attachments_of_a_packet_are_bounded_together() -> None:
    decoder = Decoder(BYTES_MAX)
    decoder.receive_text(b'52-["a"]')
    decoder.receive_binary(b"x" * BYTES_MAX)

    with pytest.raises(MessageTooBig):
        decoder.receive_binary(b"x")


@pytest.mark.parametrize("number", [b"-1", b"1", b'"0"', b"0.0", b"null", b"true", b"{}"])
def test_a_placeholder_that_names_no_attachment_is_malformed(number: bytes) -> None:
    with pytest.raises(MalformedPacket, match="placeholder"):
        decode(b'51-["a",{"_placeholder":true,"num":' + number + b"}]", b"\x01")


def test_a_decoder_goes_on_after_a_binary_packet() -> None:
    decoder = Decoder(BYTES_MAX)
    decoder.receive_text(b'51-["a",' + PLACEHOLDER % 0 + b"]")

    assert decoder.receive_binary(b"\x01") == Packet(PacketType.EVENT, "/", ["a", b"\x01"])
    assert decoder.receive_text(b'2["b"]') == Packet(PacketType.EVENT, "/", ["b"])


def deep(leaf: Any) -> Any:
    value = leaf
    for _ in range(DEEP):
        value = [value]
    return value


@pytest.mark.parametrize("leaf", [1, b"\x01"])
def test_a_value_nested_too_deeply_cannot_be_encoded(leaf: Any) -> None:
    with pytest.raises(UnencodableValue, match="nested too deeply"):
        encode_event("/", "a", [deep(leaf)])


def test_what_json_does_not_know_cannot_be_encoded() -> None:
    with pytest.raises(UnencodableValue):
        encode_event("/", "a", [object()])


@pytest.mark.parametrize("value", [math.nan, math.inf, [-math.inf], {"x": math.nan}])
def test_nan_never_reaches_the_wire(value: Any) -> None:
    text = encode_event("/", "a", [value]).text

    assert b"null" in text
    assert b"NaN" not in text
    assert b"nfinity" not in text


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)
ARGUMENT = JSON | st.binary() | st.lists(JSON | st.binary(), max_size=3) | st.dictionaries(st.just("k"), st.binary())
NAMES = st.text(min_size=1).filter(lambda name: name not in RESERVED_EVENTS)
NAMESPACES = st.just("/") | st.text(st.characters(codec="utf-8", exclude_characters=","), max_size=20).map("/{}".format)


@given(NAMESPACES, NAMES, st.lists(ARGUMENT, max_size=3), st.none() | st.integers(0, 10**15 - 1))
def test_any_event_survives_the_way_there_and_back(
    namespace: str, name: str, args: list[Any], ack_id: int | None
) -> None:
    message = encode_event(namespace, name, args, ack_id)

    packet = decode(message.text[1:], *message.attachments)

    assert packet == Packet(PacketType.EVENT, namespace, [name, *args], ack_id)


@given(st.lists(JSON), st.integers(0, 10**15 - 1))
def test_any_ack_is_json_behind_its_header(args: list[Any], ack_id: int) -> None:
    message = encode(PacketType.ACK, "/", args, ack_id)

    assert json.loads(message.text.removeprefix(b"43%d" % ack_id)) == args
    assert decode(message.text[1:]) == Packet(PacketType.ACK, "/", args, ack_id)


@given(
    st.binary(max_size=40) | st.text(st.sampled_from('0123456-/,[]{}"a:_placeholdernum')).map(str.encode), st.binary()
)
def test_whatever_arrives_is_a_packet_or_malformed(text: bytes, attachment: bytes) -> None:
    decoder = Decoder(BYTES_MAX)
    try:
        if decoder.receive_text(text) is None:
            decoder.receive_binary(attachment)
    except MalformedPacket:
        return
