"""Compressed polling answers."""

from __future__ import annotations

import gzip
import zlib

import httpx
import pytest

from ordercast.hub import Options, Server
from ordercast.wire.compression import accepted_encoding, compress
from tests.peers import Poller
from tests.servers import running

LARGE = "x" * 2_000


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        (b"", b""),
        (b"gzip", b"gzip"),
        (b"GZIP, deflate, br", b"gzip"),
        (b"deflate", b"deflate"),
        (b"br;q=1.0, gzip;q=0.5, *;q=0", b"gzip"),
        (b"gzip;q=0, deflate", b"deflate"),
        (b"gzip; q=0.000", b""),
        (b"*", b"gzip"),
        (b"*;q=0", b""),
        (b"gzip;q=0, *", b"deflate"),
        (b"identity", b""),
        (b",;=,", b""),
        (b"gzip;q=" + b"9" * 10_000, b"gzip"),
    ],
)
def test_the_encoding_is_one_that_the_client_accepts(header: bytes, encoding: bytes) -> None:
    """RFC 9110 section 12.5.3."""
    assert accepted_encoding(header) == encoding


def test_both_encodings_are_what_they_are_called() -> None:
    assert gzip.decompress(compress(b"a" * 100, b"gzip")) == b"a" * 100
    assert zlib.decompress(compress(b"a" * 100, b"deflate")) == b"a" * 100


async def polled(server: Server, encoding: str, text: str) -> httpx.Response:
    async with running(server) as at, Poller(at.port, headers={"Accept-Encoding": encoding}) as poller:
        await poller.start()
        server.emit("news", text)
        return await poller.request()


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_long_answer_is_compressed_where_that_was_chosen(encoding: str) -> None:
    response = await polled(Server(Options(http_compression=True)), encoding, LARGE)

    assert response.headers["content-encoding"] == encoding
    assert response.headers["vary"] == "Accept-Encoding"
    assert int(response.headers["content-length"]) < 200
    assert response.text == f'42["news","{LARGE}"]'


@pytest.mark.parametrize(
    ("options", "encoding", "text"),
    [
        (Options(), "gzip", LARGE),
        (Options(http_compression=True), "identity", LARGE),
        (Options(http_compression=True), "gzip", "short"),
        (Options(http_compression=True, compression_bytes_min=3_000), "gzip", LARGE),
    ],
    ids=["not chosen", "not accepted", "short", "below the bound"],
)
async def test_others_stay_as_they_are(options: Options, encoding: str, text: str) -> None:
    response = await polled(Server(options), encoding, text)

    assert "content-encoding" not in response.headers
    assert response.text == f'42["news","{text}"]'


async def test_what_the_program_emits_as_not_worth_it_is_not_compressed() -> None:
    server = Server(Options(http_compression=True))
    async with running(server) as at, Poller(at.port, headers={"Accept-Encoding": "gzip"}) as poller:
        await poller.start()
        server.main.compress(False).emit("news", LARGE)
        plain = await poller.request()
        server.emit("news", LARGE)
        compressed = await poller.request()

    assert "content-encoding" not in plain.headers
    assert compressed.headers["content-encoding"] == "gzip"
    assert plain.text == compressed.text
