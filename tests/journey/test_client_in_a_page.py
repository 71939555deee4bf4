"""The stock client in Chromium, by the builds that pages load without a bundler, from another origin."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from ordercast.hub import Cookie, Options, Server, Socket
from tests.ports import free_port
from tests.servers import running

from .browsers import browser

pytestmark = pytest.mark.browser

PACKAGES = Path(__file__).parent.parent / "clients/node_modules"
SCRIPTS = {
    "4.8": "socket.io-client/dist/socket.io.js",
    "4.8 minified": "socket.io-client/dist/socket.io.min.js",
    "4.4": "socket.io-client-4.4/dist/socket.io.min.js",
    "4.0": "socket.io-client-4.0/dist/socket.io.min.js",
    "3.1": "socket.io-client-3.1/dist/socket.io.min.js",
}
MODULE = PACKAGES / "socket.io-client/dist/socket.io.esm.min.js"
MSGPACK = "socket.io-client/dist/socket.io.msgpack.min.js"

# What a page does: connect with options, have bytes echoed, and tell how.
TALK = """async ([url, options]) => {
  const socket = io(url, { forceNew: true, reconnectionDelay: 10, ...options });
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error("no answer")), 8000));
  const within = (happen) => Promise.race([new Promise(happen), late]);
  await within((resolve) => socket.once("connect", resolve));
  if (options.upgrades && socket.io.engine.transport.name !== options.upgrades)
    await within((resolve) => socket.io.engine.once("upgrade", resolve));
  const answer = await within((resolve) => socket.emit("echo", new Uint8Array([0, 1, 255]).buffer, resolve));
  const headers = await within((resolve) => socket.emit("headers", resolve));
  const transport = socket.io.engine.transport.name;
  const protocol = socket.io.engine.transport.ws?.protocol ?? null;
  socket.disconnect();
  return { bytes: [...new Uint8Array(answer)], transport, headers, protocol };
}"""
WAYS: dict[str, dict[str, Any]] = {
    "websocket": {"transports": ["websocket"]},
    "polling": {"transports": ["polling"]},
    "upgrade": {"upgrades": "websocket"},
}


@contextmanager
def served(**options: Any) -> Iterator[str]:
    """A server in a loop of its own, because Playwright's blocks this one; give its address."""
    server = Server(Options(cookie=Cookie(), **options))

    def connected(socket: Socket) -> None:
        socket.on("echo", lambda value: (value,))
        socket.on("headers", lambda: socket.handshake.headers)

    server.on("connection", connected)
    port, stopping, listening = free_port(), asyncio.Event(), threading.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with running(server, port=port):
            listening.set()
            await stopping.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert listening.wait(30)
        yield f"http://localhost:{port}"
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as playwright, browser(playwright) as chromium:
        yield chromium.new_page()


@pytest.fixture(scope="module")
def page_origin() -> Iterator[str]:
    """Where pages come from that are of another origin."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            is_module = self.path.endswith(".js")
            self.send_header("Content-Type", "text/javascript" if is_module else "text/html")
            self.end_headers()
            self.wfile.write(MODULE.read_bytes() if is_module else b"<!doctype html><title>A page</title>")

        def log_message(self, *_args: object) -> None:
            """Pages are asked for in silence."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as pages:
        thread = threading.Thread(target=pages.serve_forever)
        thread.start()
        yield f"http://localhost:{pages.server_port}"
        pages.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def server(page_origin: str) -> Iterator[str]:
    with served(origins=(page_origin,)) as url:
        yield url


def load(page: Page, origin: str, script: str) -> None:
    page.goto(f"{origin}/any")
    page.add_script_tag(path=PACKAGES / script)


