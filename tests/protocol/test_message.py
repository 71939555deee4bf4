"""A message's two forms."""

from __future__ import annotations

from ordercast.protocol.message import CLOSE, NOOP, PING, Message


def test_a_text_message_is_one_frame_or_one_record() -> None:
    message = Message(b'42["hi"]')

    assert message.frames == b'\x81\x0842["hi"]'
    assert message.payload == b'42["hi"]'


def test_attachments_follow_as_binary_frames_or_as_base64_records() -> None:
    message = Message(b'452-["x",{"_placeholder":true,"num":0}]', (b"\x01\x02\x03\x04", b""))

    assert message.frames == b"\x81\x27" + message.text + b"\x82\x04\x01\x02\x03\x04" + b"\x82\x00"
    assert message.payload == message.text + b"\x1ebAQIDBA==" + b"\x1eb"


def test_attachments_are_text_frames_for_a_client_without_binary_ones() -> None:
    message = Message(b'451-["x",{"_placeholder":true,"num":0}]', (b"\x01\x02\x03\x04",))

    assert message.text_frames == b"\x81\x27" + message.text + b"\x81\x09bAQIDBA=="
    assert Message(b'42["hi"]').text_frames == b'\x81\x0842["hi"]'


def test_each_form_is_made_once_for_all_recipients() -> None:
    message = Message(b'42["hi"]')

    assert message.frames is message.frames
    assert message.payload is message.payload


def test_its_length_is_what_waiting_costs() -> None:
    assert len(Message(b"42[]", (b"12", b"345"))) == 9


def test_its_repr_shows_the_head_and_not_the_whole() -> None:
    assert repr(Message(b"4" * 1000, (b"",))) == f"<Message {b'4' * 60!r} +1 attachments>"


def test_the_packets_without_data_are_ready_made() -> None:
    assert (CLOSE.frames, PING.frames, NOOP.frames) == (b"\x81\x011", b"\x81\x012", b"\x81\x016")
