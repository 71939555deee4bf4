"""Identifiers: a prefix that names the kind, then 26 characters that sort by the time of their making."""

from __future__ import annotations

from typing import Final, NewType

OrderId = NewType("OrderId", str)
BookingId = NewType("BookingId", str)
ProductId = NewType("ProductId", str)
CustomerId = NewType("CustomerId", str)

# Crockford's base32 in lower case: no i, l, o, u, so an id survives being read out over a telephone.
ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
RANDOM_BYTES: Final = 10  # 80 bits beside 48 of time, as a ULID has: no two ids meet, and none can be guessed

# Ten bits a step: thirteen look-ups make an id instead of twenty-six.
_PAIRS: Final = tuple(a + b for a in ALPHABET for b in ALPHABET)
_SHIFTS: Final = tuple(range(120, -1, -10))


def new_id(prefix: str, now_ms: int, random_bytes: bytes) -> str:
    """Make `prefix` + ``_`` + 26 characters; `now_ms` is Unix time, `random_bytes` are exactly RANDOM_BYTES long."""
    if len(random_bytes) != RANDOM_BYTES:
        raise ValueError(f"an id takes {RANDOM_BYTES} random bytes, not {len(random_bytes)}")
    number = now_ms << 80 | int.from_bytes(random_bytes, "big")
    return prefix + "_" + "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])