@pytest.mark.parametrize("version", SCRIPTS)
def test_a_page_loads_a_version_by_a_script_tag_and_connects_each_way(
    page: Page, page_origin: str, server: str, version: str
) -> None:
    load(page, page_origin, SCRIPTS[version])

    for way, options in WAYS.items():
        found = page.evaluate(TALK, [server, options])
        assert (found["bytes"], found["transport"]) == ([0, 1, 255], "polling" if way == "polling" else "websocket")
        assert found["headers"]["origin"] == page_origin


def test_a_page_loads_it_as_a_module(page: Page, page_origin: str, server: str) -> None:
    page.goto(f"{page_origin}/any")
    page.evaluate("async () => { window.io = (await import('/socket.io.esm.min.js')).io; }")

    assert page.evaluate(TALK, [server, WAYS["upgrade"]])["bytes"] == [0, 1, 255]


def test_the_build_with_msgpack_speaks_with_a_server_that_does(page: Page, page_origin: str) -> None:
    with served(origins=(page_origin,), parser="msgpack") as url:
        load(page, page_origin, MSGPACK)

        assert page.evaluate(TALK, [url, WAYS["upgrade"]])["bytes"] == [0, 1, 255]


def test_a_cookie_is_kept_and_sent_with_credentials_and_not_without(page: Page, page_origin: str, server: str) -> None:
    load(page, page_origin, SCRIPTS["4.8"])
    polling = WAYS["polling"]
    page.context.clear_cookies()

    page.evaluate(TALK, [server, polling])
    assert "cookie" not in page.evaluate(TALK, [server, polling])["headers"]
    page.evaluate(TALK, [server, {**polling, "withCredentials": True}])
    again = page.evaluate(TALK, [server, {**polling, "withCredentials": True}])

    assert again["headers"]["cookie"].startswith("io=")


def test_headers_of_its_own_pass_the_preflight(page: Page, page_origin: str, server: str) -> None:
    load(page, page_origin, SCRIPTS["4.8"])

    found = page.evaluate(TALK, [server, {**WAYS["polling"], "extraHeaders": {"X-Shop": "one"}}])

    assert found["headers"]["x-shop"] == "one"


def test_a_subprotocol_is_agreed_on(page: Page, page_origin: str, server: str) -> None:
    load(page, page_origin, SCRIPTS["4.8"])

    found = page.evaluate(TALK, [server, {**WAYS["websocket"], "protocols": ["shop.v2", "shop.v1"]}])

    assert found["protocol"] == "shop.v2"


@pytest.mark.parametrize(
    "options",
    [
        {"transports": ["webtransport", "websocket"], "tryAllTransports": True},
        {"transports": ["polling", "websocket", "webtransport"], "upgrades": "websocket"},
    ],
    ids=["asked for first", "listed last"],
)
def test_webtransport_which_we_do_not_have_is_passed_over(
    page: Page, page_origin: str, server: str, options: dict[str, Any]
) -> None:
    load(page, page_origin, SCRIPTS["4.8"])

    assert page.evaluate(TALK, [server, options])["transport"] == "websocket"


@pytest.mark.parametrize("options", [{"addTrailingSlash": False}, {"forceBase64": True}, {"rememberUpgrade": True}])
def test_options_that_a_browser_carries_out_in_its_own_way(
    page: Page, page_origin: str, server: str, options: dict[str, Any]
) -> None:
    load(page, page_origin, SCRIPTS["4.8"])

    for way in WAYS.values():
        assert page.evaluate(TALK, [server, {**way, **options}])["bytes"] == [0, 1, 255]


@pytest.mark.parametrize("build", ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js"])
def test_a_page_without_a_bundler_takes_the_client_from_the_server(
    page: Page, page_origin: str, server: str, build: str
) -> None:
    page.goto(f"{page_origin}/any")
    at = f"{server}/socket.io/{build}"
    if ".esm." in build:
        page.evaluate("async (at) => { window.io = (await import(at)).io; }", at)
    else:
        page.add_script_tag(url=at)

    assert page.evaluate(TALK, [server, WAYS["upgrade"]])["bytes"] == [0, 1, 255]
