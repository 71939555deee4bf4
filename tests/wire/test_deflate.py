"""permessage-deflate: an independent client, what may be offered, and bombs."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from ordercast.hub import Options, Server
from ordercast.protocol.errors import MalformedPacket, MessageTooBig
from ordercast.protocol.message import Message
from ordercast.protocol.msgpack import encode_event
from ordercast.wire.deflate import accepts_deflate, deflated_frames, inflate
from tests.peers import AT_ONCE_S, BINARY, CLOSE, PING, TEXT, WEBSOCKET, Peer, frame, upgrade_request
from tests.servers import Running, running

BYTES_MAX = 100_000
OFFER = "permessage-deflate; client_max_window_bits"
LARGE = "order " * 500
COMPRESSED = 4  # of the reserved bits, the first


def deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)[:-4]


@pytest.fixture
def options() -> Options:
    return Options(permessage_deflate=True, message_bytes_max=BYTES_MAX)


@pytest.fixture
async def peer(at: Running) -> AsyncIterator[Peer]:
    async with await Peer.start(at.port, Sec_WebSocket_Extensions=OFFER) as peer:
        yield peer


async def handshake_head(port: int, offer: str) -> str:
    async with await Peer.dial(port) as peer:
        peer.writer.write(upgrade_request(port, Sec_WebSocket_Extensions=offer))
        return (await peer.reader.readuntil(b"\r\n\r\n")).decode().lower()


# Whole conversations


@pytest.mark.parametrize(
    "offer",
    [
        ClientPerMessageDeflateFactory(),
        ClientPerMessageDeflateFactory(client_max_window_bits=True, server_no_context_takeover=True),
        ClientPerMessageDeflateFactory(client_max_window_bits=9, client_no_context_takeover=True),
    ],
    ids=["plain", "asking", "small window"],
)
async def test_an_independent_client_understands_and_is_understood(
    at: Running, server: Server, offer: ClientPerMessageDeflateFactory
) -> None:
    url = f"ws://127.0.0.1:{at.port}{WEBSOCKET}"
    async with connect(url, extensions=[offer], compression=None, proxy=None) as client:
        assert [extension.name for extension in client.protocol.extensions] == ["permessage-deflate"]
        await client.recv()
        await client.send("40")
        await client.recv()
        for number in range(20):
            text = json.dumps(["echo", number, LARGE, "\u20ac" * number], ensure_ascii=False, separators=(",", ":"))
            await client.send(f"42{number}{text}")
            answer = await client.recv()
            assert json.loads(str(answer)[2 + len(str(number)) :]) == [number, LARGE, "\u20ac" * number]
        noise = random.Random(1).randbytes(5_000)
        server.emit("binary", noise, bytes(5_000))
        assert str(await client.recv()).startswith('452-["binary"')
        assert [await client.recv(), await client.recv()] == [noise, bytes(5_000)]


async def test_fragments_are_joined_before_they_are_inflated(at: Running, server: Server) -> None:
    url = f"ws://127.0.0.1:{at.port}{WEBSOCKET}"
    async with connect(url, extensions=[ClientPerMessageDeflateFactory()], compression=None, proxy=None) as client:
        await client.recv()
        await client.send(["4", "0"])
        await client.recv()
        await client.send(['420["ec', 'ho","', LARGE, '"]'])
        assert await client.recv() == f'430["{LARGE}"]'


async def test_a_broadcast_reaches_clients_with_and_without_compression(at: Running, server: Server) -> None:
    url = f"ws://127.0.0.1:{at.port}{WEBSOCKET}"
    async with await Peer.start(at.port) as plain, connect(url, proxy=None) as client:
        await client.recv()
        await client.send("40")
        await client.recv()
        server.emit("news", LARGE)
        await plain.expect(f'42["news","{LARGE}"]')
        assert await client.recv() == f'42["news","{LARGE}"]'


async def test_where_it_was_not_chosen_no_offer_is_taken() -> None:
    async with running(Server()) as at:
        assert "sec-websocket-extensions" not in await handshake_head(at.port, OFFER)


async def test_the_answer_keeps_no_context_on_either_side(at: Running) -> None:
    head = await handshake_head(at.port, OFFER)

    accepted = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    assert f"sec-websocket-extensions: {accepted}\r\n" in head


# Offers


@pytest.mark.parametrize(
    ("offers", "taken"),
    [
        ([], False),
        ([b"permessage-deflate"], True),
        ([b"Permessage-Deflate; Client_Max_Window_Bits"], True),
        ([b'permessage-deflate; client_max_window_bits="10"; server_max_window_bits=15'], True),
        ([b"permessage-deflate; server_max_window_bits=10"], False),
        ([b"permessage-deflate; server_max_window_bits=10, permessage-deflate"], True),
        ([b"x-webkit-deflate-frame", b"permessage-deflate"], True),
        ([b"permessage-deflate; client_max_window_bits=7"], False),
        ([b"permessage-deflate; client_max_window_bits=16"], False),
        ([b"permessage-deflate; server_no_context_takeover=1"], False),
        ([b"permessage-deflate; server_no_context_takeover; server_no_context_takeover"], False),
        ([b"permessage-deflate; unknown"], False),
        ([b"x-permessage-deflate"], False),
        ([b",;,=;"], False),
    ],
)
def test_an_offer_is_taken_or_declined(offers: list[bytes], taken: bool) -> None:
    """RFC 7692 section 7.1."""
    assert accepts_deflate([(b"sec-websocket-extensions", offer) for offer in offers]) is taken


# Sending


def test_a_broadcast_is_compressed_once_and_only_where_it_pays() -> None:
    large = Message(b"4" + b"x" * 2_000)
    assert deflated_frames(large, 1_024) is deflated_frames(large, 1_024)
    assert len(deflated_frames(large, 1_024)) < 100
    assert deflated_frames(large, 1_024)[0] == 0xC1

    for plain in (Message(b"4short"), Message(b"4" + random.Random(2).randbytes(2_000))):
        assert deflated_frames(plain, 1_024) == plain.frames
    unworthy = Message(b"4" + b"x" * 2_000)
    unworthy.compress = False
    assert deflated_frames(unworthy, 1_024) is unworthy.frames


def test_a_message_that_is_binary_as_a_whole_has_no_empty_frame_before_it() -> None:
    message = encode_event("/", "e", [b"x" * 2_000])

    frames = deflated_frames(message, 1_000)

    assert frames[0] == 0xC2, "final, compressed, binary"
    assert len(frames) < 100


# Receiving what should not be sent


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", b""),
        (b"\x00", b""),
        (deflate(b"hello"), b"hello"),
        (b"\x03\x00", b""),  # a final block, RFC 7692 section 7.2.3.4
        (zlib.compress(b"hello", wbits=-15) + b"\x00", b"hello"),
    ],
)
def test_what_compressors_make_is_inflated(data: bytes, message: bytes) -> None:
    assert inflate(data, 5) == message


@pytest.mark.parametrize("data", [b"\xff\xff", b"\x07", deflate(b"hello") + b"\x07", b"\x03\x00" * 50_000])
def test_what_is_no_compressed_data_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedPacket):
        inflate(data, 1_000)


def test_no_more_than_the_bound_is_ever_made() -> None:
    assert inflate(deflate(bytes(1_000)), 1_000) == bytes(1_000)
    with pytest.raises(MessageTooBig):
        inflate(deflate(bytes(1_001)), 1_000)


async def test_a_bomb_is_refused_at_the_bound(peer: Peer) -> None:
    """A thousand times smaller on the wire than in memory."""
    bomb = deflate(b"4" + bytes(50_000_000))
    assert len(bomb) < BYTES_MAX

    peer.send_bytes(frame(TEXT, bomb, reserved=COMPRESSED))

    assert await peer.closing(within_s=AT_ONCE_S) == 1009


@pytest.mark.parametrize(
    "frames",
    [
        frame(TEXT, b"\xff\xff\xff", reserved=COMPRESSED),
        frame(TEXT, deflate(b"4"), reserved=COMPRESSED | 2),
        frame(TEXT, deflate(b"4"), reserved=1),
        frame(PING, b"", reserved=COMPRESSED),
        frame(CLOSE, b"", reserved=COMPRESSED),
        frame(TEXT, b"4", reserved=COMPRESSED, fin=False) + frame(0, b"", reserved=COMPRESSED),
        frame(TEXT, b"4", reserved=COMPRESSED, fin=False) + frame(BINARY, b"", reserved=COMPRESSED),
        frame(TEXT, deflate(b"4garbage"), reserved=COMPRESSED),
    ],
)
async def test_a_broken_frame_closes_at_once(peer: Peer, frames: bytes) -> None:
    peer.send_bytes(frames)

    assert await peer.closing(within_s=AT_ONCE_S) == 1002


async def test_an_uncompressed_message_is_taken_too(peer: Peer) -> None:
    peer.send('420["echo",1]')
    await peer.expect("430[1]")
    peer.send_bytes(frame(TEXT, deflate(b'421["echo",2]'), reserved=COMPRESSED))
    await peer.expect("431[2]")
    peer.send('422["echo",3]')
    await peer.expect("432[3]")
