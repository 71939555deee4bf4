"""Frames against an independent parser, and fragments cut anywhere."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame
from websockets.frames import Opcode as TheirOpcode
from websockets.streams import StreamReader

from ordercast.protocol.errors import MalformedPacket, MessageTooBig
from ordercast.protocol.websocket import MessageAssembler, Opcode, serialize_frame

LENGTHS_AT_THE_EDGES = (0, 1, 125, 126, 127, 65_535, 65_536, 65_537)


def parse_theirs(data: bytes) -> tuple[Frame, bytes]:
    """The first frame of `data` by the `websockets` package, and what is left."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    parser = Frame.parse(reader.read_exact, mask=False)
    try:
        while True:
            next(parser)
    except StopIteration as done:
        return done.value, bytes(reader.buffer)


@pytest.mark.parametrize(
    ("opcode", "payload", "frame"),
    [
        (Opcode.TEXT, b"Spam", b"\x81\x04Spam"),
        (Opcode.BINARY, b"\x00\xff", b"\x82\x02\x00\xff"),
        (Opcode.PONG, b"", b"\x8a\x00"),
        (Opcode.CLOSE, b"\x03\xe8", b"\x88\x02\x03\xe8"),
        (Opcode.TEXT, b"a" * 126, b"\x81\x7e\x00\x7e" + b"a" * 126),
        (Opcode.TEXT, b"a" * 65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + b"a" * 65_536),
    ],
)
def test_a_frame_as_bytes(opcode: Opcode, payload: bytes, frame: bytes) -> None:
    assert serialize_frame(opcode, payload) == frame


@pytest.mark.parametrize("length", LENGTHS_AT_THE_EDGES)
@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
def test_another_parser_reads_each_form_of_length(opcode: Opcode, length: int) -> None:
    payload = b"x" * length

    frame, rest = parse_theirs(serialize_frame(opcode, payload))

    assert (frame.opcode, frame.data, frame.fin, rest) == (TheirOpcode(opcode), payload, True, b"")
    assert (frame.rsv1, frame.rsv2, frame.rsv3) == (False, False, False)


@given(
    st.lists(st.tuples(st.sampled_from([Opcode.TEXT, Opcode.BINARY]), st.binary(max_size=300)), min_size=1, max_size=5)
)
def test_another_parser_reads_frames_written_in_one_piece(messages: list[tuple[Opcode, bytes]]) -> None:
    data = b"".join(serialize_frame(opcode, payload) for opcode, payload in messages)

    for opcode, payload in messages:
        frame, data = parse_theirs(data)
        assert (frame.opcode, frame.data) == (TheirOpcode(opcode), payload)
    assert data == b""


@given(
    st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=8), st.sampled_from([Opcode.TEXT, Opcode.BINARY])
)
def test_fragments_cut_anywhere_are_joined(payload: bytes, cuts: list[int], opcode: Opcode) -> None:
    edges = sorted({0, len(payload), *(cut for cut in cuts if cut < len(payload))})
    pieces = [payload[a:b] for a, b in itertools.pairwise(edges)] or [b""]
    assembler = MessageAssembler(1_000)

    results: list[Any] = []
    for number, piece in enumerate(pieces):
        kind = opcode if number == 0 else Opcode.CONTINUATION
        results.append(assembler.receive_frame(kind, piece, fin=number == len(pieces) - 1))

    assert results == [None] * (len(pieces) - 1) + [(opcode, payload)]
    assert not assembler.started


def test_the_next_message_starts_afresh() -> None:
    assembler = MessageAssembler(10)
    assembler.receive_frame(Opcode.TEXT, b"12345", fin=False)
    assembler.receive_frame(Opcode.CONTINUATION, b"67890", fin=True)

    assert assembler.receive_frame(Opcode.BINARY, b"0123456789", fin=True) == (Opcode.BINARY, b"0123456789")


def test_a_continuation_of_nothing_is_malformed() -> None:
    with pytest.raises(MalformedPacket, match="a continuation of nothing"):
        MessageAssembler(10).receive_frame(Opcode.CONTINUATION, b"", fin=True)


@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
def test_a_message_inside_a_fragmented_one_is_malformed(opcode: Opcode) -> None:
    assembler = MessageAssembler(10)
    assembler.receive_frame(Opcode.TEXT, b"a", fin=False)
    assert assembler.started

    with pytest.raises(MalformedPacket, match="inside a fragmented one"):
        assembler.receive_frame(opcode, b"b", fin=True)


def test_the_bound_is_of_the_whole_message_and_not_of_a_frame() -> None:
    assembler = MessageAssembler(10)
    assembler.receive_frame(Opcode.TEXT, b"12345", fin=False)
    assembler.receive_frame(Opcode.CONTINUATION, b"67890", fin=False)

    with pytest.raises(MessageTooBig, match="longer than 10 bytes"):
        assembler.receive_frame(Opcode.CONTINUATION, b"1", fin=False)


def test_many_tiny_fragments_cost_their_bytes_only() -> None:
    assembler = MessageAssembler(100_000)
    assembler.receive_frame(Opcode.TEXT, b"", fin=False)
    for _ in range(99_999):
        assembler.receive_frame(Opcode.CONTINUATION, b"x", fin=False)

    assert assembler.receive_frame(Opcode.CONTINUATION, b"x", fin=True) == (Opcode.TEXT, b"x" * 100_000)
