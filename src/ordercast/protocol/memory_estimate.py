"""Estimates how much memory a value takes once it is decoded, from its bytes alone.

A megabyte of JSON can hold 300,000 empty objects, which take 25 MB: what a peer sends is worth what it becomes. The
constants are CPython's on 64 bit, with what the allocator rounds up; `test_memory_estimate.py` holds them to it.
"""

from __future__ import annotations

import re

from .errors import MalformedPacket

_STRING = 64
"""Beside its characters: header, end, rounding."""
_NUMBER = 32
_SLOT = 10
"""A place in a list, with what a growing list keeps free."""
_EMPTY = 64
_LIST = 96
_DICT = 192
_ENTRIES_FREE = 5
_ENTRY = 50
"""A place in a dict of more than these."""
_KEY = 16
"""msgspec keeps short keys, and honest documents repeat a few: one object each."""
# What is decoded stands beside the text of its strings; with one emoji in it a string takes four bytes a character.
_WIDE = 5

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_SPACE = b" \t\r\n"
# All digits alike and all that may stand before a value alike, so that a number of three characters begins `,000`.
# Shorter ones CPython keeps anyway.
_DIGITS_ALIKE = bytes.maketrans(b"123456789.-+eE", b"00000000000000")
_STARTS_ALIKE = bytes.maketrans(b"[:", b",,")


def estimate_json(text: bytes, enough: int = 0) -> int:
    """The most that the value of this JSON text takes; a rougher answer where that is no more than `enough`."""
    characters = len(text) * (1 + (b"\\" in text)) if text.isascii() else len(text) * _WIDE
    containers = text.count(b"[") * _LIST + text.count(b"{") * _DICT
    separators = text.count(b",") + text.count(b":")
    rough = characters + containers + separators * (_ENTRY + _NUMBER) + text.count(b'"') * (_STRING // 2)
    return rough if rough <= enough else characters + _exact(text)


def _exact(text: bytes) -> int:
    """As above beside the characters, without what only looks like structure because it stands in a string."""
    bare = _STRINGS.sub(b'""', text).translate(_DIGITS_ALIKE, _SPACE)
    dicts, keys = bare.count(b"{") - bare.count(b"{}"), bare.count(b'"":')
    containers = _containers(bare, b"[", b"[]", _LIST) + _containers(bare, b"{", b"{}", _DICT)
    items = bare.count(b",") * _SLOT + max(0, bare.count(b":") - dicts * _ENTRIES_FREE) * _ENTRY
    strings = (bare.count(b'""') - keys) * _STRING + keys * _KEY
    return containers + items + strings + bare.translate(_STARTS_ALIKE).count(b",000") * _NUMBER


def _containers(bare: bytes, opening: bytes, empty: bytes, weight: int) -> int:
    empties = bare.count(empty)
    return empties * _EMPTY + (bare.count(opening) - empties) * weight


# msgpack: https://github.com/msgpack/msgpack/blob/master/spec.md

_SMALL_INTS = re.compile(rb"[\x00-\x7f\xc0\xc2\xc3\xe0-\xff]+")
# By an item's first byte: how many bytes tell its length, or its size.
_STRINGS_BY = {0xD9: 1, 0xDA: 2, 0xDB: 4}
_BYTES_BY = {0xC4: 1, 0xC5: 2, 0xC6: 4}
_EXTENSIONS_BY = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_MAPS_BY = {0xDE: 2, 0xDF: 4}
_NUMBERS = {0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
_EXTENSIONS = {0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17}
_ARRAYS = {0xDC: 2, 0xDD: 4}
# What they take, and how many bytes follow that begin no item.
_PLAIN = {
    **{kind: (_NUMBER, size) for kind, size in _NUMBERS.items()},
    **{kind: (_STRING, size) for kind, size in _EXTENSIONS.items()},
    **{kind: (_LIST, size) for kind, size in _ARRAYS.items()},
}
_SHORT_STRING = 48
"""A name of a field that repeats, or a string: there are about as many of the one as of the other."""


def estimate_msgpack(data: bytes, enough: int = 0) -> int:
    """The most that this msgpack value takes; who gives `enough` learns only that it is more than that.

    Raises MalformedPacket.
    """
    weight, at = 0, 0
    while at < len(data) and (not enough or weight <= enough):
        small = _SMALL_INTS.match(data, at)
        if small is not None:
            weight += _SLOT * (small.end() - at)
            at = small.end()
        else:
            added, at = _msgpack_item(data, at)
            weight += added + _SLOT
    return weight


def _msgpack_item(data: bytes, at: int) -> tuple[int, int]:
    """What the item there takes by itself, and where the next one begins."""
    kind = data[at]
    at += 1
    if kind < 0xA0:
        return _msgpack_map(kind & 0x0F) if kind < 0x90 else _LIST if kind & 0x0F else _EMPTY, at
    if kind < 0xC0:
        end = at + (kind & 0x1F)
        return _SHORT_STRING + _characters(data[at:end]), end
    if kind in _PLAIN:
        weight, size = _PLAIN[kind]
        return weight, at + size
    if kind in _MAPS_BY:
        count, at = _msgpack_length(data, at, _MAPS_BY[kind])
        return _msgpack_map(min(count, len(data) - at)), at  # one of a huge count is as large as what follows
    if kind in _STRINGS_BY:
        length, at = _msgpack_length(data, at, _STRINGS_BY[kind])
        return _STRING + _characters(data[at : at + length]), at + length
    if kind in _BYTES_BY or kind in _EXTENSIONS_BY:
        length, at = _msgpack_length(data, at, _BYTES_BY.get(kind) or _EXTENSIONS_BY[kind])
        return _STRING + length, at + length + (kind in _EXTENSIONS_BY)
    raise MalformedPacket("msgpack", f"has a byte that begins nothing: {kind:#x}")


def _msgpack_map(count: int) -> int:
    return _DICT + max(0, count - _ENTRIES_FREE) * _ENTRY if count else _EMPTY


def _msgpack_length(data: bytes, at: int, width: int) -> tuple[int, int]:
    return int.from_bytes(data[at : at + width], "big"), at + width


def _characters(utf8: bytes) -> int:
    return len(utf8) if utf8.isascii() else len(utf8) * _WIDE
