"""OP_MSG, and the OP_QUERY that a driver may begin with."""

from __future__ import annotations

import asyncio
import itertools
import struct
from dataclasses import dataclass
from typing import Any, Final

import bson
from bson.codec_options import CodecOptions

OP_REPLY: Final = 1
OP_QUERY: Final = 2004
OP_MSG: Final = 2013
CHECKSUM_PRESENT: Final = 1
MORE_TO_COME: Final = 2

Document = dict[str, Any]

CODEC: Final[CodecOptions[Document]] = CodecOptions(tz_aware=True)
_ids = itertools.count(1)


@dataclass
class Request:
    id: int
    op_code: int
    body: Document
    wants_answer: bool = True


async def read_request(reader: asyncio.StreamReader) -> Request:
    """Raises IncompleteReadError when the client has gone."""
    length, request_id, _, op_code = struct.unpack("<iiii", await reader.readexactly(16))
    payload = await reader.readexactly(length - 16)
    if op_code == OP_QUERY:
        end = payload.index(b"\0", 4)
        return Request(request_id, op_code, bson.decode(payload[end + 9 :], CODEC))
    assert op_code == OP_MSG, f"op code {op_code}"
    (flags,) = struct.unpack_from("<I", payload)
    assert not flags & CHECKSUM_PRESENT
    return Request(request_id, op_code, _sections(payload), not flags & MORE_TO_COME)


def _sections(payload: bytes) -> Document:
    """The body, with each sequence of documents under its name."""
    body: Document = {}
    at = 4
    while at < len(payload):
        kind = payload[at]
        (size,) = struct.unpack_from("<i", payload, at + 1)
        section = payload[at + 1 : at + 1 + size]
        at += 1 + size
        if kind == 0:
            body |= bson.decode(section, CODEC)
        else:
            end = section.index(b"\0", 4)
            body[section[4:end].decode()] = bson.decode_all(section[end + 1 :], CODEC)
    return body


def reply(request: Request, document: Document) -> bytes:
    encoded = bson.encode(document)
    if request.op_code == OP_QUERY:
        head, op_code = struct.pack("<iqii", 8, 0, 0, 1), OP_REPLY
    else:
        head, op_code = struct.pack("<IB", 0, 0), OP_MSG
    length = 16 + len(head) + len(encoded)
    return struct.pack("<iiii", length, next(_ids), request.id, op_code) + head + encoded
