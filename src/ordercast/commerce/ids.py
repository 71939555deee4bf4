"""Identifiers: a prefix for the kind, then 26 characters that sort by creation time."""

from __future__ import annotations

from typing import Final, NewType

OrderId = NewType("OrderId", str)
BookingId = NewType("BookingId", str)
ProductId = NewType("ProductId", str)
CustomerId = NewType("CustomerId", str)

# Crockford's base32 in lower case: without i, l, o, u, to be read aloud.
ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
RANDOM_BYTES: Final = 10  # 80 bits beside 48 of time, as in a ULID: no collisions, no guessing

# Ten bits per step: thirteen lookups instead of twenty-six.
_PAIRS: Final = tuple(a + b for a in ALPHABET for b in ALPHABET)


def new_id(prefix: str, now_ms: int, random_bytes: bytes) -> str:
    """Return `prefix` + ``_`` + 26 characters; `now_ms` is Unix time, `random_bytes` has RANDOM_BYTES bytes."""
    if len(random_bytes) != RANDOM_BYTES:
        raise ValueError(f"an id takes {RANDOM_BYTES} random bytes, not {len(random_bytes)}")
    # Three numbers that end between two characters: shifting all 128 bits at once took half as long again.
    high, low = int.from_bytes(random_bytes[:5], "big"), int.from_bytes(random_bytes[5:], "big")
    pairs = _PAIRS
    return (
        f"{prefix}_{pairs[now_ms >> 40 & 1023]}{pairs[now_ms >> 30 & 1023]}{pairs[now_ms >> 20 & 1023]}"
        f"{pairs[now_ms >> 10 & 1023]}{pairs[now_ms & 1023]}"
        f"{pairs[high >> 30]}{pairs[high >> 20 & 1023]}{pairs[high >> 10 & 1023]}{pairs[high & 1023]}"
        f"{pairs[low >> 30]}{pairs[low >> 20 & 1023]}{pairs[low >> 10 & 1023]}{pairs[low & 1023]}"
    )
