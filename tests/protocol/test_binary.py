"""Bytes out of the JSON, and back into it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.protocol.binary import deconstruct, has_binary, reconstruct
from ordercast.protocol.errors import MalformedPacket


class Photo(msgspec.Struct):
    name: str
    pixels: bytes


@dataclass
class Scan:
    pages: list[bytes]


def test_each_kind_of_bytes_becomes_an_attachment_in_order() -> None:
    attachments: list[bytes] = []

    value = deconstruct([b"a", {"x": bytearray(b"b")}, (memoryview(b"c"),)], attachments)

    assert attachments == [b"a", b"b", b"c"]
    assert value == [
        {"_placeholder": True, "num": 0},
        {"x": {"_placeholder": True, "num": 1}},
        [{"_placeholder": True, "num": 2}],
    ]


@pytest.mark.parametrize("value", [Photo("a", b"\x01"), Scan([b"\x01"]), OrderedDict(a=b"\x01"), [{"a": (b"\x01",)}]])
def test_bytes_are_found_in_structs_dataclasses_and_subclasses_of_containers(value: Any) -> None:
    attachments: list[bytes] = []

    assert has_binary(value)
    deconstruct(value, attachments)
    assert attachments == [b"\x01"]


@pytest.mark.parametrize(
    "value", [None, True, 1, 1.5, "text", [], {}, (), ["a", {"b": (1, None)}], {"a", "b"}, object()]
)
def test_what_holds_no_bytes_is_left_alone(value: Any) -> None:
    assert not has_binary(value)


@pytest.mark.parametrize("number", [-1, 2, 1.0, "0", True, None, [], {"num": 0}, 10**30])
def test_a_placeholder_that_names_no_attachment_is_malformed(number: Any) -> None:
    """CVE-2022-2421 and CVE-2023-32695: a number that is no index picked an object of the server's memory."""
    with pytest.raises(MalformedPacket, match="placeholder"):
        reconstruct(["x", {"_placeholder": True, "num": number}], [b"a", b"b"])


def test_a_placeholder_without_a_number_is_malformed() -> None:
    with pytest.raises(MalformedPacket, match="placeholder None names none of 1 attachments"):
        reconstruct({"_placeholder": True}, [b"a"])


def test_only_true_makes_a_placeholder() -> None:
    value = {"_placeholder": 1, "num": 0}

    assert reconstruct(value, [b"a"]) == value


JSON_OR_BYTES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text().filter(lambda k: k != "_placeholder"), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON_OR_BYTES)
def test_what_is_taken_apart_is_put_together_again(value: Any) -> None:
    attachments: list[bytes] = []

    apart = deconstruct(value, attachments)

    assert not has_binary(apart)
    assert has_binary(value) is bool(attachments)
    assert reconstruct(apart, attachments) == value
