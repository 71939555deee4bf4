"""Mails of a running shop: what a commit owes outlives a kill, and a link is opened in a browser."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from aiosmtpd.smtp import SMTP
from playwright.sync_api import expect, sync_playwright

from tests.mail.mailbox import Received, read
from tests.mail.smtp_server import SmtpServerAt
from tests.waiting import eventually

from .browsers import browser, open_page, page_errors
from .nodes import PATIENCE_S
from .shop import Shop

PASSWORD = "a good long phrase"
EMAIL = "asha@example.com"


@contextlib.contextmanager
def opened(listening: socket.socket) -> Iterator[SmtpServerAt]:
    """A real mail server in a thread of its own, at a port that was taken before and answered nobody."""
    at, loop = SmtpServerAt(), asyncio.new_event_loop()

    def protocol() -> SMTP:
        return SMTP(at, hostname="mail.example.com", loop=loop)

    server = loop.run_until_complete(loop.create_server(protocol, sock=listening))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield at
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_S)
        loop.run_until_complete(server.wait_closed())
        loop.close()


def test_what_was_ordered_just_before_the_kill_is_confirmed_by_the_restarted_server(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))  # and does not listen: whoever connects is refused
        environ = {
            "ORDERCAST_MAIL_URL": f"smtp://127.0.0.1:{listening.getsockname()[1]}",
            "ORDERCAST_MAIL_FROM": "Our Shop <orders@shop.example.com>",
            "ORDERCAST_PUBLIC_URL": "https://shop.example.com/",
        }
        shop = Shop(tmp_path, environ)
        shop.start()
        try:
            order = shop.place()
            shop.kill()
            with opened(listening) as smtp:
                shop.start()
                eventually(lambda: smtp.envelopes)
                (mail,) = smtp.received
        finally:
            shop.kill()
    assert mail.message["From"] == "Our Shop <orders@shop.example.com>"
    assert mail.message["Message-ID"] == f"<mail_{order['id']}@shop.example.com>"
    assert mail.link == f"https://shop.example.com/track/{order['id']}?token={order['trackingToken']}"


def received(folder: Path, to: str) -> Received:
    """The first mail to that address."""
    found: list[Received] = []

    def has_come() -> bool:
        found[:] = [mail for file in folder.glob("*.eml") if (mail := read(file.read_bytes())).to == to]
        return bool(found)

    eventually(has_come)
    return found[0]


@pytest.mark.browser
def test_a_mailed_link_confirms_an_address_in_a_browser(tmp_path: Path) -> None:
    shop = Shop(tmp_path, {"ORDERCAST_MAIL_URL": ""})  # as it is while developing: a folder beside the database
    shop.start()
    try:
        _confirm(shop, tmp_path)
    finally:
        shop.kill()


def _confirm(shop: Shop, tmp_path: Path) -> None:
    body = {"email": EMAIL, "name": "Asha Rahman", "password": PASSWORD}
    assert httpx.post(f"{shop.url}/api/auth/register", json=body).status_code == 201
    mail = received(tmp_path / "shop.mail", EMAIL)
    with sync_playwright() as playwright, browser(playwright) as chromium:
        page = open_page(chromium, mail.link)
        page.get_by_test_id("verify-password").fill(PASSWORD)
        assert page.evaluate("location.hash") == ""
        page.get_by_test_id("verify-submit").click()
        expect(page.get_by_test_id("verified")).to_be_visible()
        page.get_by_test_id("claim-orders").click()
        expect(page.get_by_text("Nothing was ordered with this address before.")).to_be_visible()
        assert page_errors(page) == []
    assert mail.token not in shop.output
