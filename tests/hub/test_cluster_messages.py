"""What nodes send each other, byte for byte: nodes of two versions share a site while it is renewed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ordercast.hub.cluster_messages import (
    AnyMessage,
    BroadcastWithAck,
    Disconnect,
    Emit,
    FetchSockets,
    Join,
    Leave,
    Response,
    ServerSideEmit,
    ServerSideEmitWithAck,
    SocketDetails,
    Target,
    decode_message,
    encode_message,
    pack,
    unpack,
)

TARGET, REACH = Target("/", ("a",), ("b",)), ["/", ["a"], ["b"]]
EVENT, SAID = pack("e", [1, b"\x02"]), [b'451-["e",1,{"_placeholder":true,"num":0}]', [b"\x02"]]
DETAILS = SocketDetails(
    "sid", ["a"], {"n": 1}, {"token": "t"}, [(b"h", b"v")], b"EIO=4", "::1", True, 1.5, "/socket.io/"
)

MESSAGES: list[tuple[AnyMessage, dict[str, Any]]] = [
    (
        Emit(TARGET, EVENT, True, False),
        {"type": "emit", "reach": REACH, "said": SAID, "volatile": True, "compress": False},
    ),
    (Join(TARGET, ("c",)), {"type": "join", "reach": REACH, "rooms": ["c"]}),
    (Leave(TARGET, ("c",)), {"type": "leave", "reach": REACH, "rooms": ["c"]}),
    (Disconnect(TARGET, True), {"type": "disconnect", "reach": REACH, "close": True}),
    (ServerSideEmit("/", EVENT), {"type": "serverside", "namespace": "/", "said": SAID}),
    (
        BroadcastWithAck("node", 1, TARGET, EVENT, True, False, 2.5),
        {"type": "askclients", "node": "node", "id": 1, "reach": REACH, "said": SAID}
        | {"volatile": True, "compress": False, "timeout_s": 2.5},
    ),
    (FetchSockets("node", 1, TARGET), {"type": "asksockets", "node": "node", "id": 1, "reach": REACH}),
    (
        ServerSideEmitWithAck("node", 1, "/", EVENT),
        {"type": "askservers", "node": "node", "id": 1, "namespace": "/", "said": SAID},
    ),
    (
        Response(1, "node", [EVENT], [DETAILS], False),
        {"type": "answer", "id": 1, "node": "node", "values": [SAID], "is_complete": False}
        | {
            "sockets": [
                {"id": "sid", "rooms": ["a"], "data": {"n": 1}, "auth": {"token": "t"}, "raw_headers": [[b"h", b"v"]]}
                | {"raw_query": b"EIO=4", "address": "::1", "secure": True, "time": 1.5, "path": "/socket.io/"}
            ]
        },
    ),
]


@pytest.mark.parametrize(("message", "fields"), MESSAGES, ids=[type(message).__name__ for message, _ in MESSAGES])
def test_a_message_is_written_with_the_names_that_every_version_knows(
    message: AnyMessage, fields: dict[str, Any]
) -> None:
    encoded = encode_message(message)

    assert msgspec.msgpack.decode(encoded) == fields
    assert decode_message(encoded) == message


def test_an_event_is_unpacked_as_it_was_packed() -> None:
    assert unpack(EVENT) == ["e", 1, b"\x02"]
