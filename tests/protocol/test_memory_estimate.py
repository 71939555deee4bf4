"""A value's weight is told from its bytes: never much less than it takes, and not so much more that it harms."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.protocol.errors import MalformedPacket
from ordercast.protocol.json import decode_json
from ordercast.protocol.memory_estimate import estimate_json, estimate_msgpack
from ordercast.protocol.msgpack import decode_value

SIZE = 300_000
# How far the constants may be from a figure of tracemalloc, which does not know what the allocator rounds up.
SLACK = 1.12
# What a connection may hold by default.
BOUND = 10_000_000


def repeated(item: bytes) -> bytes:
    return b"[" + item * (SIZE // len(item)) + b"0]"


def numbered(pattern: bytes) -> bytes:
    return b"{" + b",".join(pattern % number for number in range(SIZE // (len(pattern) + 3))) + b"}"


HOSTILE = {
    "lists": repeated(b"[],"),
    "dicts": repeated(b"{},"),
    "lists of one": repeated(b"[1],"),
    "dicts of one": repeated(b'{"":0},'),
    "dicts of dicts": repeated(b'{"a":{}},'),
    "dicts of six": repeated(b'{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0},'),
    "deep lists": repeated(b"[" * 400 + b"]" * 400 + b","),
    "deep dicts": repeated(b'{"":' * 400 + b"0" + b"}" * 400 + b","),
    "strings": repeated(b'"a",'),
    "floats": repeated(b"1.5,"),
    "integers": repeated(b"300,"),
    "small integers": repeated(b"1,"),
    "spaced numbers": repeated(b"300 , "),
    "one dict": numbered(b'"%x":0'),
    "one dict of dicts": numbered(b'"%x":{}'),
    "one wide string": b'["' + b"a" * SIZE + "😀".encode() + b'"]',
    "escapes": b'["' + b"\\n" * (SIZE // 2) + b'"]',
}


def held(decode: Callable[[bytes], Any], data: bytes) -> int:
    tracemalloc.start()
    try:
        value = decode(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    del value
    return peak


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_json_takes_more_than_it_weighs(text: bytes) -> None:
    assert held(decode_json, text) <= estimate_json(text) * SLACK


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_the_rough_answer_is_not_below_the_exact_one(text: bytes) -> None:
    assert estimate_json(text, enough=10**12) >= estimate_json(text) * 0.9


ORDER = {"id": "ord_01jabc000001", "qty": 3, "price": 123456, "name": "Cup of tea", "tags": ["a", "b"], "note": None}
ORDINARY = {
    "orders": msgspec.json.encode([ORDER] * 8_000),
    "JSON in a string": msgspec.json.encode([msgspec.json.encode([ORDER] * 6_000).decode()]),
    "Base64": b'["' + b"abcd" * 240_000 + b'"]',
    "a table in a string": b'["' + b"1,2,3," * 160_000 + b'"]',
    "measurements": msgspec.json.encode([number / 7 for number in range(50_000)]),
    "Bengali": ('["' + "আমার সোনার বাংলা " * 20_000 + '"]').encode(),
}


@pytest.mark.parametrize("text", ORDINARY.values(), ids=ORDINARY)
def test_ordinary_documents_of_nearly_a_megabyte_are_light_enough(text: bytes) -> None:
    assert len(text) > 700_000
    assert estimate_json(text) <= BOUND


SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS | st.text(max_size=40),
    lambda children: st.lists(children, max_size=12) | st.dictionaries(st.text(max_size=8), children, max_size=12),
    max_leaves=40,
)


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_whatever_json_holds_its_weight_is_no_guess(value: list[Any]) -> None:
    # Many of the same, so that what the decoder makes once does not count.
    text = msgspec.json.encode([value] * 50)

    assert held(decode_json, text) <= estimate_json(text) * SLACK + 4_096


def array(item: bytes) -> bytes:
    count = SIZE // len(item)
    return b"\xdd" + struct.pack(">I", count) + item * count


PACKED = {
    "arrays": array(b"\x90"),
    "maps": array(b"\x80"),
    "maps of one": array(b"\x81\x00\x00"),
    "deep arrays": array(b"\x91" * 400 + b"\xc0"),
    "strings": array(b"\xa2ab"),
    "floats": array(b"\xcb" + struct.pack(">d", 1.5)),
    "integers": array(b"\xcd\x10\x00"),
    "extensions": array(b"\xd4\x00\x05"),
    "bytes": array(b"\xc4\x02ab"),
    "small integers": array(b"\x05"),
    "a wide string": msgspec.msgpack.encode("a" * SIZE + "😀"),
    "maps of sixteen": array(b"\xde\x00\x10" + b"".join(b"\xa2%02d\xc0" % number for number in range(16))),
}


@pytest.mark.parametrize("data", PACKED.values(), ids=PACKED)
def test_no_msgpack_takes_more_than_it_weighs(data: bytes) -> None:
    assert held(decode_value, data) <= estimate_msgpack(data) * SLACK


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_whatever_msgpack_holds_its_weight_is_no_guess(value: list[Any]) -> None:
    data = msgspec.msgpack.encode([value] * 50)

    assert held(decode_value, data) <= estimate_msgpack(data) * SLACK + 4_096


def test_a_look_at_msgpack_ends_when_enough_is_known() -> None:
    assert 1_000 < estimate_msgpack(PACKED["arrays"], enough=1_000) < 2_000


def test_a_map_that_claims_to_be_huge_weighs_what_follows() -> None:
    assert estimate_msgpack(b"\xdf\xff\xff\xff\xff") < 1_000


def test_a_byte_that_begins_nothing_is_malformed() -> None:
    with pytest.raises(MalformedPacket, match="begins nothing: 0xc1"):
        estimate_msgpack(b"\xc1")
