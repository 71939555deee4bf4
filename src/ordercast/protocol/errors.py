"""What can be wrong with a packet.

ProtocolError
├── MalformedPacket      the peer sent what no version of the protocol allows
│   ├── MessageTooBig    more bytes than the bound that the handshake announced
│   │   └── ValueTooBig  a value that would hold more memory, decoded, than a connection may
│   └── UnexpectedPacket well-formed, but not in this state
└── UnencodableValue     a value to send that JSON and binary attachments cannot carry
"""

from __future__ import annotations


class ProtocolError(Exception):
    """Base of every error of this room."""


class MalformedPacket(ProtocolError):
    """The peer's fault: the connection is closed, because what follows cannot be trusted to be in step."""

    def __init__(self, packet: str, problem: str) -> None:
        self.packet = packet
        self.problem = problem
        super().__init__(f"{packet}: {problem}")


class MessageTooBig(MalformedPacket):
    """The peer's message is over the announced bound."""

    def __init__(self, bytes_max: int) -> None:
        super().__init__("message", f"is longer than {bytes_max} bytes")


class ValueTooBig(MessageTooBig):
    """Few bytes that become a large value, such as 300,000 empty objects; it is refused before it is decoded."""

    def __init__(self, bytes_max: int) -> None:
        MalformedPacket.__init__(self, "message", f"would hold more than {bytes_max} bytes when decoded")


class UnexpectedPacket(MalformedPacket):
    """A packet that is valid by itself but not now, such as an attachment that nobody announced."""


class UnencodableValue(ProtocolError):
    """Our caller's fault: a value to emit that has no place in JSON or a binary attachment."""
