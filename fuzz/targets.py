"""One function for each parser: given any bytes, what must hold whatever they are. It raises when it does not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from ordercast.api.body import decode
from ordercast.api.errors import BodyMalformed
from ordercast.commerce.catalogue import DEMO_CATALOGUE
from ordercast.commerce.errors import ShopError
from ordercast.commerce.orders import PlaceOrder
from ordercast.commerce.placing import price_order
from ordercast.commerce.shop import DEMO_SHOP
from ordercast.commerce.text_rules import check_texts
from ordercast.feed import Position
from ordercast.hub.bus.redis_emitter_protocol import JoinRequest, LeaveRequest, parse_event, parse_request
from ordercast.protocol import msgpack
from ordercast.protocol.engineio import PacketType, parse_packet, parse_payload, serialize_binary, serialize_payload
from ordercast.protocol.errors import MalformedPacket, UnencodableValue
from ordercast.protocol.json import decode_json, encode_json
from ordercast.protocol.message import Message
from ordercast.protocol.socketio import Decoder, Packet, encode, encode_event
from ordercast.protocol.websocket import MessageAssembler, Opcode
from ordercast.wire.engine import QUERY_FIELDS_MAX, parse_query

BYTES_MAX: Final = 1_000
PRODUCTS: Final = {product.id: product for product in DEMO_CATALOGUE}


def engineio_packet(data: bytes) -> None:
    """A packet is its type and the rest, or malformed."""
    try:
        packet = parse_packet(data)
    except MalformedPacket:
        return
    assert bytes([packet.type]) + packet.data == data


def engineio_payload(data: bytes) -> None:
    """What a body was parsed into is what it says when it is written again."""
    try:
        packets = list(parse_payload(data))
    except MalformedPacket:
        return
    records = (serialize_binary(p.data) if p.binary else bytes([p.type]) + p.data for p in packets)
    assert list(parse_payload(serialize_payload(records))) == packets
    assert all(packet.type is PacketType.MESSAGE for packet in packets if packet.binary)


def socketio_packets(data: bytes) -> None:
    """Messages, text or binary by their first byte, become packets that can be sent back, or are malformed."""
    decoder = Decoder(BYTES_MAX)
    for message in data.split(b"\x00"):
        try:
            packet = decoder.receive_binary(message[1:]) if message[:1] == b"b" else decoder.receive_text(message)
        except MalformedPacket:
            return
        if packet is not None:
            _sent_back(packet)


def _sent_back(packet: Packet) -> None:
    message = encode(packet.type, packet.namespace, packet.data, packet.id)
    decoder = Decoder(1 << 30)
    returned = decoder.receive_text(message.text[1:])
    for attachment in message.attachments:
        assert returned is None
        returned = decoder.receive_binary(attachment)
    assert returned == packet


def msgpack_packet(data: bytes) -> None:
    """A message is a packet whose next writing reads as the first did, or malformed."""
    decoder = msgpack.Decoder(BYTES_MAX)
    try:
        packet = decoder.receive_binary(data)
    except MalformedPacket:
        return
    assert packet is not None
    try:
        (again,) = msgpack.encode(packet.type, packet.namespace, packet.data, packet.id).attachments
        (last,) = _resent(again).attachments
    except UnencodableValue:  # what JavaScript's clients do not read back either
        return
    assert last == again


def _resent(body: bytes) -> Message:
    packet = msgpack.Decoder(1 << 30).receive_binary(body)
    assert packet is not None
    return msgpack.encode(packet.type, packet.namespace, packet.data, packet.id)


def redis_words(data: bytes) -> None:
    """What was published is an event that can be told, a request, or malformed; by its first byte, which."""
    try:
        if data[:1] == b"r":
            request = parse_request(data[1:])
            assert not isinstance(request, JoinRequest | LeaveRequest) or request.names
            return
        said = parse_event(data[1:])
        encode_event(said.namespace, said.data[0], said.data[1:])
    except (MalformedPacket, UnencodableValue):
        return
    assert all(isinstance(room, str) for room in said.audience.names + said.audience.excluded)


def query_string(data: bytes) -> None:
    """Whatever stands behind the question mark is a bounded number of names with values."""
    query = parse_query(data)
    assert len(query) <= QUERY_FIELDS_MAX
    assert all(value for value in query.values())


def json_text(data: bytes) -> None:
    """What we take for JSON, the standard library does too, with the same meaning; and it survives the way back."""
    try:
        value = decode_json(data)
    except MalformedPacket:
        return
    assert decode_json(encode_json(value)) == value
    # The standard library keeps halves of emojis, large integers whole, and numbers that are none.
    assert _as_received(json.loads(data)) == _as_received(value)


def _as_received(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_as_received(item) for item in value]
    if isinstance(value, dict):
        return {_as_received(key): _as_received(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return float(value) if type(value) is int and abs(value) >= 1 << 63 else value


def websocket_fragments(data: bytes) -> None:
    """Frames become the messages that a plain reading of RFC 6455 section 5.4 gives, within the bound."""
    assembler = MessageAssembler(BYTES_MAX)
    opcode, parts = 0, b""
    for kind, fin, payload in _frames(data):
        allowed = (kind == Opcode.CONTINUATION) == (opcode != 0) and len(parts) + len(payload) <= BYTES_MAX
        try:
            message = assembler.receive_frame(kind, payload, fin=fin)
        except MalformedPacket:
            assert not allowed
            return
        assert allowed
        opcode, parts = opcode or kind, parts + payload
        assert message == ((opcode, parts) if fin else None)
        if fin:
            opcode, parts = 0, b""
        assert assembler.started == (not fin)


def _frames(data: bytes) -> Iterator[tuple[int, bool, bytes]]:
    """Frames as fuzzed: a byte of kind and FIN, a byte of length in tens, and the payload."""
    kinds = (Opcode.CONTINUATION, Opcode.TEXT, Opcode.BINARY)
    while len(data) >= 2:
        length = data[1] * 10
        yield kinds[data[0] % 3], bool(data[0] & 0x80), data[2 : 2 + length]
        data = data[2 + length :]


def position(data: bytes) -> None:
    """An offset that we understand is one that we could have given, and means the same when written again."""
    found = Position.parse(data.decode("utf-8", "replace"))
    if found is not None:
        assert Position.parse(str(found)) == found
        assert found.seq >= 0


def order_body(data: bytes) -> None:
    """A request is refused with a reason, or is an order that can be priced, exactly, and written as JSON."""
    try:
        command = decode(data, PlaceOrder)
        check_texts(command)
        order = price_order(command, PRODUCTS, DEMO_SHOP)
    except (ShopError, BodyMalformed) as error:
        str(error).encode()
        return
    assert order.total == order.subtotal + order.tax + order.shipping_fee - order.discount
    msgspec.json.encode(command)


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    target.__name__: target
    for target in (
        engineio_packet,
        engineio_payload,
        socketio_packets,
        msgpack_packet,
        redis_words,
        query_string,
        json_text,
        websocket_fragments,
        position,
        order_body,
    )
}
