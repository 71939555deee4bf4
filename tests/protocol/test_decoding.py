"""Packets decoded whole."""

from __future__ import annotations

from typing import Any

import pytest

from ordercast.protocol import msgpack, socketio
from ordercast.protocol.decoding import decode_packet
from ordercast.protocol.errors import MalformedPacket
from ordercast.protocol.message import Message


@pytest.mark.parametrize("form", [socketio, msgpack])
@pytest.mark.parametrize("args", [["x", 1], [b"\x00\xff"], [[b"a"], {"b": b"c"}]])
def test_what_was_encoded_is_decoded(form: Any, args: list[Any]) -> None:
    message = form.encode_event("/", "event", args, 7)

    packet = decode_packet(form.Decoder(len(message)), message)

    assert packet is not None
    assert (packet.data, packet.id) == (["event", *args], 7)


def test_a_packet_without_its_attachments_is_none_yet() -> None:
    message = Message(b'451-["event",{"_placeholder":true,"num":0}]')

    assert decode_packet(socketio.Decoder(100), message) is None


@pytest.mark.parametrize("message", [Message(b""), Message(b"", (b"x",)), Message(b"4"), Message(b"42{}")])
def test_what_is_no_packet_is_malformed(message: Message) -> None:
    with pytest.raises(MalformedPacket):
        decode_packet(socketio.Decoder(100), message)
