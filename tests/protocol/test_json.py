"""JSON where JavaScript and strict JSON part."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordercast.protocol.errors import MalformedPacket, UnencodableValue
from ordercast.protocol.json import decode_json, encode_json, encode_plain_json

DEEP = 100_000


class Note(msgspec.Struct):
    text: str


def refuse_constant(name: str) -> Any:
    raise AssertionError(f"{name} on the wire")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, b"null"),
        (["a", 1, 1.5, True, None], b'["a",1,1.5,true,null]'),
        ({"k": {"\u20ac": "\U0001f600"}}, '{"k":{"\u20ac":"\U0001f600"}}'.encode()),
        ('a\u2028\x00"\\', '"a\u2028\\u0000\\"\\\\"'.encode()),
        (123456789012345680000, b"123456789012345680000"),
    ],
)
def test_json_both_ways(value: Any, text: bytes) -> None:
    assert encode_json(value) == text
    assert decode_json(text) == value


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, [math.nan], {"a": [math.inf]}, (math.nan, {"b": -math.inf})]
)
def test_nan_and_infinity_never_reach_the_wire(value: Any) -> None:
    text = encode_json(value)

    assert b"null" in text
    json.loads(text, parse_constant=refuse_constant)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[1,]",
        b'{"a":1,}',
        b"-NaN",
        b"[Infinity,]",
        b"[NaN",
        b'["\xff",NaN]',
        b"'a'",
        b"1 2",
        b"\xef\xbb\xbf[]",
        b'"\xff"',
        b'["\xc3"]',
        b"01",
        b"1e400x",
        b"9" * 5_000,
        b'"\n"',
        b'"\\x"',
    ],
)
def test_what_is_not_json_is_malformed(text: bytes) -> None:
    with pytest.raises(MalformedPacket):
        decode_json(text)


@pytest.mark.parametrize("text", [b"[" * DEEP, b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP])
def test_nesting_that_would_exhaust_the_stack_is_malformed(text: bytes) -> None:
    with pytest.raises(MalformedPacket):
        decode_json(text)


def test_deep_nesting_beside_half_an_emoji_is_malformed_too() -> None:
    with pytest.raises(MalformedPacket, match="nested too deeply"):
        decode_json(b'["\\ud83d",' + b"[" * DEEP + b"]" * DEEP + b"]")


def test_a_value_nested_too_deeply_cannot_be_encoded() -> None:
    value: list[Any] = []
    for _ in range(DEEP):
        value = [value]

    with pytest.raises(UnencodableValue, match="nested too deeply"):
        encode_json(value)


def test_a_value_that_contains_itself_cannot_be_encoded() -> None:
    value: list[Any] = ["\ud800"]
    value.append(value)

    with pytest.raises(UnencodableValue):
        encode_json(value)


@pytest.mark.parametrize("value", [object(), {"a": object()}, {(1, 2): 3}, {None: 1}, 1j, "x".join])
def test_what_json_does_not_know_cannot_be_encoded(value: Any) -> None:
    with pytest.raises(UnencodableValue):
        encode_json(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'"\\ud83d"', "\ufffd"),
        (b'["a\\uDE00b",1]', ["a\ufffdb", 1]),
        (b'{"\\ud83d":"\\ude00\\ud83d"}', {"\ufffd": "\ufffd\ufffd"}),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'["\\ud83d", 123456789012345680000]', ["\ufffd", 123456789012345680000]),
    ],
)
def test_half_an_emoji_from_javascript_becomes_the_replacement_character(text: bytes, value: Any) -> None:
    assert decode_json(text) == value


@pytest.mark.parametrize("text", [b'["\\ud83d",nan]', b'["\\ud83d"', b'["\\ud83d",]', b'["\\ud83d",NaN,]'])
def test_half_an_emoji_excuses_nothing_else(text: bytes) -> None:
    with pytest.raises(MalformedPacket):
        decode_json(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"NaN", None),
        (b'["a",1e400,-1e400,1.5e3]', ["a", None, None, 1500.0]),
        (b'{"lat":NaN,"lng":-Infinity,"at":"NaN"}', {"lat": None, "lng": None, "at": "NaN"}),
        (b'["\\ud83d",Infinity]', ["\ufffd", None]),
        (b"[" + b"9" * 310 + b".5]", [None]),
    ],
    ids=["nan", "past a double", "infinity", "beside half an emoji", "digits"],
)
def test_a_number_that_is_none_is_null_as_in_javascript(text: bytes, value: Any) -> None:
    assert decode_json(text) == value


@pytest.mark.parametrize("inner", [b"NaN,", b"1e400,"])
def test_deep_nesting_beside_a_number_that_is_none_is_malformed_too(inner: bytes) -> None:
    with pytest.raises(MalformedPacket):
        decode_json(b"[" + inner + b"[" * DEEP + b"]" * DEEP + b"]")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("\ud83d", '"\ufffd"'),
        (["a\udc00"], '["a\ufffd"]'),
        (("\ud83d",), '["\ufffd"]'),
        ({"\ud83d": {"k": ("\ud83d", 1)}}, '{"\ufffd":{"k":["\ufffd",1]}}'),
        (Note("\ud83d"), '{"text":"\ufffd"}'),
        ([math.nan, "\ud83d"], '[null,"\ufffd"]'),
    ],
)
def test_half_an_emoji_in_a_python_string_is_replaced_at_any_depth(value: Any, text: str) -> None:
    assert encode_json(value) == text.encode()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=25,
    )
)
def test_what_python_and_json_share_survives_the_way_there_and_back(value: Any) -> None:
    text = encode_json(value)

    assert decode_json(text) == value
    assert json.loads(text) == value


@given(st.text(st.characters(codec=None, categories=["Cs", "Lu", "So"])))
def test_any_python_string_leaves_as_valid_utf8(text: str) -> None:
    json.loads(encode_json([text]).decode())


@given(st.binary(max_size=40) | st.text(st.sampled_from('[]{}",:\\ud8dce0129.-+eEtrufalsn ')).map(str.encode))
def test_whatever_the_text_is_it_decodes_or_is_malformed(text: bytes) -> None:
    try:
        value = decode_json(text)
    except MalformedPacket:
        return
    encode_json(value)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text() | st.integers(), inner),
)


@given(JSON_VALUES)
def test_what_goes_the_short_way_reads_the_same(value: Any) -> None:
    try:
        plain = encode_plain_json(value)
    except TypeError:
        return
    assert json.loads(plain, parse_constant=refuse_constant) == json.loads(encode_json(value))


@pytest.mark.parametrize(
    "value", [b"", [bytearray(b"x")], {"a": (memoryview(b""),)}, Note("n"), {1: 2}, {1, 2}, 2**70, "\ud800", [object()]]
)
def test_what_must_be_looked_at_is_not_taken_the_short_way(value: Any) -> None:
    with pytest.raises(TypeError):
        encode_plain_json(value)
