"""The stock client's files, as a page without a bundler asks for them."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ordercast.hub import Options, Server
from ordercast.wire import client_files
from tests.peers import PATIENCE_S, Poller
from tests.servers import running

SCRIPT = b"/* Socket.IO */ var io = {};\n" * 100
Browser = Callable[..., Any]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "socket.io"
    folder.mkdir()
    for name in client_files.NAMES:
        (folder / name).write_bytes(SCRIPT)
        (folder / f"{name}.map").write_bytes(b"{}")
    monkeypatch.setattr(client_files, "FOLDER", folder)
    return folder


@asynccontextmanager
async def browser(**options: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        running(Server(Options(**options))) as at,
        httpx.AsyncClient(base_url=at.url, timeout=PATIENCE_S, trust_env=False) as client,
    ):
        yield client


async def test_each_build_and_its_map_are_served_under_the_path() -> None:
    async with browser() as client:
        for name in client_files.NAMES:
            script, source_map = await client.get(f"/socket.io/{name}"), await client.get(f"/socket.io/{name}.map?v=1")

            assert (script.status_code, script.content) == (200, SCRIPT)
            assert script.headers["content-type"] == "application/javascript; charset=utf-8"
            assert script.headers["cache-control"] == "public, max-age=0"
            assert script.headers["x-content-type-options"] == "nosniff"
            assert (source_map.status_code, source_map.content) == (200, b"{}")
            assert source_map.headers["content-type"] == "application/json; charset=utf-8"


async def test_it_moves_with_the_path_and_leaves_polling_alone() -> None:
    async with running(Server(Options(path="/live/"))) as at, Poller(at.port, "/live/") as poller:
        assert (await poller.request(sid="", EIO="4")).status_code == 200
        async with httpx.AsyncClient(base_url=at.url, trust_env=False) as client:
            assert (await client.get("/live/socket.io.min.js")).content == SCRIPT
            assert (await client.get("/socket.io/socket.io.min.js")).status_code == 404


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_who_has_the_file_is_not_sent_it_again(encoding: str) -> None:
    async with browser(origins=("*",)) as client:
        asked = {"accept-encoding": encoding, "origin": "https://elsewhere.example"}
        first = await client.get("/socket.io/socket.io.js", headers=asked)
        etag = first.headers["etag"]
        for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            again = await client.get("/socket.io/socket.io.js", headers={**asked, "if-none-match": known})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == etag
            assert again.headers["access-control-allow-origin"] == "https://elsewhere.example"
        changed = await client.get("/socket.io/socket.io.js", headers={**asked, "if-none-match": '"other"'})

        assert (changed.status_code, changed.content) == (200, SCRIPT)


async def test_it_is_compressed_where_the_browser_takes_that() -> None:
    async with (
        browser() as client,
        client.stream("GET", "/socket.io/socket.io.js", headers={"accept-encoding": "gzip"}) as answer,
    ):
        raw = b"".join([part async for part in answer.aiter_raw()])

        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["vary"] == "Accept-Encoding"
        assert len(raw) < len(SCRIPT)
        assert gzip.decompress(raw) == SCRIPT


async def test_head_says_as_much_without_the_body() -> None:
    async with browser() as client:
        answer = await client.head("/socket.io/socket.io.js", headers={"accept-encoding": "identity"})

        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-length"] == str(len(SCRIPT))


async def test_another_site_may_load_the_module_only_if_its_origin_is_listed() -> None:
    async with browser(origins=("https://shop.example",)) as client:
        path = "/socket.io/socket.io.esm.min.js"
        listed = await client.get(path, headers={"origin": "https://shop.example"})
        other = await client.get(path, headers={"origin": "https://other.example"})

        assert listed.headers["access-control-allow-origin"] == "https://shop.example"
        assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize("name", ["socket.io.ts", "socket.io.js.map.map", "package.json", "../index.html", "%2e%2e/x"])
async def test_nothing_else_is_served_from_there(name: str, folder: Path) -> None:
    (folder / "package.json").write_text("{}")
    async with browser() as client:
        assert (await client.get(f"/socket.io/{name}")).status_code == 404
        assert (await client.post("/socket.io/socket.io.js")).status_code == 404


async def test_a_server_may_leave_it_to_others() -> None:
    async with browser(serve_client=False) as client:
        answer = await client.get("/socket.io/socket.io.js")

        assert (answer.status_code, answer.content) == (404, b"")


async def test_without_the_build_it_says_what_to_do(folder: Path) -> None:
    (folder / "socket.io.js").unlink()
    async with browser() as client:
        answer = await client.get("/socket.io/socket.io.js")

        assert answer.status_code == 404
        assert "make pages" in answer.text
        assert answer.headers["cache-control"] == "no-store"

        (folder / "socket.io.js").write_bytes(SCRIPT)
        assert (await client.get("/socket.io/socket.io.js")).status_code == 200
