"""Binary arguments: taken out of the JSON as attachments, and put back.

Source: the Socket.IO protocol, revision 5, section "Packet encoding": each attachment leaves a placeholder
``{"_placeholder": true, "num": n}`` in the JSON and follows as a message of its own, in order of `n`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from .errors import MalformedPacket

_BINARY = (bytes, bytearray, memoryview)
_PLAIN = frozenset({str, int, float, bool, type(None), msgspec.Raw})


def has_binary(value: Any) -> bool:
    """Tell whether `value` holds bytes at any depth."""
    kind = type(value)
    if kind in _PLAIN:
        return False
    if kind is dict or kind is list or kind is tuple:
        # Most items are plain; asking here saves the call, which would cost more than the answer.
        for item in value.values() if kind is dict else value:
            if type(item) not in _PLAIN and has_binary(item):
                return True
        return False
    if isinstance(value, _BINARY):
        return True
    return has_binary(_as_builtins(value)) if _is_record(value) else False


def _is_record(value: Any) -> bool:
    """A struct, dataclass, attrs class or subclass of a container, whose fields may hold bytes."""
    return isinstance(value, (msgspec.Struct, dict, list, tuple, set, frozenset)) or hasattr(
        type(value), "__dataclass_fields__"
    )


def _as_builtins(value: Any) -> Any:
    return msgspec.to_builtins(value, builtin_types=(bytes, bytearray, memoryview))


def deconstruct(value: Any, attachments: list[bytes]) -> Any:
    """Give `value` with each bytes-like object moved to the end of `attachments` and a placeholder in its stead."""
    if isinstance(value, _BINARY):
        attachments.append(bytes(value))
        return {"_placeholder": True, "num": len(attachments) - 1}
    if type(value) is dict:
        return {key: deconstruct(item, attachments) for key, item in value.items()}
    if type(value) is list or type(value) is tuple:
        return [deconstruct(item, attachments) for item in value]
    return deconstruct(_as_builtins(value), attachments) if _is_record(value) else value


def reconstruct(value: Any, attachments: list[bytes]) -> Any:
    """Put the attachments back in place.

    Raises MalformedPacket for a placeholder that names none of them, or one that was named before: clients give each
    place its own, and a megabyte named a thousand times would be a gigabyte to whoever passes it on.
    """
    return _reconstruct(value, list(attachments))


def _reconstruct(value: Any, left: list[bytes | None]) -> Any:
    if type(value) is list:
        return [_reconstruct(item, left) for item in value]
    if type(value) is dict:
        if value.get("_placeholder") is True:
            return _take(left, _checked_number(value.get("num"), len(left)))
        return {key: _reconstruct(item, left) for key, item in value.items()}
    return value


def _take(left: list[bytes | None], number: int) -> bytes:
    attachment, left[number] = left[number], None
    if attachment is None:
        raise MalformedPacket("binary packet", f"has two placeholders for attachment {number}")
    return attachment


def _checked_number(number: Any, count: int) -> int:
    # CVE-2022-2421: a number that is not an index once let a peer pick any object of the server's memory.
    if type(number) is not int or not 0 <= number < count:
        raise MalformedPacket("binary packet", f"placeholder {number!r:.40} names none of {count} attachments")
    return number
