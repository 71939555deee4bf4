"""What each error says."""

from __future__ import annotations

from ordercast.protocol.errors import MalformedPacket, MessageTooBig, ProtocolError, UnencodableValue, UnexpectedPacket


def test_a_malformed_packet_names_the_packet_and_the_problem() -> None:
    error = MalformedPacket("EVENT", "is not an array")

    assert (error.packet, error.problem, str(error)) == ("EVENT", "is not an array", "EVENT: is not an array")


def test_a_message_too_big_names_the_bound() -> None:
    assert str(MessageTooBig(1_000_000)) == "message: is longer than 1000000 bytes"


def test_the_class_says_whose_fault_it_was() -> None:
    assert issubclass(MessageTooBig, MalformedPacket)
    assert issubclass(UnexpectedPacket, MalformedPacket)
    assert issubclass(MalformedPacket, ProtocolError)
    assert issubclass(UnencodableValue, ProtocolError)
    assert not issubclass(UnencodableValue, MalformedPacket)
