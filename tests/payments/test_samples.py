"""What the sample payment services tell a shop."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from ordercast.commerce.money import Money
from ordercast.commerce.payments import CardToken, Charge
from ordercast.payments.providers.http import HttpProvider

from .services import SECRET, SECRET_PREVIOUS, node_service, python_service

Message = tuple[dict[str, str], bytes]
HEARD_WITHIN_S = 30


@contextmanager
def shop(messages: queue.Queue[Message]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            messages.put(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("language", ["python", pytest.param("node", marks=pytest.mark.node)])
async def test_while_its_secret_is_changed_a_service_signs_by_both(language: str, tmp_path: Path) -> None:
    """So the shop is told at every step, whichever of them it knows."""
    messages: queue.Queue[Message] = queue.Queue()
    both = f"{SECRET} {SECRET_PREVIOUS}"
    with shop(messages) as url:
        running = python_service(tmp_path, url, secrets=both) if language == "python" else node_service(url, both)
        with running as service:
            provider = HttpProvider(service, [SECRET_PREVIOUS])
            taken = await provider.authorize(Charge("ord_1", "ord_1", Money(500, "BDT"), CardToken("tok_redirect")))
            await provider.close()
            assert taken.action is not None
            async with httpx.AsyncClient() as browser:
                await browser.post(str(taken.action.url), data={"answer": "yes"})
            headers, body = await asyncio.to_thread(messages.get, timeout=HEARD_WITHIN_S)
    for secret in (SECRET, SECRET_PREVIOUS):
        told = Webhook(secret).verify(body, headers)
        assert told["type"] == "payment.authorized"
