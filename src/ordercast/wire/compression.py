"""Compressed polling answers (RFC 9110 section 8.4)."""

from __future__ import annotations

import zlib

# The fastest level: on events of some hundred bytes, higher ones gain a few percent and cost twice the time.
_LEVEL = 1
# zlib's way of naming the formats: a gzip wrapper, a zlib wrapper.
_FORMATS = {b"gzip": 31, b"deflate": 15}


def accepted_encoding(accept_encoding: bytes) -> bytes:
    """The encoding to use for a client that sent this `Accept-Encoding` (RFC 9110 section 12.5.3); b"" for none."""
    accepted = dict(_weighted(part) for part in accept_encoding.lower().split(b","))
    for encoding in _FORMATS:
        if accepted.get(encoding, accepted.get(b"*", b"0")).strip(b"0.") != b"":
            return encoding
    return b""


def _weighted(part: bytes) -> tuple[bytes, bytes]:
    name, _, parameter = part.partition(b";")
    weight = parameter.strip().removeprefix(b"q=").strip()
    return name.strip(), weight or b"1"


def compress(body: bytes, encoding: bytes, level: int = _LEVEL) -> bytes:
    """Compress to an encoding that `accepted_encoding` gave."""
    return zlib.compress(body, level, _FORMATS[encoding])
